import type { Got, Ledger } from "../ledger.ts";
import type { Row } from "../remains.ts";
import type { Rule } from "./rule.ts";

/** Events of a key follow each other: in the log, in work groups, and on the buses of other nodes. */
export const inOrder: Rule = {
  name: "keys in order",
  judge: (ledger) => {
    const rows = ledger.remains.rows.filter(({ key }) => key !== undefined);
    const byKey = [...Map.groupBy(rows, ({ key }) => key).values()].map((all) =>
      all.toSorted((one, other) => one.position - other.position),
    );
    return byKey.flatMap((all) =>
      [inLog, inGroups, onBuses].flatMap((place) => place(ledger, all)),
    );
  },
};

/** A publisher that waits for each has them stored one after another. */
function inLog({ attemptsOf }: Ledger, rows: readonly Row[]): string[] {
  const latest = new Map<string, number>();
  return rows.flatMap(({ name }) => {
    const [attempt] = attemptsOf.get(name) ?? [];
    if (!attempt || attempt.within) return [];
    const before = latest.get(attempt.by) ?? 0;
    latest.set(attempt.by, Math.max(before, attempt.at));
    // What two loads of a publisher send at the same time may be stored either way.
    const returned = (attempt.done ?? attempt.failed)?.at ?? Number.POSITIVE_INFINITY;
    return returned < before ? [`"${name}" is stored after what followed it.`] : [];
  });
}

function inGroups({ workings }: Ledger, rows: readonly Row[]): string[] {
  const byEvent = Map.groupBy(workings, ({ group, id }) => `${group} ${id}`);
  const groups = new Set(workings.map(({ group }) => group));
  return [...groups].flatMap((group) => {
    const calls = rows.flatMap(({ id }) => {
      const all = byEvent.get(`${group} ${id}`);
      if (!all) return [];
      // Whoever lost its lease may be busy with it for longer than those who have it now.
      const ends = all.flatMap(({ ok, end }) => (ok && end !== undefined ? [end] : []));
      const end = ends.length > 0 ? Math.min(...ends) : all.at(-1)?.end;
      return [{ name: all[0]?.name, at: all[0]?.at ?? 0, end }];
    });
    return overtaken(calls, `in "${group}"`);
  });
}

/** Only what came from elsewhere, and once: own events don't wait, and what comes again comes late. */
function onBuses({ gots, attemptsOf, lives }: Ledger, rows: readonly Row[]): string[] {
  const byLife = Map.groupBy(gots, ({ life }) => life);
  return [...byLife].flatMap(([life, all]) => {
    const byId = Map.groupBy(all, ({ id }) => id);
    const story = lives.get(life);
    const isForeign = ({ name, redelivered }: Got): boolean =>
      !redelivered && (attemptsOf.get(name) ?? []).every(({ by }) => by !== story?.by);
    const calls = rows.flatMap(({ id }) => {
      const [got, more] = byId.get(id) ?? [];
      return got && !more && isForeign(got) ? [got] : [];
    });
    return overtaken(calls, `on the bus of ${life}`);
  });
}

interface Call {
  readonly name: string | undefined;
  readonly at: number;
  readonly end?: number | undefined;
}

function overtaken(calls: readonly Call[], where: string): string[] {
  return calls.flatMap(({ name, at }, index) => {
    const before = calls[index - 1];
    // Whoever had the one before may have been killed before it said that it was done.
    if (!before || at >= (before.end ?? before.at)) return [];
    return [`"${name}" began ${where} before "${before.name}" had ended.`];
  });
}
