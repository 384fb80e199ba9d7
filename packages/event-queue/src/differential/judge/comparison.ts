import { isDeepStrictEqual } from "node:util";
import type { QueueFixture } from "../../conformance/harness/suite.ts";
import { MemoryEventQueue } from "../../memory/memory-event-queue.ts";
import { MemoryLog } from "../../memory-state/memory-log.ts";
import { noteEndings } from "./endings.ts";
import { type Difference, firstDifference } from "./difference.ts";
import { answerFacts, countFacts, stateFacts } from "./facts.ts";
import { type Situation, takesAll, whyOpen } from "./open-choices.ts";
import { orderOf } from "./order-of-sends.ts";
import { PassingTime, timeOf } from "../play/passing-time.ts";
import { type Answer, perform } from "../play/perform.ts";
import {
  type Command,
  GROUP_NAMES,
  type GroupName,
  LOG_OPTIONS,
  type Script,
} from "../script/script.ts";
import { Side } from "../play/side.ts";
import type { ScriptClock } from "../clocks/script-clock.ts";
import { isServedAsOften } from "../play/tolerances.ts";

const PATIENCE_MS = 10_000;
/** How long a queue may take until it shows what has become of a command, where its clock can't be set. */
const SETTLED_MS = 2_000;
const LOOK_AGAIN_MS = 100;
/** Where time really passes, everything is looked at after so many commands. */
const LOOK_EVERY = 5;

/** Plays one script on a queue and on the memory queue, and compares all that both answer and show. */
export class Comparison {
  readonly #clock: ScriptClock;
  readonly #script: Script;
  readonly #idsCountWithin: Situation["idsCountWithin"];
  readonly #reference: Side;
  readonly #subject: Side;
  readonly #time: PassingTime;
  readonly #redriven = new Set<GroupName>();

  constructor(
    fixture: QueueFixture,
    script: Script,
    { clock, idsCountWithin }: { readonly clock: ScriptClock } & Pick<Situation, "idsCountWithin">,
  ) {
    this.#clock = clock;
    this.#script = script;
    this.#idsCountWithin = idsCountWithin;
    this.#reference = new Side(memoryFixture(clock), clock, script);
    this.#subject = new Side(fixture, clock, script);
    this.#time = new PassingTime(clock, this.#reference, this.#subject);
  }

  /** The first difference, if there is one. */
  async play(): Promise<Difference | undefined> {
    const commands: Command[] = [];
    let situation = await this.#look();
    const last = this.#script.commands.length - 1;
    for (const [nth, command] of this.#script.commands.entries()) {
      while (await this.#clock.settle()) situation = await this.#look(false);
      if (this.#clock.isUnsure) return undefined;
      if ((await whyOpen(command, situation, this.#reference)) !== undefined) continue;
      commands.push(command);
      const played = { ...this.#script, commands };
      const [answer, subjectAnswer] = await this.#perform(command, situation);
      await this.#time.pass(timeOf(command, this.#clock));
      // To look at everything takes a server long: only now and then, and at the end.
      const isWhole = !this.#clock.isReal || nth % LOOK_EVERY === 0 || nth === last;
      situation = await this.#look(isWhole);
      let where = this.#compareAnswers(answer, subjectAnswer, situation);
      if (where !== undefined) return { played, where };
      if (isWhole) [where, situation] = await this.#compareLooks(situation);
      if (where !== undefined) return { played, where };
    }
    const [seen] = await this.#compareLooks(await this.#look());
    const where = seen ?? (await this.#compareCounts());
    return where === undefined ? undefined : { played: { ...this.#script, commands }, where };
  }

  async end(): Promise<void> {
    await this.#reference.end();
    await this.#subject.end();
  }

  /** @param isWhole - or only at the log of the queue that is compared */
  async #look(isWhole = true): Promise<Situation> {
    const seen = await this.#reference.observe();
    const subjectSeen = await this.#subject.observe(isWhole);
    const { leases } = this.#reference;
    const [redriven, idsCountWithin] = [this.#redriven, this.#idsCountWithin];
    return { now: this.#clock.now(), seen, subjectSeen, leases, redriven, idsCountWithin };
  }

  async #perform(command: Command, situation: Situation): Promise<[Answer, Answer]> {
    const leaseAll = command.do === "lease" && takesAll(situation, command.group);
    if (command.do === "sendAtOnce" && this.#clock.isReal) return this.#sendAtOnce(command);
    const answer = await perform(this.#reference, command, { leaseAll, expected: 0 });
    const isMany = answer.kind === "events" || answer.kind === "leases";
    const expected = isMany ? answer.events.length : 0;
    const subjectAnswer = await inTime(perform(this.#subject, command, { leaseAll, expected }));
    this.#noteRedriven(command, answer, leaseAll);
    this.#time.note(answer);
    noteEndings(this.#reference, command, answer);
    return [answer, subjectAnswer];
  }

  /** Memory stores them in the order in which the other queue has. */
  async #sendAtOnce(command: Command & { do: "sendAtOnce" }): Promise<[Answer, Answer]> {
    const how = { leaseAll: false, expected: 0 };
    const subjectAnswer = await inTime(perform(this.#subject, command, how));
    const order = orderOf(subjectAnswer);
    const answer = await perform(this.#reference, command, { ...how, order });
    this.#time.note(answer);
    noteEndings(this.#reference, command, answer);
    return [answer, subjectAnswer];
  }

  #noteRedriven(command: Command, answer: Answer, leasedAll: boolean): void {
    if (answer.kind === "refused") return;
    if (command.do === "redrive" && command.which.dryRun !== true && !isNone(answer)) {
      for (const name of GROUP_NAMES) {
        if ((command.which.group ?? name) === name) this.#redriven.add(name);
      }
    }
    const isOver =
      command.do === "lease" ? leasedAll : command.do === "remove" || command.do === "seek";
    if (isOver && "group" in command) this.#redriven.delete(command.group);
  }

  #compareAnswers(
    answer: Answer,
    other: Answer,
    { seen, subjectSeen }: Situation,
  ): string | undefined {
    return firstDifference(
      "the answer",
      answerFacts(this.#subject, other, subjectSeen),
      answerFacts(this.#reference, answer, seen),
    );
  }

  /** A queue that goes by a clock of its own may show what has become of a command a moment later. */
  async #compareLooks(first: Situation): Promise<[string | undefined, Situation]> {
    const deadline = performance.now() + SETTLED_MS;
    let situation = first;
    for (;;) {
      const where = this.#compareStates(situation);
      const isOver = !this.#clock.isReal || performance.now() > deadline;
      if (where === undefined || isOver) return [where, situation];
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      situation = await this.#look();
    }
  }

  #compareStates({ seen, subjectSeen }: Situation): string | undefined {
    const served = seen.groups.map((group) => {
      const other = subjectSeen.groups.find(({ name }) => name === group.name);
      if (other === undefined || isServedAsOften(group, other, this.#clock.slackMs))
        return undefined;
      const { since } = this.#clock;
      return `lastServedAt of group "${group.name}" is ${since(other.lastServedAt)}; in memory ${since(group.lastServedAt)}`;
    });
    return (
      compareEach(stateFacts(this.#subject, subjectSeen), stateFacts(this.#reference, seen)) ??
      served.find((where) => where !== undefined)
    );
  }

  /** At the end, since to ask each instance takes long. */
  async #compareCounts(): Promise<string | undefined> {
    const counts = await this.#reference.count();
    const subjectCounts = await this.#subject.count();
    return compareEach(
      countFacts(this.#subject, subjectCounts),
      countFacts(this.#reference, counts),
    );
  }
}

function compareEach(
  subject: Record<string, unknown>,
  reference: Record<string, unknown>,
): string | undefined {
  for (const [name, fact] of Object.entries(reference)) {
    const found = firstDifference(name, subject[name], fact);
    if (found !== undefined) return found;
  }
  return undefined;
}

function memoryFixture({ now }: ScriptClock): QueueFixture {
  const log = new MemoryLog({ ...LOG_OPTIONS, now });
  return { open: () => new MemoryEventQueue({ log }), dispose: async () => {} };
}

/** Nothing was redriven. */
function isNone(answer: Answer): boolean {
  return answer.kind === "plain" && isDeepStrictEqual(answer.value, { count: 0 });
}

/** A call that hangs is a difference, too. */
async function inTime(answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Answer>((resolve) => {
    const error = new Error(`No answer in ${PATIENCE_MS} ms.`);
    timer = setTimeout(() => resolve({ kind: "refused", error }), PATIENCE_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
