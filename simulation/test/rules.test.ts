import { describe, expect, test } from "vitest";
import { ackAfterEffect } from "../src/judge/rules/ack-after-effect.ts";
import { answersCome } from "../src/judge/rules/answers-come.ts";
import { atRest } from "../src/judge/rules/at-rest.ts";
import { bridged } from "../src/judge/rules/bridged.ts";
import { cleanEnd } from "../src/judge/rules/clean-end.ts";
import { keyOrder } from "../src/judge/rules/key-order.ts";
import { noWarnings } from "../src/judge/rules/no-warnings.ts";
import { nothingLost } from "../src/judge/rules/nothing-lost.ts";
import { oncePerNode } from "../src/judge/rules/once-per-node.ts";
import { oneId } from "../src/judge/rules/one-id.ts";
import { rightCauses } from "../src/judge/rules/right-causes.ts";
import { spoolOrder } from "../src/judge/rules/spool-order.ts";
import { workOnce } from "../src/judge/rules/work-once.ts";
import {
  began,
  crash,
  ended,
  got,
  judged,
  type Line,
  published,
  rest,
  scenario,
  settled,
  started,
  stopped,
  stored,
} from "./ledgers.ts";

describe("once per node", () => {
  const again = got("a#1", "e1", { redelivered: true });

  test("sees that a node never got what was stored after it had started", () => {
    const lines = [started("b#1", 0), started("a#1", 1), stored(1), got("a#1", "e1")];
    expect(judged(oncePerNode, lines)).toEqual(["once-per-node: missing"]);
    expect(judged(oncePerNode, [...lines, got("b#1", "e1")])).toEqual([]);
  });

  test("wants of an unnamed node only what was stored after its last start", () => {
    const lines = [started("u#1", 0), stored(1), stopped("u#1"), started("u#1", 1), stored(2)];
    expect(judged(oncePerNode, lines)).toEqual(["once-per-node: missing"]);
    expect(judged(oncePerNode, [...lines, got("u#1", "e2")])).toEqual([]);
  });

  test("sees that a node got an event twice in one life", () => {
    const lines = [stored(1), got("a#1", "e1"), again];
    expect(judged(oncePerNode, lines)).toEqual(["once-per-node: twice"]);
  });

  test("sees that it came again after a clean stop", () => {
    const lines = [stored(1), got("a#1", "e1"), stopped("a#1"), again];
    expect(judged(oncePerNode, lines)).toEqual(["once-per-node: again after a clean stop"]);
  });

  test("lets it come again, flagged, after a crash and after a stop that left something", () => {
    const ends: Line[] = [["a#1", crash], stopped("a#1", { left: 1 })];
    for (const end of ends) {
      const lines = [stored(1), got("a#1", "e1"), end];
      expect(judged(oncePerNode, [...lines, got("a#2", "e1", { redelivered: true })])).toEqual([]);
      const unflagged = judged(oncePerNode, [...lines, got("a#2", "e1")]);
      expect(unflagged).toEqual(["once-per-node: not flagged"]);
    }
  });

  test("lets a handler's child come again, flagged, in a later process in which the handler runs again", () => {
    const tag = "p1/work.1";
    const before: Line[] = [got("a#1", "e1", { tag }), settled("a", "e1"), stopped("a#1")];
    const lines = [stored(1, { tag }), ...before, started("a#2", 1)];
    const [publish] = published("a#2", tag, "known", { parent: "p1" });
    const flagged = got("a#2", "e1", { tag, redelivered: true });
    expect(judged(oncePerNode, [...lines, publish as Line, flagged])).toEqual([]);
    const broken = ["once-per-node: again after it was settled"];
    expect(judged(oncePerNode, [...lines, flagged])).toEqual(broken);
    expect(judged(oncePerNode, [...lines, publish as Line, got("a#2", "e1", { tag })])).toEqual(
      broken,
    );
  });

  test("lets a handler's child come unflagged that another process has stored", () => {
    const tag = "p1/work.1";
    const [publish] = published("a#1", tag, "spooled", { parent: "p1" });
    const before: Line[] = [publish as Line, got("a#1", "e1", { tag }), ["a#1", crash]];
    const after = got("a#2", "e1", { tag });
    expect(judged(oncePerNode, [...before, stored(1, { tag, by: "b#1" }), after])).toEqual([]);
    expect(judged(oncePerNode, [...before, stored(1, { tag }), after])).toEqual([
      "once-per-node: not flagged",
    ]);
  });

  test("sees that it came again after a crash though it had been settled", () => {
    const lines: Line[] = [stored(1), got("a#1", "e1"), settled("a", "e1"), ["a#1", crash]];
    expect(judged(oncePerNode, [...lines, got("a#2", "e1", { redelivered: true })])).toEqual([
      "once-per-node: again after it was settled",
    ]);
  });
});

describe("one id", () => {
  test("sees a publish that became two events", () => {
    const lines = [stored(1), stored(2, { tag: "p1" })];
    expect(judged(oneId, lines)).toEqual(["one-id: an event with two ids"]);
  });

  test("sees a child that became two events, and says nothing of the children of the two", () => {
    const lines = [
      ...published("a#1", "p1/work.1", "stored"),
      stored(2, { tag: "p1/work.1" }),
      stored(3, { tag: "p1/work.1" }),
      stored(4, { tag: "p1/work.1/b:b1.1" }),
      stored(5, { tag: "p1/work.1/b:b1.1" }),
    ];
    expect(judged(oneId, lines)).toEqual(["one-id: a worker's child by a call with two ids"]);
  });

  test("sees a publish that was answered with another event", () => {
    const lines = [...published("a#1", "p2", "known", { id: "e1" }), stored(1)];
    expect(judged(oneId, lines)).toEqual(["one-id: taken for another"]);
  });

  test("sees an event that a log has twice", () => {
    expect(judged(oneId, [stored(1), stored(2, { id: "e1", tag: "p1" })])).toEqual([
      "one-id: stored twice",
    ]);
  });
});

describe("right causes", () => {
  const child = { id: "e2", tag: "p1/work.1", causation: "e1", correlation: "e1" };
  const lines = [stored(1), ...published("a#1", "p1/work.1", "stored", { parent: "p1" })];

  test("sees a child without its cause, and one of another trail", () => {
    expect(judged(rightCauses, [...lines, stored(2, child)])).toEqual([]);
    const orphan = { ...child, causation: undefined, correlation: "e2" };
    expect(judged(rightCauses, [...lines, stored(2, orphan)])).toEqual(["right-causes: cause"]);
    const strayed = { ...child, correlation: "e2" };
    expect(judged(rightCauses, [...lines, stored(2, strayed)])).toEqual(["right-causes: trail"]);
  });

  test("sees a cause that only a bus shows wrongly", () => {
    const wrong = got("b#1", "e2", { ...child, causation: "e2" });
    expect(judged(rightCauses, [...lines, stored(2, child), wrong])).toContain(
      "right-causes: cause",
    );
  });
});

describe("work once", () => {
  const job = stored(1, { type: "JOB_ASKED" });
  const member = started("a#1", 0);
  const second = began("b#1", "e1", { attempt: 2, redelivered: true });

  test("sees an event that was worked on twice for no reason", () => {
    const lines = [member, job, began("a#1", "e1"), ended("a#1", "e1"), second];
    expect(judged(workOnce, [...lines, settled("work", "e1")])).toEqual(["work-once: twice"]);
  });

  test("lets it be tried again after a failure and after a crash, flagged", () => {
    const ends: Line[] = [ended("a#1", "e1", { failed: true }), ["a#1", crash]];
    for (const end of ends) {
      const lines = [member, job, began("a#1", "e1"), end];
      expect(judged(workOnce, [...lines, second, settled("work", "e1")])).toEqual([]);
      const unflagged = [...lines, began("b#1", "e1", { attempt: 2 }), settled("work", "e1")];
      expect(judged(workOnce, unflagged)).toEqual(["work-once: not flagged"]);
    }
  });

  test("sees that it was worked on again after a clean stop, or after it was settled", () => {
    const done = [member, job, began("a#1", "e1"), ended("a#1", "e1")];
    expect(judged(workOnce, [...done, stopped("a#1"), second, settled("work", "e1")])).toEqual([
      "work-once: again after a clean stop",
    ]);
    expect(judged(workOnce, [...done, settled("work", "e1"), ["a#1", crash], second])).toEqual([
      "work-once: again after it was settled",
    ]);
  });

  test("sees that nobody ever did it, and that it was given up early", () => {
    expect(judged(workOnce, [member, job, rest])).toEqual(["work-once: never"]);
    const early: Line = [
      "world",
      { what: "buried", queue: 0, group: "work", id: "e1", attempts: 1 },
    ];
    expect(judged(workOnce, [member, job, early, rest])).toEqual([
      "work-once: buried early or late",
    ]);
  });
});

describe("ack after effect", () => {
  test("sees work that was settled before its handler was done", () => {
    const lines = [stored(1), began("a#1", "e1"), settled("work", "e1"), ended("a#1", "e1")];
    expect(judged(ackAfterEffect, lines)).toEqual(["ack-after-effect: work"]);
  });

  test("sees work that was settled after a failure", () => {
    const failed = ended("a#1", "e1", { failed: true });
    expect(judged(ackAfterEffect, [began("a#1", "e1"), failed, settled("work", "e1")])).toEqual([
      "ack-after-effect: work",
    ]);
  });

  test("sees an event that a node passed before its bus had it, or while a handler ran", () => {
    expect(judged(ackAfterEffect, [stored(1), settled("b", "e1")])).toEqual([
      "ack-after-effect: unseen",
    ]);
    const subscriber = { group: undefined, handler: "b1" };
    const begun = [got("b#1", "e1"), began("b#1", "e1", subscriber)];
    expect(judged(ackAfterEffect, [...begun, settled("b", "e1")])).toEqual([
      "ack-after-effect: running",
    ]);
    const done = [...begun, ended("b#1", "e1", subscriber), settled("b", "e1")];
    expect(judged(ackAfterEffect, done)).toEqual([]);
  });
});

describe("key order", () => {
  const events = [stored(1, { key: "k" }), stored(2, { key: "k" })];

  test("sees work that began before an earlier event of its key was settled", () => {
    const begins = [began("a#1", "e1"), began("b#1", "e2")];
    expect(judged(keyOrder, [...events, ...begins])).toEqual(["key-order: overtaken"]);
    const inTurn = [began("a#1", "e1"), settled("work", "e1"), began("b#1", "e2")];
    expect(judged(keyOrder, [...events, ...inTurn])).toEqual([]);
  });

  test("sees that another node's bus had them in the wrong order, and lets the publisher's own", () => {
    const lines = (who: string): Line[] => [got(who, "e2"), got(who, "e1"), settled("b", "e1")];
    expect(judged(keyOrder, [...events, ...lines("b#1")])).toEqual(["key-order: overtaken"]);
    expect(judged(keyOrder, [...events, ...lines("a#1")])).toEqual([]);
  });
});

describe("nothing lost", () => {
  test("sees what its publish said was stored, and no log has", () => {
    expect(judged(nothingLost, published("a#1", "p1", "stored"))).toEqual(["nothing-lost: stored"]);
  });

  test("sees what was kept back and never stored, unless its process crashed", () => {
    const lines = published("a#1", "p1", "spooled", { via: "bus" });
    expect(judged(nothingLost, [...lines, stopped("a#1")])).toEqual(["nothing-lost: spooled"]);
    expect(judged(nothingLost, [...lines, ["a#1", crash]])).toEqual([]);
  });

  test("leaves in its process what a handler publishes that a stop didn't wait for", () => {
    const child = { via: "bus", parent: "p1" } as const;
    const stop = [started("a#1", 0), stopped("a#1", { left: 1 })];
    const kept = published("a#1", "p1/a:a1.1", "spooled", child);
    expect(judged(nothingLost, [...stop, ...kept])).toEqual([]);
    expect(judged(nothingLost, [started("a#1", 0), stopped("a#1"), ...kept])).toHaveLength(1);
    expect(judged(nothingLost, [...stop, started("a#1", 0), ...kept])).toHaveLength(1);
    const said = published("a#1", "p1/a:a1.1", "stored", child);
    expect(judged(nothingLost, [...stop, ...said])).toHaveLength(1);
  });

  test("sees what was refused, and a bus had all the same", () => {
    const lines = [...published("a#1", "p1", "refused"), got("a#1", "e1")];
    expect(judged(nothingLost, lines)).toEqual(["nothing-lost: not stored"]);
  });
});

describe("the other rules", () => {
  test("see that what was kept back was stored in another order", () => {
    const each = ["p1", "p2"].map((tag) => published("a#1", tag, "spooled", { via: "bus" }));
    const spooled = [0, 1].flatMap((line) => each.map((lines) => lines[line]!));
    expect(
      judged(spoolOrder, [...spooled, stored(1, { tag: "p2" }), stored(2, { tag: "p1" })]),
    ).toEqual(["spool-order: overtaken"]);
    expect(judged(spoolOrder, [...spooled, stored(1), stored(2)])).toEqual([]);
  });

  test("see that what was published later passed what was kept back", () => {
    const kept = published("a#1", "p1", "spooled", { via: "bus" });
    const later = published("a#1", "p2", "stored", { via: "bus" });
    const passing = [...kept, ...later.slice(0, 1), stored(1, { tag: "p2" })];
    expect(judged(spoolOrder, [...passing, stored(2, { tag: "p1" })])).toEqual([
      "spool-order: passed",
    ]);
    expect(judged(spoolOrder, [...kept, stored(1), ...later, stored(2)])).toEqual([]);
  });

  test("see what never comes to rest, and what goes on at rest", () => {
    const restless: Line = ["world", { what: "restless", pending: ["work: 1"] }];
    expect(judged(atRest, [restless])).toEqual(["at-rest: never"]);
    const end: Line = ["world", { what: "end-of-run", newest: [2] }];
    expect(judged(atRest, [rest, got("a#1", "e1"), end])).toEqual([
      "at-rest: got",
      "at-rest: the log grows",
    ]);
  });

  test("see an end that isn't what it says", () => {
    const stopping: Line = ["a#1", { what: "stopping", how: "stop", limitMs: undefined }];
    const kinds = (end: Line): string[] => judged(cleanEnd, [stopping, end]);
    expect(kinds(stopped("a#1"))).toEqual([]);
    expect(kinds(stopped("a#1", { left: 1 }))).toEqual(["clean-end: something was left"]);
    expect(kinds(["a#1", { what: "started-late" }])).toEqual(["clean-end: started late"]);
    expect(kinds(stopped("a#1", { open: 1 }))).toEqual(["clean-end: left is too low"]);
    expect(kinds(stopped("a#1", { timers: 1 }))).toEqual(["clean-end: timers"]);
    expect(kinds(stopped("a#1", { drained: false }))).toEqual(["clean-end: it contradicts itself"]);
  });

  test("see an answer that was stored and never came", () => {
    const waited = { what: "waited", handler: "asks", tag: "p1", for: "job.done" } as const;
    const answer = stored(2, { tag: "p1/b:answers.1", type: "JOB_DONE" });
    const inVain: Line = ["a#1", { ...waited, since: 0, came: false }];
    const begin = started("a#1", 0);
    expect(judged(answersCome, [begin, stored(1), answer, inVain])).toEqual([
      "answers-come: in vain",
    ]);
    expect(judged(answersCome, [begin, stored(1), inVain])).toEqual([]);
    expect(judged(answersCome, [stored(1), answer, started("a#1", 2), inVain])).toEqual([]);
  });

  test("see what a bridge left behind, carried without its key, or settled before it had carried it", () => {
    const node = { name: "a", isNamed: true, queue: 0, bridge: { name: "joint", to: [1] } };
    const two = { ...scenario, queues: 2, nodes: [node] };
    const start: Line = ["a#1", { what: "started", newest: [0, 0], version: 1 }];
    const event = stored(1, { key: "k" });
    expect(judged(bridged, [start, event], two)).toEqual(["bridged: missing"]);
    const [, copy] = stored(1, { queue: 1 });
    expect(judged(bridged, [start, event, ["world", copy]], two)).toContain("bridged: key");
    const early = settled("bridge:joint:1", "e1");
    const [, same] = stored(1, { queue: 1, key: "k" });
    const carried: Line = ["world", same];
    expect(judged(bridged, [start, event, early, carried], two)).toEqual([
      "bridged: settled early",
    ]);
    expect(judged(bridged, [start, event, carried, early], two)).toEqual([]);
  });

  test("see a warning where nothing went wrong", () => {
    const warning: Line = ["a#1", { what: "warning", code: "X", message: "" }];
    expect(judged(noWarnings, [warning])).toEqual(["no-warnings: X"]);
    expect(judged(noWarnings, [["a#1", { what: "fault", kind: "lost" }], warning])).toEqual([]);
  });

  test("see a warning that nothing runs, unless a stop had a limit", () => {
    const warning: Line = ["a#1", { what: "warning", code: "RINGRIFT_NOT_RUNNING", message: "" }];
    const stop = (limitMs: number | undefined): Line => [
      "a#1",
      { what: "stopping", how: "stop", limitMs },
    ];
    expect(judged(noWarnings, [stop(undefined), warning])).toHaveLength(1);
    expect(judged(noWarnings, [stop(10), warning])).toEqual([]);
  });

  test("are content with a run in which everything is as promised", () => {
    const lines = [
      started("a#1", 0),
      started("b#1", 0),
      ...published("a#1", "p1", "stored", { id: "e1" }),
      stored(1),
      got("a#1", "e1"),
      got("b#1", "e1"),
      settled("a", "e1"),
      settled("b", "e1"),
      rest,
    ];
    const rules = [
      oncePerNode,
      oneId,
      rightCauses,
      workOnce,
      ackAfterEffect,
      keyOrder,
      nothingLost,
    ];
    expect(rules.flatMap((rule) => judged(rule, lines, scenario))).toEqual([]);
  });
});
