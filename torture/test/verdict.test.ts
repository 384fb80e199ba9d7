import { describe, expect, it } from "vitest";
import type { Entry, Statement } from "../src/journal.ts";
import { isSound, judge, type LoggedEvent, type Remains } from "../src/verdict.ts";

/** A history of one publisher and one consumer, a microsecond a statement. */
function history(...statements: Statement[]): Entry[] {
  return statements.map((statement, index) => {
    const { kind } = statement;
    const by =
      kind === "begin" || kind === "acking" || kind === "settled" ? "consumer" : "publisher";
    return Object.assign({ at: index + 1, by }, statement);
  });
}

const attempt = (n: number): Statement => ({ kind: "attempt", n, key: "k" });
const sent = (n: number): Statement => ({ kind: "sent", n, id: `e${n}`, position: n });
const settled = (n: number, held = true, asked = 0): Statement => ({
  kind: "settled",
  id: `e${n}`,
  held,
  asked,
});
const acking = (n: number): Statement => ({ kind: "acking", id: `e${n}` });
const begin = (n: number): Statement => ({
  kind: "begin",
  id: `e${n}`,
  from: "publisher",
  n,
  key: "k",
  position: n,
  attempt: 1,
});
const event = (n: number): LoggedEvent => ({
  id: `e${n}`,
  position: n,
  key: "k",
  payload: { from: "publisher", n },
});
const left = (...numbers: number[]): Remains => ({
  events: numbers.map((n) => event(n)),
  dead: [],
  pending: 0,
});

const good = [attempt(1), sent(1), attempt(2), sent(2), begin(1), settled(1), begin(2), settled(2)];

describe("the verdict on a history", () => {
  it("is sound when everything that was acknowledged was handled once, in order", () => {
    const verdict = judge(history(...good), left(1, 2));
    expect(verdict).toMatchObject({ published: 2, acknowledged: 2, handled: 2, redelivered: 0 });
    expect(isSound(verdict)).toBe(true);
  });

  it("is not sound when nothing happened", () => {
    expect(isSound(judge([], left()))).toBe(false);
  });

  it("forgives the one ack that found the log gone, and no other", () => {
    const refused = (): Entry => ({ kind: "refused", code: "WAL_UNLINKED", by: "consumer", at: 0 });
    const sends = [attempt(1), sent(1), attempt(2), sent(2), begin(1)];
    const first = [...sends, acking(1), refused(), settled(1, false)];
    const other = [begin(2), acking(2), refused(), settled(2, false)];
    expect(isSound(judge(history(...first, begin(2), settled(2)), left(1, 2)))).toBe(true);
    expect(judge(history(...first, ...other), left(1, 2)).faults.lost).toEqual(["e2"]);
  });

  it("forgives what a killed process could not say", () => {
    const killed = [attempt(1), attempt(2), sent(2), begin(1), acking(1), begin(2), settled(2)];
    expect(isSound(judge(history(...killed), left(1, 2)))).toBe(true);
  });

  it("counts redeliveries and refusals", () => {
    const more: Statement[] = [
      begin(2),
      settled(2, false),
      { kind: "refused", code: "QUEUE_FULL" },
    ];
    const verdict = judge(history(...good, ...more), left(1, 2));
    expect(verdict).toMatchObject({ redelivered: 1, refused: { QUEUE_FULL: 1 } });
    expect(isSound(verdict)).toBe(true);
  });

  const broken: [fault: string, entries: Statement[], remains: Remains, found: string[]][] = [
    ["lost", good, left(1), ["e2"]],
    [
      "lost",
      good.filter((one) => !("id" in one) || one.kind === "sent" || one.id === "e1"),
      left(1, 2),
      ["e2"],
    ],
    ["phantoms", [...good, begin(3)], left(1, 2), ["e3"]],
    [
      "stored_twice",
      good,
      { ...left(1, 2), events: [event(1), event(2), { ...event(2), id: "e9" }] },
      ["e9"],
    ],
    ["settled_twice", [...good, settled(2)], left(1, 2), ["e2"]],
    [
      "disordered",
      [attempt(1), attempt(2), begin(1), begin(2), settled(1, true, 5)],
      left(1, 2),
      ["e2"],
    ],
    ["unaccounted", good, left(1, 2, 3), ["e3"]],
    // Whoever began with it was killed, and it did not come again.
    ["unaccounted", [...good, attempt(3), begin(3)], left(1, 2, 3), ["e3"]],
    // Its ack was refused, or came too late, and it did not come again.
    [
      "unaccounted",
      [...good, attempt(3), begin(3), acking(3), settled(3, false)],
      left(1, 2, 3),
      ["e3"],
    ],
  ];
  it.each(broken)("names what is %s", (fault, entries, remains, found) => {
    const verdict = judge(history(...entries), remains);
    expect(verdict.faults[fault as keyof typeof verdict.faults]).toEqual(found);
    expect(isSound(verdict)).toBe(false);
  });
});
