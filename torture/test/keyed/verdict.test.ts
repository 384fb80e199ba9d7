import { describe, expect, it } from "vitest";
import type { KeyedRemains } from "../../src/keyed/remains.ts";
import type { Entry, Said } from "../../src/keyed/said.ts";
import { judgeKeys } from "../../src/keyed/verdict.ts";

const KEY = "key-1";
const SECOND = 1_000_000;

/** What somebody says, one after another, 10 ms apart. */
function history(...said: readonly (readonly [by: string, what: Said])[]): Entry[] {
  return said.map(([by, what], index) => Object.assign({ by, at: (index + 1) * 10_000 }, what));
}

const sent = (n: number): [string, Said][] => [
  ["publisher", { kind: "attempt", n, key: KEY }],
  ["publisher", { kind: "sent", n, id: `e${n}`, position: n }],
];

let runs = 0;

/** A handler of one event from its beginning to its end, in parts. */
class Handler {
  readonly run: number = ++runs;
  readonly #by: string;
  readonly #n: number;
  readonly #attempt: number;

  constructor(by: string, n: number, attempt = 1) {
    this.#by = by;
    this.#n = n;
    this.#attempt = attempt;
  }

  begins(): [string, Said] {
    const place = { id: `e${this.#n}`, position: this.#n, key: KEY };
    const delivered = { attempt: this.#attempt, redelivered: this.#attempt > 1 };
    return [this.#by, { kind: "begin", run: this.run, ...place, ...delivered }];
  }

  ends(outcome: "handled" | "failed" | "permanent" = "handled"): [string, Said] {
    return [this.#by, { kind: "end", run: this.run, id: `e${this.#n}`, outcome }];
  }

  isSettled(held = true): [string, Said] {
    return [this.#by, { kind: "settled", run: this.run, id: `e${this.#n}`, held }];
  }

  all(): [string, Said][] {
    return [this.begins(), this.ends(), this.isSettled()];
  }
}

function left(count: number, more: Partial<KeyedRemains> = {}): KeyedRemains {
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return {
    rows: numbers.map((n) => ({ id: `e${n}`, position: n, key: KEY, from: "publisher", n })),
    dead: [],
    group: { pending: 0, inFlight: 0, retrying: 0 },
    maxAttempts: 5,
    leaseMs: 1_000,
    ...more,
  };
}

function rulesBroken(entries: readonly Entry[], remains: KeyedRemains): string[] {
  return Object.keys(judgeKeys(entries, remains).broken);
}

describe("the verdict on events with keys", () => {
  it("is sound when each is handled once, in order, and failed ones again", () => {
    const failed = new Handler("a", 2);
    const entries = history(
      ...sent(1),
      ...sent(2),
      ...new Handler("a", 1).all(),
      failed.begins(),
      failed.ends("failed"),
      failed.isSettled(false),
      ...new Handler("b", 2, 2).all(),
    );
    expect(rulesBroken(entries, left(2))).toEqual([]);
  });

  it("finds what was acknowledged and isn't in the log, or never handled, or waits", () => {
    const entries = history(...sent(1), ...sent(2), ...new Handler("a", 1).all());
    expect(rulesBroken(entries, left(1))).toEqual(["kept"]);
    expect(rulesBroken(entries, left(2))).toEqual(["worked off"]);
    const waiting = { pending: 1, inFlight: 0, retrying: 0 };
    const one = history(...sent(1), ...new Handler("a", 1).all());
    expect(rulesBroken(one, left(1, { group: waiting }))).toEqual(["worked off"]);
  });

  it("finds what is begun again after it was settled", () => {
    const again = new Handler("b", 1, 2);
    const entries = history(...sent(1), ...new Handler("a", 1).all(), ...again.all());
    expect(rulesBroken(entries, left(1))).toEqual(["once"]);
  });

  it("lets a dead letter be handled once more for each redrive, and no more", () => {
    const poison = new Handler("a", 1);
    const dead: [string, Said][] = [
      poison.begins(),
      poison.ends("permanent"),
      ["a", { kind: "buried", id: "e1", code: "PERMANENT" }],
      ["torturer", { kind: "redriving", id: "e1", code: "PERMANENT" }],
      ["torturer", { kind: "redriven", id: "e1", count: 1 }],
    ];
    const once = history(...sent(1), ...dead, ...new Handler("b", 1).all());
    expect(rulesBroken(once, left(1))).toEqual([]);
    const handlers = [...new Handler("b", 1).all(), ...new Handler("c", 1, 2).all()];
    expect(rulesBroken(history(...sent(1), ...dead, ...handlers), left(1))).toEqual(["once"]);
  });

  it("finds what begins before the one before it was settled", () => {
    const first = new Handler("a", 1);
    const second = new Handler("b", 2);
    const entries = history(
      ...sent(1),
      ...sent(2),
      second.begins(),
      second.ends(),
      first.begins(),
      first.ends(),
    );
    expect(rulesBroken(entries, left(2))).toEqual(["in order"]);
  });

  it("finds two handlers at once, unless one was frozen and settled nothing", () => {
    const frozen = new Handler("a", 1);
    const other = new Handler("b", 1, 2);
    const freeze: [string, Said] = ["torturer", { kind: "freeze", who: "a" }];
    const thaw: [string, Said] = ["torturer", { kind: "thaw", who: "a" }];
    const during = (held: boolean): Entry[] =>
      history(
        ...sent(1),
        frozen.begins(),
        freeze,
        ...other.all(),
        thaw,
        frozen.ends(),
        frozen.isSettled(held),
      );
    expect(rulesBroken(during(false), left(1))).toEqual([]);
    expect(rulesBroken(during(true), left(1))).toEqual(["one at a time"]);
    const awake = during(false).filter(({ kind }) => kind !== "freeze" && kind !== "thaw");
    expect(rulesBroken(awake, left(1))).toEqual(["one at a time"]);
  });

  it("finds what begins while another event of its key waits for its retry, redriven or not", () => {
    const failed = new Handler("a", 1);
    const entries = history(
      ...sent(1),
      ...sent(2),
      failed.begins(),
      failed.ends("failed"),
      ...new Handler("b", 2).all(),
      ...new Handler("a", 1, 2).all(),
    );
    expect(rulesBroken(entries, left(2))).toContain("one at a time");
  });

  it("finds attempts that nobody has begun, unless somebody was killed", () => {
    const handler = new Handler("a", 1, 3);
    const plain = history(...sent(1), ...handler.all());
    expect(rulesBroken(plain, left(1))).toEqual(["attempts"]);
    const kill: [string, Said] = ["torturer", { kind: "kill", who: "b" }];
    expect(rulesBroken(history(...sent(1), kill, ...handler.all()), left(1))).toEqual([]);
  });

  it("finds dead letters of events that nobody began", () => {
    const dead = [{ id: "e1", code: "LEASE_EXPIRED", attempts: 5 }];
    expect(rulesBroken(history(...sent(1)), left(1, { dead }))).toEqual(["attempts"]);
  });

  it("tells how long an event had to wait for its handler", () => {
    const handler = new Handler("a", 1);
    const entries = history(...sent(1), ...handler.all()).map((entry) =>
      entry.by === "a" ? Object.assign({}, entry, { at: entry.at + SECOND }) : entry,
    );
    expect(judgeKeys(entries, left(1)).notes.join()).toMatch(
      /longest waits for a handler: 10\d0 ms/,
    );
  });
});
