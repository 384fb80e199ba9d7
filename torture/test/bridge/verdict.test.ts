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

  it("when work comes again of a process that was killed before its start was over", () => {
    const killedAtStart = [worked("c.1#1", one).slice(0, 1), killed("c.1#1", {})];
    const entries = [sent(A, one), got(A, one), got(B, one), killedAtStart];
    const once = worked(A, one, { attempt: 2, ...again });
    expect(verdictOn([...entries, once], left(one))).toEqual({});
  });

  it("when work that failed is tried again", () => {
    const tries = [worked(B, one, { ok: false }), worked(A, one, { attempt: 2, ...again })];
    const entries = [sent(A, one), got(A, one), got(B, one), tries];
    expect(verdictOn(entries, left(one))).toEqual({});
  });
});

describe("the verdict on coordinators lets a handler's child", () => {
  const child = row(2, {
    name: "child",
    topic: "leaf.made",
    causationId: "e1",
    correlationId: "e1",
  });
  const parent = { id: "e1", correlationId: "e1" };
  const asChild = { topic: "leaf.made", within: "work", parent } as const;
  const leaf = { topic: "leaf.made" } as const;
  const audited = { group: "auditors", topic: "leaf.made" } as const;

  it("be marked as redelivered where a handler that runs again publishes it first", () => {
    const work = [worked(B, one, { ok: false }), worked(B, one, { attempt: 2, ...again })];
    const publish = [
      sent(B, child, asChild),
      got(B, child, { ...leaf, ...again }),
      got(A, child, leaf),
    ];
    const entries = [
      sent(A, one),
      got(A, one),
      got(B, one),
      work,
      publish,
      worked(A, child, audited),
    ];
    expect(verdictOn(entries, left(one, child))).toEqual({});
  });

  it("come again, marked, on a later bus whose handler runs again and publishes it", () => {
    const work = worked(B, one, { ok: false });
    const stop: Story = [stopping(B), down(B), up("b.2#1", "b")];
    const entries = (again: Story): Story => [
      [sent(A, one), got(A, one), got(B, one), work],
      [sent(B, child, asChild), got(B, child, leaf), got(A, child, leaf), stop],
      [worked("b.2#1", one, { attempt: 2, redelivered: true }), again],
      [got("b.2#1", child, { ...leaf, redelivered: true }), worked(A, child, audited)],
    ];
    expect(verdictOn(entries(sent("b.2#1", child, asChild)), left(one, child))).toEqual({});
    expect(Object.keys(verdictOn(entries([]), left(one, child)))).toEqual(["once per bus"]);
  });

  it("come unmarked after a kill if another process has stored it", () => {
    const entries = (others: Story): Story => [
      passed(one),
      sent(B, child, asChild),
      got(B, child, leaf),
      killed(B, { b: 1 }),
      up("b.2#1", "b"),
      others,
      got(A, child, leaf),
      got("b.2#1", child, leaf),
      worked(A, child, audited),
    ];
    expect(verdictOn(entries(sent(A, child, asChild)), left(one, child))).toEqual({});
    expect(Object.keys(verdictOn(entries([]), left(one, child)))).toEqual(["once per bus"]);
  });
});

describe("the verdict on a machine that is busy", () => {
  it("lets an answer not come that is published late", () => {
    const waits: Spoken = { kind: "answer", by: "a.1", life: A, name: "e1", ok: false, ms: 3000 };
    const answer = row(2, { name: "e1/answer" });
    const late = [passed(one), sent(B, answer).slice(0, 1), waits, passed(answer)];
    expect(Object.keys(verdictOn(late, left(one, answer)))).not.toContain("answered");
  });

  it("lets an answer come too late to a node that goes on with what is before it", () => {
    const answer = row(2, { name: "e1/answer" });
    const more = Array.from({ length: 6 }, (_, index) => row(index + 3));
    const waits: Spoken = { kind: "answer", by: "a.1", life: A, name: "e1", ok: false, ms: 3000 };
    const judge = (isOneAfterAnother: boolean): string[] => {
      const sentMore = more.map((of) => sent(B, of));
      const gotMore = more.map((of) => got(A, of));
      const both = sentMore.map((sending, index) => [sending, gotMore[index] ?? []]);
      const begun = [passed(one), sent(B, answer)];
      const late = [passed(answer).slice(2)];
      const story = isOneAfterAnother
        ? [...begun, both, waits, late]
        : [...begun, sentMore, sentMore, waits, gotMore, late];
      // An eighth of a second each.
      const entries = history([up(A, "a"), up(B, "b"), ...story]).map((entry) =>
        Object.assign(entry, { at: entry.at / 8 }),
      );
      return Object.keys(judgeBridge(entries, left(one, answer, ...more), { bugs: new Set() }));
    };
    expect(judge(true)).not.toContain("answered");
    expect(judge(false)).toContain("answered");
  });

  it("lets an event be lost whose publisher was frozen until it was killed", () => {
    const freeze: Spoken = { kind: "freeze", by: "torturer", who: "b.1" };
    const publish = sent(B, two, { how: "bus.publish" }).slice(0, 1);
    const begin = got(B, two).slice(0, 1);
    const frozen = [passed(one), publish, freeze, begin, killed(B, { b: 1 })];
    expect(verdictOn(frozen, left(one))).not.toHaveProperty(["one identity"]);
    const awake = [passed(one), publish, begin, rest(1), killed(B, { b: 1 })];
    expect(verdictOn(awake, left(one))).toHaveProperty(["one identity"]);
  });
});

describe("the verdict on a coordinator that is stopping", () => {
  it("lets it not get an answer, though the wait began a moment after the stop", () => {
    const waits: Spoken = { kind: "answer", by: "a.1", life: A, name: "e1", ok: false, ms: 3000 };
    const story = [passed(one), stopping(A), passed(two).slice(2), waits, down(A)];
    const bothThere = [sent(B, two), ...story];
    expect(Object.keys(verdictOn(bothThere, left(one, two)))).not.toContain("answered");
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
