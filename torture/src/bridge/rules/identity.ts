import { type Call, QUEUE_TYPES, type Topic } from "../catalogue.ts";
import { type Got, type Ledger, type Working } from "../ledger.ts";
import type { Row } from "../remains.ts";
import type { Rule } from "./rule.ts";

/** Calls that take a key. */
const CARRYING: ReadonlySet<Call> = new Set(["events.publish", "emitters", "queue.send"]);

/** Everybody sees an event with the id, the topic and the causes that the log has. */
export const identity: Rule = {
  name: "one identity",
  judge: (ledger) => [
    ...[...ledger.gots, ...ledger.workings].flatMap((seen) => sightingOf(ledger, seen)),
    ...ledger.remains.rows.flatMap((row) => originOf(ledger, row)),
  ],
};

function sightingOf(ledger: Ledger, seen: Got | Working): string[] {
  const { id, name, life, topic, correlationId, causationId } = seen;
  const row = ledger.rows.get(id);
  if (!row) {
    return isUnstored(ledger, seen)
      ? []
      : [`"${name}" reached ${life} as ${id}, which is not in the log.`];
  }
  const differing = [
    row.name !== name && "name",
    row.type !== QUEUE_TYPES[topic as Topic] && "topic",
    row.correlationId !== correlationId && "correlation",
    row.causationId !== causationId && "cause",
  ].filter((what) => what !== false);
  return differing.map(
    (what) => `"${name}" reached ${life} with another ${what} than the log has.`,
  );
}

/** The publisher said so, or was killed before it could be stored. */
function isUnstored(ledger: Ledger, { name, life, at }: Got | Working): boolean {
  const attempts = (ledger.attemptsOf.get(name) ?? []).filter((attempt) => attempt.life === life);
  const ending = ledger.lives.get(life)?.ending;
  if (ledger.diedSoon({ life, at })) return true;
  return attempts.some((attempt) => attempt.failed || (ending && attempt.at > ending.at));
}

/** An event's cause is what was being handled, and its trail is that one's. */
function originOf(ledger: Ledger, row: Row): string[] {
  const { name, id, correlationId, causationId, key } = row;
  const [attempt] = ledger.attemptsOf.get(name) ?? [];
  if (!attempt) return [`"${name}" is in the log, and nobody published it.`];
  const { parent, how } = attempt;
  const what = `"${name}" (${how})`;
  const isKeyed = ledger.bugs.has("catalogueKeys") || CARRYING.has(how);
  return [
    causationId !== parent?.id && `${what} has the cause ${causationId}, not ${parent?.id}.`,
    correlationId !== (parent?.correlationId ?? id) && `${what} is on another trail.`,
    isKeyed && key !== attempt.key && `${what} has the key ${key}, not ${attempt.key}.`,
  ].filter((found) => found !== false);
}
