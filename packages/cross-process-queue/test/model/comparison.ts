import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { MemoryLog } from "@ringrift/event-queue";
import { MODEL_OPTIONS } from "./actor.ts";
import type { Member, Recruit } from "./member.ts";
import { ModelledMember } from "./modelled-member.ts";
import { type Deed, show, type Step } from "./steps.ts";

const PATIENCE_MS = 5_000;

/** Two members of a file, two of a model in memory, and one clock for all of them. */
export class Comparison {
  readonly #path: string;
  readonly #recruit: Recruit;
  readonly #members: (Member | undefined)[] = [undefined, undefined];
  readonly #log: MemoryLog;
  readonly #model: ModelledMember[];
  readonly #trace: string[] = [];
  #now = 1_800_000_000_000;
  /** What is remembered for ten minutes is forgotten at once when the clock leaps: so it is not asked for any more. */
  #leaps = 0;

  constructor(path: string, recruit: Recruit) {
    this.#path = path;
    this.#recruit = recruit;
    this.#log = new MemoryLog({ ...MODEL_OPTIONS, now: () => this.#now });
    this.#model = [new ModelledMember(this.#log), new ModelledMember(this.#log)];
  }

  /** Plays a script; throws, with all that was done and answered, when the file says anything else than the model. */
  async play(script: readonly Step[]): Promise<void> {
    for (const step of script) {
      this.#trace.push(`${this.#trace.length + 1}. ${show(step)}`);
      await this.#play(step);
    }
    await this.#compareStates();
  }

  /** Ends whoever is left. */
  async end(): Promise<void> {
    for (const member of this.#members) await member?.crash();
    for (const model of this.#model) await model.close();
  }

  async #play(step: Step): Promise<void> {
    if (step.do === "pass") return this.#setClock(this.#now + step.ms);
    if (step.do === "set-clock") {
      this.#leaps += 1;
      return this.#setClock(this.#now + step.hours * 3_600_000);
    }
    if (step.do === "crash") return this.#crash(step.by);
    if (step.do === "cut") return this.#cut(step.by, step.deed, step.afterMicros);
    if (step.do === "reopen") {
      await (await this.#member(step.by)).reopen();
      this.#model[step.by]?.reopen();
      return;
    }
    const { by, ...deed } = step;
    const named = this.#named(deed);
    const answer = await (await this.#member(by)).take(named);
    this.#expectSame("answered", answer, await this.#model[by]?.take(named));
  }

  /** The next one of this name has none of what this one had leased. */
  async #crash(by: number): Promise<void> {
    await this.#end(by);
    this.#model[by] = new ModelledMember(this.#log);
    // Whoever looks notes when it was gone; without this, the model at the next deed and the file at the next look.
    await this.#compareStates();
  }

  async #end(by: number): Promise<void> {
    const member = this.#members[by];
    this.#members[by] = undefined;
    await member?.crash();
    if (member?.isProcess === true) this.#model[by]?.endProcess();
  }

  /** Afterwards the deed is done, as a whole, or it is not. */
  async #cut(by: number, deed: Deed, afterMicros: number): Promise<void> {
    const named = this.#named(deed);
    const member = await this.#member(by);
    // Nobody hears the answer, if there is one.
    member.take(named).catch(() => {});
    if (afterMicros > 0) await sleep(afterMicros / 1000);
    await this.#end(by);
    const state = await this.#state();
    const model = this.#model[by];
    if (model === undefined || isDeepStrictEqual(state, plain(await model.state()))) {
      this.#trace.push("   (was not done)");
    } else {
      this.#trace.push("   (was done)");
      await model.take(named);
      this.#expectSame("has then", state, await model.state());
    }
    this.#model[by] = new ModelledMember(this.#log);
  }

  async #setClock(now: number): Promise<void> {
    this.#now = now;
    for (const member of this.#members) await member?.setClock(now);
    // Who is due comes in a moment later, by itself.
    const delayed = await this.#model[0]?.delayed();
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const state = (await this.#state()) as { delayed: number };
      if (state.delayed === delayed || performance.now() > deadline) break;
      await sleep(5);
    }
    await this.#compareStates();
  }

  async #compareStates(): Promise<void> {
    this.#expectSame("has", await this.#state(), await this.#model[0]?.state());
  }

  async #state(): Promise<unknown> {
    return (await this.#member(this.#members[0] === undefined ? 1 : 0)).state();
  }

  async #member(by: number): Promise<Member> {
    const member = this.#members[by] ?? (await this.#recruit(this.#path, this.#now));
    this.#members[by] = member;
    return member;
  }

  #named(deed: Deed): Deed {
    if (deed.do !== "send" || deed.dedupeKey === undefined) return deed;
    return { ...deed, dedupeKey: `${deed.dedupeKey}-${this.#leaps}` };
  }

  #expectSame(what: string, actual: unknown, model: unknown): void {
    const expected = plain(model);
    if (isDeepStrictEqual(actual, expected)) return;
    throw new Error(
      `After\n${this.#trace.join("\n")}\nthe file ${what}\n${JSON.stringify(actual)}\nand the model\n${JSON.stringify(expected)}`,
    );
  }
}

/** As it is after it went from one process to another. */
export function plain(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}
