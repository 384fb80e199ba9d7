import { hostname } from "node:os";
import { newInstanceId, nodeId, type StartFrom } from "@ringrift/envelope";
import {
  type ConsumerGroup,
  type GroupClaim,
  type GroupInfo,
  QueueError,
} from "@ringrift/event-queue";
import { type BusMark, BusMarks } from "../carrying/bus-marks.ts";
import { CoordinatorError } from "../errors.ts";
import type { AnyQueue } from "../carrying/wire.ts";

export interface MembershipOptions {
  readonly queue: AnyQueue;
  /** The node's name; an unnamed node reads as a group of its own that goes with it. */
  readonly node: string | undefined;
  /** Where a new group starts. */
  readonly from: StartFrom;
  readonly onError: (error: unknown) => void;
  /** Called when somebody else has the name. */
  readonly onLost: () => void;
}

const CLAIM_TTL_MS = 10_000;
/** An unnamed node that crashed leaves a group nobody will ever read. */
const UNNAMED_EXPIRE_AFTER_MS = 3_600_000;

/**
 * A node's place among the readers of the queue: its group, and the claim that makes a name its own.
 * A named group stays when the node stops, with its cursor; an unnamed one goes.
 */
export class Membership {
  readonly group: ConsumerGroup;
  /** What earlier stops of a node of this name left about their buses. */
  marks: BusMarks = BusMarks.NONE;
  readonly #options: MembershipOptions;
  readonly #named: boolean;
  #claim: GroupClaim | undefined;
  #timer: NodeJS.Timeout | undefined;
  #renewal: Promise<void> | undefined;
  #lost = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#named = options.node !== undefined;
    // A launcher may have made the group of a named node with a policy of its own: none is asked for.
    const policy = this.#named ? {} : { expireAfterMs: UNNAMED_EXPIRE_AFTER_MS };
    this.group = options.queue.group(options.node ?? `node-${nodeId()}-${nextUnnamed()}`, {
      from: options.from,
      ...policy,
    });
  }

  /** Whether somebody else took the name while this node could not renew its claim. */
  get lost(): boolean {
    return this.#lost;
  }

  /**
   * Claims the name and makes the group, its start fixed.
   *
   * @throws CoordinatorError `NODE_NAME_TAKEN`
   */
  async join(): Promise<GroupInfo> {
    this.#lost = false;
    // Also that of an unnamed node, which nobody else wants: so the queue knows whose group it is, and whether it is there.
    await this.#claimName(this.group.name);
    try {
      const info = await this.group.ensure();
      if (info.eventTypes !== undefined) throw this.#isWorkGroup(info.eventTypes);
      this.marks = BusMarks.read(this.#claim?.note).after(info);
      return info;
    } catch (error) {
      await this.leave();
      throw error;
    }
  }

  /**
   * Gives the name back, with what the next start has to know of this one's bus; removes the group of an unnamed node.
   * Never rejects: both run out by themselves.
   */
  async leave(mark?: BusMark): Promise<void> {
    clearInterval(this.#timer);
    const claim = this.#claim;
    this.#claim = undefined;
    // One that is under way would take the name again after it was given back.
    await this.#renewal;
    try {
      await claim?.release({ note: mark && this.marks.noteWith(mark) });
      if (!this.#named) await this.#options.queue.groups.remove(this.group.name);
    } catch (error) {
      // Who closes the queue first knows that it can't be told any more.
      if (error instanceof QueueError && error.code === "QUEUE_CLOSED") return;
      this.#options.onError(error);
    }
  }

  /** Node and work group would take each other's events: each event goes to one reader of a group. */
  #isWorkGroup(eventTypes: readonly string[]): CoordinatorError {
    return new CoordinatorError(
      "NODE_NAME_TAKEN",
      `Node name "${this.group.name}" is the name of a work group (of ${eventTypes.join(", ")}). Give the node or the group another name.`,
    );
  }

  async #claimName(name: string): Promise<void> {
    // In words, since whoever wants the name too gets to read it.
    const holder = `process ${process.pid} on host "${hostname()}" (${newInstanceId("coordinator")})`;
    try {
      this.#claim = await this.#options.queue.groups.claim(name, { holder, ttlMs: CLAIM_TTL_MS });
    } catch (error) {
      if (!(error instanceof QueueError) || error.code !== "GROUP_CLAIMED") throw error;
      throw new CoordinatorError(
        "NODE_NAME_TAKEN",
        `Node name "${name}" is taken by ${await this.#holderOf(name)}. Stop that one, or give this node another name. When it has crashed, its name is free again within ${CLAIM_TTL_MS / 1000} s.`,
        { cause: error },
      );
    }
    this.#timer = setInterval(() => (this.#renewal = this.#renew(name)), CLAIM_TTL_MS / 3);
    this.#timer.unref();
  }

  async #renew(name: string): Promise<void> {
    try {
      if (!this.#claim || (await this.#claim.renew())) return;
    } catch (error) {
      // The claim runs on for a while; the next renewal may succeed.
      this.#options.onError(error);
      return;
    }
    if (this.#lost || !this.#claim) return;
    this.#lost = true;
    clearInterval(this.#timer);
    this.#options.onLost();
    this.#options.onError(
      new CoordinatorError(
        "NODE_NAME_TAKEN",
        `Node name "${name}" was lost: this process could not renew it for ${CLAIM_TTL_MS} ms, and ${await this.#holderOf(name)} has it now. This one reads no more events; restart it.`,
      ),
    );
  }

  /** Who holds a name, as far as the queue says. */
  async #holderOf(name: string): Promise<string> {
    try {
      const groups = await this.#options.queue.groups.list();
      const holder = groups.find((group) => group.name === name)?.claimedBy;
      if (holder !== undefined) return holder;
    } catch {
      // Only a message lacks a part; what it is about is reported anyway.
    }
    return "another process";
  }
}

let unnamed = 0;
function nextUnnamed(): number {
  unnamed += 1;
  return unnamed;
}
