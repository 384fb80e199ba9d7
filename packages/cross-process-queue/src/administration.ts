import type { StartFrom } from "@ringrift/envelope";
import { parseStartFrom } from "@ringrift/envelope";
import type {
  ClaimOptions,
  DeadLetter,
  DeadLetterFilter,
  DeadLetters,
  GroupClaim,
  GroupInfo,
  Groups,
} from "@ringrift/event-queue";
import { checkClaim, checkDeadLetterFilter, checkGroupName } from "@ringrift/event-queue/backend";
import { groupClaimed } from "./claims.ts";
import { Budget } from "./budget.ts";
import type { QueueInstance } from "./instance.ts";

/** Administration of the groups of a queue. */
export class SqliteGroups implements Groups {
  readonly #instance: QueueInstance;

  constructor(instance: QueueInstance) {
    this.#instance = instance;
  }

  async list(): Promise<GroupInfo[]> {
    await this.#instance.sweep();
    const now = Date.now();
    return this.#instance.read(({ groups }) =>
      groups.all().map((group) => groups.info(group, now)),
    );
  }

  async seek(name: string, from: StartFrom): Promise<GroupInfo> {
    checkGroupName(name);
    parseStartFrom(from);
    return this.#instance.write(({ groups }, tx) =>
      groups.info(groups.seek(tx, name, from), tx.now),
    );
  }

  async remove(name: string): Promise<boolean> {
    checkGroupName(name);
    let isFound = false;
    for (let isGone = false; !isGone;) {
      isGone = await this.#instance.write(({ groups }) => {
        const group = groups.find(name);
        if (group === undefined) return true;
        isFound = true;
        return groups.dissolve(group, new Budget()).isGone;
      });
    }
    return isFound;
  }

  async claim(name: string, options: ClaimOptions): Promise<GroupClaim> {
    const group = checkGroupName(name);
    const { holder, ttlMs } = checkClaim(options);
    const take = (): Promise<string | undefined> =>
      this.#instance.write(({ claims }, tx) =>
        claims.take(tx, group, holder, ttlMs) ? undefined : claims.holderOf(group, tx.now),
      );
    const heldBy = await take();
    if (heldBy !== undefined) throw groupClaimed(group, heldBy);
    return {
      group,
      holder,
      renew: async () => (await take()) === undefined,
      release: () => this.#instance.write(({ claims }) => claims.release(group, holder)),
    };
  }
}

/** The dead letters of a queue. */
export class SqliteDeadLetters implements DeadLetters {
  readonly #instance: QueueInstance;

  constructor(instance: QueueInstance) {
    this.#instance = instance;
  }

  async list(filter?: DeadLetterFilter): Promise<DeadLetter[]> {
    const request = checkDeadLetterFilter(filter);
    return this.#instance.read(({ deadLetters }) => deadLetters.list(request));
  }

  async redrive(filter: DeadLetterFilter): Promise<{ count: number }> {
    const request = checkDeadLetterFilter(filter);
    return this.#inSteps(filter, (limit) =>
      this.#instance.write(({ deadLetters }, tx) => deadLetters.redrive(tx, request, limit)),
    );
  }

  async discard(filter: DeadLetterFilter): Promise<{ count: number }> {
    const request = checkDeadLetterFilter(filter);
    return this.#inSteps(filter, (limit) =>
      this.#instance.write(({ deadLetters }) => deadLetters.discard(request, limit)),
    );
  }

  /** One transaction for all would hold the lock, and the event loop, for too long. */
  async #inSteps(
    filter: DeadLetterFilter,
    step: (limit: number) => Promise<number>,
  ): Promise<{ count: number }> {
    const request = checkDeadLetterFilter(filter);
    const matching = await this.#instance.read(({ deadLetters }) => deadLetters.preview(request));
    if (request.dryRun) return { count: matching };
    let count = 0;
    // Letters that come meanwhile (a redriven event that fails again) are not of this call.
    while (count < matching) {
      const taken = await step(matching - count);
      if (taken === 0) break;
      count += taken;
    }
    return { count };
  }
}
