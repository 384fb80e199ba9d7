import type { EnsuredGroup } from "@ringrift/event-queue";
import type {
  ClaimedEvent,
  GroupMember,
  MemberRequest,
  StoredGroupPolicy,
  Taken,
} from "@ringrift/event-queue/backend";
import type { Connection } from "../connection/connection.ts";
import { StoppableLease, whileThere } from "./stoppable-lease.ts";

/** The member of a consumer, which may be stopped at any time: then it waits only for a server that is there. */
export class StoppableMember implements GroupMember {
  readonly #member: GroupMember;
  readonly #connection: Connection;

  constructor(member: GroupMember, connection: Connection) {
    this.#member = member;
    this.#connection = connection;
  }

  get policy(): StoredGroupPolicy | undefined {
    return this.#member.policy;
  }

  ensure(request: { readonly requireFrom: boolean }): Promise<EnsuredGroup> {
    return this.#member.ensure(request);
  }

  async claim(request: MemberRequest): Promise<Taken<ClaimedEvent>> {
    const claiming = this.#member.claim(request);
    const { items, ...rest } = await this.#untilStopped(claiming, request.signal);
    const stoppable = items.map(({ event, lease, until }) => ({
      event,
      lease: new StoppableLease(lease, this.#connection),
      until,
    }));
    return { ...rest, items: stoppable };
  }

  leave(): Promise<void> {
    return whileThere(this.#connection, "leaving a group", this.#member.leave());
  }

  /** When it is stopped, and the server is away, what comes late is given back. */
  async #untilStopped(
    claiming: Promise<Taken<ClaimedEvent>>,
    signal: AbortSignal | undefined,
  ): Promise<Taken<ClaimedEvent>> {
    if (signal === undefined) return claiming;
    const stopped = Promise.withResolvers<"stopped">();
    const stop = (): void => stopped.resolve("stopped");
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    try {
      const first = await Promise.race([claiming, stopped.promise]);
      if (first !== "stopped") return first;
      return await whileThere(this.#connection, "reading events", claiming);
    } catch (error) {
      claiming.then(giveBack, () => {});
      throw error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}

async function giveBack({ items }: Taken<ClaimedEvent>): Promise<void> {
  // Those that can't be are delivered again when their leases end.
  await Promise.allSettled(items.map(({ lease }) => lease.release()));
}
