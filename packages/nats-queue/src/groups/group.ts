import {
  decodeGroupPolicy,
  type GivenGroupPolicy,
  type StoredGroupPolicy,
} from "@ringrift/event-queue/backend";
import type { StateEntry } from "../messages/state-store.ts";

/** A group as its document says. */
export interface Group {
  readonly name: string;
  readonly policy: StoredGroupPolicy;
  /** What the member states that works for it; its `policy` says so then. Isn't stored. */
  readonly given?: GivenGroupPolicy | undefined;
  /** Tells it from one of the same name that was removed; empty in documents of versions before. */
  readonly id: string;
  /** Its name was claimed: it is its holder's reading group. */
  readonly isReader: boolean;
  /** What the server takes for the length of a lease unless it is told otherwise: as it was when the group was made. */
  readonly usualLeaseMs: number;
  /**
   * Name of its consumers, new whenever its cursor is set: a lease of earlier ones finds nobody any more.
   */
  readonly incarnation: string;
  /** Positions above this one are the group's. */
  readonly start: number;
  /** When that was decided, by the server's clock. */
  readonly startedAt: number;
  /** How often dead letters were given back to it: whether there is a second consumer to ask. */
  readonly redrives: number;
  /** Members look for redriven events of keys; by the server's clock. */
  readonly care?: { readonly since: number; readonly notedAt: number } | undefined;
  /** A migration has made it, and nobody has moved it since; deliveries up to this position may be known elsewhere. */
  readonly adopted?: { readonly againUpTo: number } | undefined;
  /** It was moved back to before events that it has dead letters of: up to this position. */
  readonly lettersUpTo?: number | undefined;
  readonly revision: number;
  /** When the document was written. */
  readonly writtenAt: number;
}

/** The log, or the dead letters that were given back. */
export type Lane = "log" | "redriven";

/** Reads a group's document. */
export function toGroup({ text, revision, time }: StateEntry): Group {
  // The cast is safe: written by GroupStore.
  const stored = JSON.parse(text) as StoredGroup;
  const policy = decodeGroupPolicy(stored.policy);
  return {
    ...stored,
    id: stored.id ?? "",
    isReader: stored.isReader ?? false,
    usualLeaseMs: stored.usualLeaseMs ?? policy.leaseMs,
    policy,
    revision,
    writtenAt: time,
  };
}

/** As it is written. */
type StoredGroup = Omit<Group, "policy" | "given" | "id" | "isReader" | "usualLeaseMs"> & {
  readonly policy: string;
} & Partial<Pick<Group, "id" | "isReader" | "usualLeaseMs">>;
