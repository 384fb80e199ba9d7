import type { Complaint, Rule } from "../src/judge/trial.ts";
import { Trial } from "../src/judge/trial.ts";
import { Ledger, type ProcessFact, type WorldFact } from "../src/ledger.ts";
import type { Scenario, WorkPlan } from "../src/scenario/scenario.ts";

/** Three nodes on one queue, the last of them unnamed, and a work group of the first two. */
export const scenario: Scenario = {
  schedule: 1,
  queues: 1,
  faults: { lost: 0, refused: 0, slow: 0 },
  nodes: [
    { name: "a", isNamed: true, queue: 0 },
    { name: "b", isNamed: true, queue: 0 },
    { name: "u", isNamed: false, queue: 0 },
  ],
  subscribers: [],
  work: [work({})],
  steps: [],
};

export function work(more: Partial<WorkPlan>): WorkPlan {
  return {
    group: "work",
    queue: 0,
    nodes: ["a", "b"],
    topics: ["job.asked"],
    concurrency: 1,
    maxAttempts: 2,
    leaseMs: 1000,
    attempts: [[]],
    ...more,
  };
}

/** A line: who writes it (`a#1`, `world`), and what. */
export type Line = readonly [who: string, fact: ProcessFact | WorldFact];

/** What a rule says of a ledger that somebody made up. */
export function judged(rule: Rule, lines: readonly Line[], of: Scenario = scenario): string[] {
  const ledger = new Ledger();
  for (const [index, [who, fact]] of lines.entries()) {
    const [node = "", life = "0"] = who.split("#");
    ledger.write({ at: index * 10_000, node, life: Number(life) }, fact);
  }
  return [...rule(new Trial(of, ledger))].map(({ kind }: Complaint) => kind);
}

interface Named {
  readonly tag?: string;
  readonly id?: string;
}

/** An event that is in the log; by default an order that `a#1` published. */
export function stored(
  position: number,
  more: Named & Partial<Extract<WorldFact, { what: "stored" }>> = {},
): Line {
  const { id = `e${position}`, tag = `p${position}` } = more;
  return [
    "world",
    {
      what: "stored",
      queue: 0,
      position,
      type: "ORDER_PLACED",
      key: undefined,
      causation: undefined,
      correlation: id,
      by: "a#1",
      ...more,
      id,
      tag,
    },
  ];
}

export function got(
  who: string,
  id: string,
  more: Partial<Extract<ProcessFact, { what: "got" }>> = {},
): Line {
  return [who, { what: "got", ...seen(id), ...more }];
}

export function seen(id: string): {
  topic: string;
  id: string;
  tag: string;
  causation: undefined;
  correlation: string;
  redelivered: boolean;
} {
  const tag = id.replace("e", "p");
  return {
    topic: "order.placed",
    id,
    tag,
    causation: undefined,
    correlation: id,
    redelivered: false,
  };
}

export function began(
  who: string,
  id: string,
  more: Partial<Extract<ProcessFact, { what: "begin" }>> = {},
): Line {
  const group = "group" in more ? more.group : "work";
  const handler = more.handler ?? group ?? "handler";
  const begin = { what: "begin", queue: 0, attempt: 1, key: undefined, ...seen(id) } as const;
  return [who, { ...begin, ...more, group, handler }];
}

export function ended(
  who: string,
  id: string,
  more: Partial<Extract<ProcessFact, { what: "end" }>> = {},
): Line {
  const group = "group" in more ? more.group : "work";
  const handler = more.handler ?? group ?? "handler";
  const end = {
    what: "end",
    queue: 0,
    attempt: 1,
    failed: false,
    tag: id.replace("e", "p"),
  } as const;
  return [who, { ...end, id, ...more, group, handler }];
}

export function started(who: string, newest: number): Line {
  return [who, { what: "started", newest: [newest], version: 1 }];
}

export function stopped(
  who: string,
  more: Partial<Extract<ProcessFact, { what: "stopped" }>> = {},
): Line {
  const { left = 0 } = more;
  const ending = {
    what: "stopped",
    how: "stop",
    open: 0,
    timers: 0,
    drained: left === 0,
    left,
  } as const;
  return [who, { ...ending, ...more }];
}

export const crash: ProcessFact = { what: "crash" };

export function settled(group: string, id: string): Line {
  return ["world", { what: "settled", queue: 0, group, id }];
}

export function published(
  who: string,
  tag: string,
  outcome: Extract<ProcessFact, { what: "published" }>["outcome"],
  more: {
    id?: string;
    via?: Extract<ProcessFact, { what: "publish" }>["via"];
    parent?: string;
  } = {},
): Line[] {
  const { id, via = "events", parent } = more;
  const publish = { what: "publish", tag, topic: "order.placed", via, queue: 0 } as const;
  return [
    [who, { ...publish, key: undefined, parent }],
    [who, { what: "published", tag, outcome, id, code: undefined }],
  ];
}

export const rest: Line = ["world", { what: "rest", newest: [1] }];
