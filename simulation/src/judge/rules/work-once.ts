import type { EntryOf } from "../../ledger.ts";
import type { WorkPlan } from "../../scenario/scenario.ts";
import { typeOf } from "../../scenario/topics.ts";
import { type Complaint, groupBy, type Trial } from "../trial.ts";

/**
 * A work group works on each of its events until it is settled or buried, and never again after that. It begins a second
 * time only after a failure, a crash or an end that left something, and says so.
 */
export function* workOnce(trial: Trial): Generator<Complaint> {
  const begins = groupBy(
    trial.of("begin").filter(({ group }) => group !== undefined),
    ({ queue, group, id }) => `${queue} ${group} ${id}`,
  );
  for (const attempts of begins.values()) {
    for (const [index, second] of attempts.entries()) {
      const first = attempts[index - 1];
      if (first) yield* judgeSecond(trial, first, second);
    }
  }
  for (const plan of trial.scenario.work) {
    for (const event of trial.stored) {
      if (event.queue === plan.queue && isFor(trial, plan, event)) {
        yield* judgeEnd(trial, plan, event);
      }
    }
  }
}

/** Whether a group has to do an event: from when a member wanted it, while one does. */
function isFor(trial: Trial, plan: WorkPlan, { type, index }: EntryOf<"stored">): boolean {
  const { nodes, topics, laterTopics = topics } = plan;
  const starts = trial.of("started").filter(({ node }) => nodes.includes(node));
  const wants = ({ version }: EntryOf<"started">): boolean =>
    (version === 2 ? laterTopics : topics).some((topic) => typeOf(topic) === type);
  const last = new Map(starts.map((start) => [start.node, start]));
  const isOfFirst = topics.some((topic) => typeOf(topic) === type);
  // A type of the first version is wanted from the beginning; one of the second when that first started.
  const isWanted = isOfFirst || starts.some((start) => wants(start) && start.index < index);
  return isWanted && [...last.values()].some(wants);
}

function* judgeSecond(
  trial: Trial,
  first: EntryOf<"begin">,
  second: EntryOf<"begin">,
): Generator<Complaint> {
  const { id, tag, queue, group = "" } = second;
  const lines = [first.index, second.index];
  const again = `${group} worked on ${id} (${tag}) again`;
  const settled = trial.settledAt(queue, group, id);
  const end = endOf(trial, first);
  const hasFailed = end?.failed === true && end.index < second.index;
  const ended = trial.endedBetween(first.node, first.index, second.index);
  if (settled !== undefined && settled < second.index) {
    yield { kind: "work-once: again after it was settled", message: `${again}.`, lines };
  } else if (
    !hasFailed &&
    (ended ?? "clean") === "clean" &&
    !trial.waitedForStop(first, first.index, second.index) &&
    !trial.wentWrongBetween(first.node, first.index, second.index)
  ) {
    const kind = `work-once: ${ended === undefined ? "twice" : "again after a clean stop"}`;
    yield { kind, message: `${again}, for no reason.`, lines };
  }
  if (!second.redelivered || second.attempt <= first.attempt) {
    const message = `${again}, as attempt ${second.attempt} after ${first.attempt}.`;
    yield { kind: "work-once: not flagged", message, lines };
  }
}

/** The end of what began. */
function endOf(trial: Trial, begin: EntryOf<"begin">): EntryOf<"end"> | undefined {
  return trial
    .of("end")
    .find(
      (end) =>
        end.index > begin.index &&
        end.node === begin.node &&
        end.life === begin.life &&
        end.handler === begin.handler &&
        end.id === begin.id &&
        end.attempt === begin.attempt,
    );
}

function* judgeEnd(trial: Trial, plan: WorkPlan, event: EntryOf<"stored">): Generator<Complaint> {
  const { group, queue, maxAttempts, laterMaxAttempts = maxAttempts } = plan;
  const { id, tag } = event;
  const buried = trial.of("buried").find((entry) => entry.group === group && entry.id === id);
  const limits = [maxAttempts, laterMaxAttempts];
  // After a failure that the higher limit allowed, the lower one may be what counts.
  const isWithin =
    buried && buried.attempts >= Math.min(...limits) && buried.attempts <= Math.max(...limits);
  const hasChanged = limitsOf(trial, plan, buried?.index ?? 0).size > 1;
  if (buried && !(hasChanged ? isWithin : limits.includes(buried.attempts))) {
    const message = `${group} buried ${id} (${tag}) after ${buried.attempts} attempts.`;
    yield { kind: "work-once: buried early or late", message, lines: [buried.index] };
  }
  if (trial.settledAt(queue, group, id) !== undefined) return;
  // What isn't at rest is another rule's.
  if (trial.of("rest").length === 0) return;
  const message = `${group} neither settled nor buried ${id} (${tag}).`;
  yield { kind: "work-once: never", message, lines: [event.index] };
}

/** What members that had started before a line allow. */
function limitsOf(trial: Trial, plan: WorkPlan, before: number): Set<number> {
  const { nodes, maxAttempts, laterMaxAttempts = maxAttempts } = plan;
  const starts = trial.of("started").filter(({ node, index }) => {
    return nodes.includes(node) && index < before;
  });
  return new Set(starts.map(({ version }) => (version === 2 ? laterMaxAttempts : maxAttempts)));
}
