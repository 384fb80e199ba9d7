import type { StartFrom } from "@ringrift/envelope";
import type {
  ClaimOptions,
  DeadLetter,
  DeadLetterFilter,
  DeadLetters,
  GroupClaim,
  GroupInfo,
  Groups,
} from "@ringrift/event-queue";
import { checkDeadLetterFilter, checkGroupName } from "@ringrift/event-queue/backend";
import { claimGroup } from "./claims.ts";
import type { DeadLetterStore, FoundLetter } from "./dead-letter-store.ts";
import { groupInfo } from "./group-info.ts";
import type { QueueInstance } from "./instance.ts";

const DEFAULT_LIST = 100;

/** Administration of the groups of a queue. */
export class NatsGroups implements Groups {
  readonly #instance: QueueInstance;

  constructor(instance: QueueInstance) {
    this.#instance = instance;
  }

  list(): Promise<GroupInfo[]> {
    return this.#instance.use(async (engine) => {
      await engine.sweeper.expireGroups();
      await engine.skipper.skipAll();
      const groups = await engine.groups.all();
      return Promise.all(groups.map((group) => groupInfo(engine, group)));
    });
  }

  async seek(name: string, from: StartFrom): Promise<GroupInfo> {
    const group = checkGroupName(name);
    return this.#instance.use(async (engine) =>
      groupInfo(engine, await engine.groups.seek(group, from)),
    );
  }

  async remove(name: string): Promise<boolean> {
    const group = checkGroupName(name);
    return this.#instance.use((engine) => engine.groups.remove(group));
  }

  claim(name: string, options: ClaimOptions): Promise<GroupClaim> {
    return claimGroup(this.#instance, name, options);
  }
}

/** The dead letters of a queue. */
export class NatsDeadLetters implements DeadLetters {
  readonly #instance: QueueInstance;

  constructor(instance: QueueInstance) {
    this.#instance = instance;
  }

  async list(filter: DeadLetterFilter = {}): Promise<DeadLetter[]> {
    const request = checkDeadLetterFilter({ limit: DEFAULT_LIST, ...filter });
    const found = await this.#instance.use(({ letters }) => letters.find(request));
    return found.map(({ letter }) => letter);
  }

  redrive(filter: DeadLetterFilter): Promise<{ count: number }> {
    return this.#each(filter, async (letters, found) => {
      for (const one of found) await letters.redrive(one);
      const groups = new Set(found.map(({ letter }) => letter.group));
      for (const group of groups) await letters.noteRedrive(group);
    });
  }

  discard(filter: DeadLetterFilter): Promise<{ count: number }> {
    return this.#each(filter, async (letters, found) => {
      for (const { sequence } of found) await letters.remove(sequence);
    });
  }

  async #each(
    filter: DeadLetterFilter,
    act: (letters: DeadLetterStore, found: FoundLetter[]) => Promise<void>,
  ): Promise<{ count: number }> {
    const request = checkDeadLetterFilter(filter);
    return this.#instance.use(async ({ letters }) => {
      const found = await letters.find(request);
      if (!request.dryRun) await act(letters, found);
      return { count: found.length };
    });
  }
}
