import type { Topic } from "../../src/bridge/catalogue.ts";
import type { Remains, Row } from "../../src/bridge/remains.ts";
import type { Entry, Said, Seen } from "../../src/bridge/said.ts";

export type Spoken = Said & { readonly by: string };
/** What was said, one after another. */
export type Story = readonly (Spoken | Story)[];

const SECOND = 1_000_000;
/** Coordinators of the nodes `a` and `b`. */
export const [A, B] = ["a.1#1", "b.1#1"];

/** One statement a second, so that what is two apart is not in flight any more. */
export function history(story: Story): Entry[] {
  return spokenIn(story).map((one, index) => Object.assign({ at: (index + 1) * SECOND }, one));
}

function spokenIn(story: Story): Spoken[] {
  return story.flatMap((one) => ("kind" in one ? [one] : spokenIn(one)));
}

function by(life: string): string {
  return life.split("#")[0] ?? life;
}

const TYPES = { "task.given": "TASK_GIVEN", "leaf.made": "LEAF_MADE", "task.answered": "ANSWERED" };

export function row(position: number, more: Partial<Row> & { topic?: Topic } = {}): Row {
  const { topic = "task.given", ...rest } = more;
  const id = `e${position}`;
  return { id, position, type: TYPES[topic], name: id, correlationId: id, ...rest };
}

function seen({ id, name, correlationId, causationId }: Row, topic: Topic): Seen {
  const cause = causationId === undefined ? {} : { causationId };
  return { id, name, topic, correlationId, redelivered: false, ...cause };
}

let n = 0;

export const up = (life: string, node: string): Spoken => ({
  kind: "up",
  by: by(life),
  life,
  node,
});
export const stopping = (life: string): Spoken => ({ kind: "stopping", by: by(life), life });
export const down = (life: string, left = 0): Spoken => {
  return { kind: "down", by: by(life), life, drained: left === 0, left };
};
export const killed = (life: string, cursors: Record<string, number>): Spoken[] => [
  { kind: "kill", by: "torturer", who: by(life) },
  { kind: "killed", by: "torturer", who: by(life), cursors },
];
export const rest = (last: number): Spoken => ({ kind: "rest", by: "torturer", last });
export const disturbed = (last: number): Spoken => ({ kind: "disturbed", by: "torturer", last });

/** It is published, and the call says that it is stored. */
export function sent(
  life: string,
  of: Row,
  more: Partial<Said & { kind: "attempt" }> = {},
): Spoken[] {
  n += 1;
  const { name, id, key } = of;
  const common = { by: by(life), n, name };
  const keyed = key === undefined ? {} : { key };
  return [
    {
      kind: "attempt",
      life,
      topic: "task.given",
      how: "events.publish",
      ...keyed,
      ...common,
      ...more,
    },
    { kind: "done", id, ...common },
  ];
}

/** A bus subscriber begins with it, and ends. */
export function got(life: string, of: Row, more: Partial<Said & { kind: "got" }> = {}): Spoken[] {
  n += 1;
  const topic = more.topic === "leaf.made" ? "leaf.made" : "task.given";
  return [
    { kind: "got", by: by(life), life, n, ...seen(of, topic), ...more },
    { kind: "let-go", by: by(life), n: n },
  ];
}

/** A work handler begins with it, and ends. */
export function worked(
  life: string,
  of: Row,
  { ok = true, ...more }: Partial<Said & { kind: "begin" }> & { ok?: boolean } = {},
): Spoken[] {
  n += 1;
  const begun = { n, group: "workers", attempt: 1, ...seen(of, "task.given"), ...more };
  return [
    { kind: "begin", by: by(life), life, ...begun },
    { kind: "end", by: by(life), n, ok },
  ];
}

/** One event that went from `a` to `b`, and was worked on at `b`. */
export function passed(of: Row): Spoken[] {
  return [sent(A, of), got(A, of), got(B, of), worked(B, of)].flat();
}

export function left(...rows: Row[]): Remains {
  const groups = ["workers", "auditors"].map((name) => ({ name, pending: 0 }));
  return { rows, groups, deadLetters: [] };
}
