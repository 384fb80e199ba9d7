import { MemoryEventQueue, type MemoryLog } from "@ringrift/event-queue";
import { Actor } from "./actor.ts";
import type { Deed } from "./steps.ts";

type Group = MemoryLog["groups"] extends Map<string, infer G> ? G : never;
type Present = ReturnType<Group["members"]["live"]>[number];

/** A member as the model in memory has it. */
export class ModelledMember {
  readonly #log: MemoryLog;
  #actor: Actor;
  /** Whom its process has brought into groups. */
  readonly #present = new Set<Present>();

  constructor(log: MemoryLog) {
    this.#log = log;
    this.#actor = new Actor(new MemoryEventQueue({ log }));
  }

  async take(deed: Deed): Promise<unknown> {
    const before = new Set(this.#all());
    const answer = await this.#actor.take(deed);
    for (const one of this.#all()) if (!before.has(one)) this.#present.add(one);
    return answer;
  }

  state(): Promise<unknown> {
    return this.#actor.state();
  }

  /** The delayed events of the log. */
  async delayed(): Promise<number> {
    return (await this.#actor.queue.stats()).delayed;
  }

  /** Its process has another queue now. */
  reopen(): void {
    this.#actor = new Actor(new MemoryEventQueue({ log: this.#log }));
  }

  /** Whoever was brought into groups by a process that has ended is gone at once; nobody in memory can know. */
  endProcess(): void {
    for (const { members } of this.#log.groups.values()) {
      for (const one of this.#present) members.leave(one);
    }
    this.#present.clear();
  }

  close(): Promise<void> {
    return this.#actor.queue.close();
  }

  #all(): Present[] {
    const { groups, now } = this.#log;
    return [...groups.values()].flatMap(({ members }) => members.live(now()));
  }
}
