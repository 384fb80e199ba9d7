import { type Got, type Ledger, SLACK } from "../ledger.ts";
import type { Rule } from "./rule.ts";

/** So many before its cursor may a node have claimed and not begun: it leases 64 ahead of 16. */
const MOST_CLAIMED = 80;

/**
 * The bus of a node gets an event once. Again only what was in flight, or not yet passed by the node's cursor, when it was
 * killed; or in flight while its lease ran out; or what a handler publishes that runs again in a later life. Then it says
 * so.
 */
export const once: Rule = {
  name: "once per bus",
  judge: (ledger) => {
    const byOwner = Map.groupBy(ledger.gots, ({ life, id }) => `${ledger.ownerOf(life)} ${id}`);
    return [...byOwner.values()].flatMap((gots) =>
      gots.flatMap((got, index) => {
        const before = gots[index - 1];
        if (!before) return firstOf(ledger, got);
        // A handler that runs again in a later life publishes it again, on a bus that hasn't had it.
        if (got.redelivered && before.life !== got.life && isChildOf(ledger, got)) return [];
        const wrong = whyNotAgain(ledger, before);
        if (wrong !== undefined) return [`"${got.name}" came to ${got.life} again, ${wrong}.`];
        return got.redelivered || isUnknown(ledger, before) || ledger.mayBeForgotten(before)
          ? []
          : [`"${got.name}" came to ${got.life} again, not marked as redelivered.`];
      }),
    );
  },
};

/** Marked as redelivered, though it is the first one here: somebody before had it and could not say so. */
function firstOf(ledger: Ledger, { redelivered, life, at, name }: Got): string[] {
  if (!redelivered) return [];
  const owner = ledger.ownerOf(life);
  // A process of its node had it, and lost its lease before it began.
  const hadTrouble = [...ledger.lives.values()].some(
    (one) =>
      one.owner === owner &&
      ((one.ending && one.ending.how !== "clean" && one.ending.at < at) ||
        ledger.wasInterrupted(one.by, 0, at)),
  );
  // A handler that runs again publishes it, for the first time here.
  if (isChildOf(ledger, { name, life })) return [];
  if (hadTrouble) return [];
  return [`"${name}" came to ${life} first, marked as redelivered.`];
}

/** Whether only the bus that is gone knew that it had it: a handler published it there, and another process stored it. */
function isUnknown(ledger: Ledger, { name, life }: Got): boolean {
  const attempts = ledger.attemptsOf.get(name) ?? [];
  return isChildOf(ledger, { name, life }) && attempts.some((one) => one.life !== life);
}

function isChildOf({ attemptsOf }: Ledger, { name, life }: Pick<Got, "name" | "life">): boolean {
  const attempts = attemptsOf.get(name) ?? [];
  return attempts.some((one) => one.life === life && one.within !== undefined);
}

/** Why an event that a bus has had may not come again; `undefined` when it may. */
function whyNotAgain(ledger: Ledger, got: Got): string | undefined {
  const { life, by, at, end, id } = got;
  if (ledger.wasInterrupted(by, at, end) || ledger.mayBeForgotten(got)) return undefined;
  const story = ledger.lives.get(life);
  const ending = story?.ending;
  const had = `which ${life} had had`;
  if (!story || !ending || !story.isNamed) return `${had} and lives`;
  const wasInFlight = end === undefined || end > ending.at - SLACK;
  if (ending.how === "killed") {
    const isPassed = (ledger.rows.get(id)?.position ?? 0) <= ending.cursor - MOST_CLAIMED;
    return isPassed && !wasInFlight ? `${had} and passed long before it was killed` : undefined;
  }
  if (ending.how === "cut") {
    return wasInFlight ? undefined : `${had} and finished long before it stopped`;
  }
  // What a handler publishes after the stop that didn't wait for it stays there, and whoever handles the event now stores it.
  if (at > (story.stoppingAt ?? at) && isChildOf(ledger, got) && ledger.mayRunOn(by, at)) {
    return undefined;
  }
  return `${had} before it stopped cleanly`;
}
