import { describe, expect, it } from "vitest";
import { type BugName, bugsToLookFor } from "../../src/bridge/known-bugs.ts";
import type { Remains } from "../../src/bridge/remains.ts";
import { judgeBridge } from "../../src/bridge/verdict.ts";
import { broken } from "./broken.ts";
import {
  A,
  B,
  disturbed,
  down,
  got,
  history,
  killed,
  left,
  passed,
  rest,
  row,
  sent,
  type Spoken,
  stopping,
  type Story,
  up,
  worked,
} from "./stories.ts";

function verdictOn(
  entries: Story,
  remains: Remains,
  bugs: readonly BugName[] = [],
): ReturnType<typeof judgeBridge> {
  return judgeBridge(history([up(A, "a"), up(B, "b"), ...entries]), remains, {
    bugs: bugsToLookFor(bugs),
  });
}

const one = row(1);
const two = row(2);
const again = { redelivered: true };

describe("the verdict on coordinators finds nothing", () => {
  it("when every bus gets every event once, and one process works on it", () => {
    const entries = [passed(one), passed(two), rest(2), disturbed(2)];
    expect(verdictOn(entries, left(one, two))).toEqual({});
  });

  it("when what was in flight at a kill comes again, and says so", () => {
    const cut = got(B, one).slice(0, 1);
    const entries = [
      sent(A, one),
      got(A, one),
      cut,
      killed(B, { b: 1 }),
      up("b.2#1", "b"),
      got("b.2#1", one, again),
      worked("b.2#1", one),
    ];
    expect(verdictOn(entries, left(one))).toEqual({});
  });

  it("when what the cursor had not passed at a kill comes again", () => {
    const entries = [
      passed(one),
      passed(two),
      killed(B, { b: 1 }),
      up("b.2#1", "b"),
      got("b.2#1", two, again),
    ];
    expect(verdictOn(entries, left(one, two))).toEqual({});
  });

  it("when work is done again whose worker was frozen", () => {
    const [begin, end] = worked(B, one) as [Spoken, Spoken];
    const entries: Story = [
      sent(A, one),
      got(A, one),
      got(B, one),
      begin,
      { kind: "freeze", by: "torturer", who: "b.1" },
      worked(A, one, { attempt: 2, ...again }),
      { kind: "thaw", by: "torturer", who: "b.1" },
      end,
    ];
    expect(verdictOn(entries, left(one))).toEqual({});
  });

  it("when work that failed is tried again", () => {
    const tries = [worked(B, one, { ok: false }), worked(A, one, { attempt: 2, ...again })];
    const entries = [sent(A, one), got(A, one), got(B, one), tries];
    expect(verdictOn(entries, left(one))).toEqual({});
  });
});

describe("the verdict on a coordinator that is stopping", () => {
  const orphan = row(2, { name: "orphan", topic: "leaf.made" });
  const leaf = { topic: "leaf.made" } as const;
  const warned: Spoken = {
    kind: "complaint",
    by: "a.1",
    code: "RINGRIFT_NOT_RUNNING",
    message: "An event was published after stop().",
  };
  /** A bus handler of an event that `how` brought publishes while its coordinator stops; nobody stores that. */
  const entries = (how: "bus.publish" | "bus.publishSync"): Story => [
    sent(A, one, { how }),
    got(A, one),
    got(B, one),
    worked(B, one),
    stopping(A),
    sent(A, orphan, {
      ...leaf,
      how: "bus.publish",
      within: "bus",
      parent: { id: "e1", correlationId: "e1" },
    }),
    warned,
    got(A, orphan, leaf),
    down(A),
  ];

  it("lets it not store what counts as from outside, as long as that bug is known", () => {
    expect(verdictOn(entries("bus.publishSync"), left(one))).toEqual({});
  });

  it("doesn't where the cause is known, nor when that bug is looked for", () => {
    const rules = ["clean stops", "kept", "one identity"];
    const found = (how: "bus.publish" | "bus.publishSync", bugs: BugName[] = []): string[] =>
      Object.keys(verdictOn(entries(how), left(one), bugs));
    expect(found("bus.publish")).toEqual(expect.arrayContaining(rules));
    expect(found("bus.publishSync", ["syncLineage"])).toEqual(expect.arrayContaining(rules));
  });

  it("lets it not get an answer, though the wait began a moment after the stop", () => {
    const waits: Spoken = { kind: "answer", by: "a.1", life: A, name: "e1", ok: false, ms: 3000 };
    const story = [passed(one), stopping(A), passed(two).slice(2), waits, down(A)];
    const bothThere = [sent(B, two), ...story];
    expect(Object.keys(verdictOn(bothThere, left(one, two)))).not.toContain("answered");
  });
});

describe("the verdict on two attempts of one work", () => {
  const parent = { id: "e1", correlationId: "e1" };
  const childOf = (position: number, name: string): ReturnType<typeof row> =>
    row(position, { name, topic: "leaf.made", causationId: "e1", correlationId: "e1" });
  const [first, second] = [childOf(2, "first"), childOf(3, "second")];
  const asChild = { topic: "leaf.made", how: "queue.send", within: "work", parent } as const;
  const entries = (answer: ReturnType<typeof row>): Story => [
    passed(one),
    sent(A, first, asChild),
    sent(A, second, asChild),
    sent(B, { ...answer, name: "second" }, asChild),
  ];
  const found = (answer: ReturnType<typeof row>, bugs: BugName[] = []): string[] =>
    Object.keys(verdictOn(entries(answer), left(one, first, second), bugs));

  it("lets one be answered with a sibling's id, as long as that bug is known", () => {
    expect(found(first)).not.toContain("kept");
    expect(found(first, ["otherPath"])).toContain("kept");
  });

  it("doesn't let it be answered with the id of anything else", () => {
    expect(found(one)).toContain("kept");
    expect(found(second)).not.toContain("kept");
  });
});

describe("the verdict on coordinators names", () => {
  it.each(broken)("%s: %s", (rule, _what, entries, remains, bugs = []) => {
    expect(Object.keys(verdictOn(entries, remains, bugs))).toEqual([rule]);
  });

  const forgiven = broken.filter(([, , , , bugs]) => bugs !== undefined);
  it.each(forgiven)("%s only where it is looked for: %s", (_rule, _what, entries, remains) => {
    expect(verdictOn(entries, remains)).toEqual({});
  });
});
