import type { Group, Lane } from "../groups/group.ts";
import type { RawMessage } from "../messages/raw-message.ts";

/** Messages that the server has given to this member, and for how long. */
export interface Delivered {
  readonly group: Group;
  readonly lane: Lane;
  readonly messages: readonly RawMessage[];
  readonly leaseMs: number;
  /** They were given at or after this moment of the monotone clock. */
  readonly since: number;
}

/** A group, and for how long its events are leased. */
export type Leasing = Pick<Delivered, "group" | "leaseMs">;
