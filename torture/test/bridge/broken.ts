import type { BugName } from "../../src/bridge/known-bugs.ts";
import type { Remains, Row } from "../../src/bridge/remains.ts";
import {
  A,
  B,
  disturbed,
  down,
  got,
  killed,
  left,
  passed,
  rest,
  row,
  sent,
  stopping,
  type Story,
  up,
  worked,
} from "./stories.ts";

const one = row(1);
const two = row(2);
const answer = row(2, { name: "e1/answer" });
const again = { redelivered: true };
const keyed = [row(1, { key: "k" }), row(2, { key: "k" })] as const;
const child = (position: number, more: Partial<Row> = {}): Row =>
  row(position, {
    name: "child",
    topic: "leaf.made",
    correlationId: "e1",
    causationId: "e1",
    ...more,
  });
const uncaused = row(2, { name: "child", topic: "leaf.made" });
const asChild = {
  topic: "leaf.made",
  within: "work",
  parent: { id: "e1", correlationId: "e1" },
} as const;
const leaf = { topic: "leaf.made" } as const;
const audited = { group: "auditors", topic: "leaf.made" } as const;
const everywhere = (of: Row): Story => [got(A, of, leaf), got(B, of, leaf), worked(B, of, audited)];
const arrives = (of: Row): Story => [sent(A, of), got(A, of), got(B, of)];

/** Stories that break one rule each; those with bugs break it only where these are looked for. */
export const broken: [rule: string, what: string, Story, Remains, BugName[]?][] = [
  [
    "stored once",
    "an attempt that publishes again has another id",
    [
      passed(one),
      sent(B, child(2), asChild),
      sent(B, child(3), asChild),
      everywhere(child(2)),
      everywhere(child(3)),
    ],
    left(one, child(2), child(3)),
  ],
  [
    "stored once",
    "a bus subscriber that is called again stores its child again",
    [
      passed(one),
      sent(B, child(2), { ...asChild, within: "bus" }),
      sent(B, child(3), { ...asChild, within: "bus" }),
      everywhere(child(2)),
      everywhere(child(3)),
    ],
    left(one, child(2), child(3)),
  ],
  ["kept", "a publish that resolved is not in the log", [passed(one), sent(A, two)], left(one)],
  [
    "kept",
    "a child took the place of another one, as its duplicate",
    [passed(one), sent(B, { ...two, id: "e1" })],
    left(one),
  ],
  [
    "one identity",
    "a bus got an event under an id that the log doesn't have",
    [passed(one), got(B, one, { id: "e9" })],
    left(one),
  ],
  [
    "one identity",
    "a bus got an event with another cause",
    [sent(A, one), got(A, one), got(B, one, { causationId: "e9" }), worked(B, one)],
    left(one),
  ],
  [
    "one identity",
    "a child is not caused by what was being handled",
    [
      passed(one),
      sent(B, child(2, { causationId: "e9" }), asChild),
      everywhere(child(2, { causationId: "e9" })),
    ],
    left(one, child(2, { causationId: "e9" })),
  ],
  [
    "one identity",
    "a child in an asynchronous handler of a publishSync has no cause",
    [
      sent(A, one, { how: "bus.publishSync" }),
      got(A, one),
      got(B, one),
      worked(B, one),
      sent(A, uncaused, { ...asChild, within: "bus" }),
      everywhere(uncaused),
    ],
    left(one, uncaused),
  ],
  [
    "one identity",
    "an event of a bus has not the key that its payload says",
    [sent(A, one, { how: "bus.publish", key: "k" }), got(A, one), got(B, one), worked(B, one)],
    left(one),
    ["catalogueKeys"],
  ],
  [
    "one identity",
    "the log has what nobody published",
    [got(A, one), got(B, one), worked(B, one)],
    left(one),
  ],
  ["once per bus", "an event comes back to its publisher", [passed(one), got(A, one)], left(one)],
  [
    "once per bus",
    "an event comes again after a kill without saying so",
    [passed(one), passed(two), killed(B, { b: 1 }), up("b.2#1", "b"), got("b.2#1", two)],
    left(one, two),
  ],
  [
    "once per bus",
    "what was done long before a kill comes again",
    [passed(one), passed(two), killed(B, { b: 100 }), up("b.2#1", "b"), got("b.2#1", one, again)],
    left(one, two),
  ],
  [
    "once per bus",
    "own events come again after a clean stop",
    [passed(one), stopping(A), down(A), up("a.1#2", "a"), got("a.1#2", one, again)],
    left(one),
  ],
  [
    "reached every bus",
    "a named node never gets an event",
    [sent(A, one), got(A, one), worked(B, one)],
    left(one),
  ],
  [
    "reached every bus",
    "a handler that was killed doesn't get its event again",
    [
      sent(A, one),
      got(A, one),
      worked(A, one),
      got(B, one).slice(0, 1),
      killed(B, { b: 1 }),
      up("b.2#1", "b"),
    ],
    left(one),
  ],
  [
    "worked on once",
    "somebody begins with what another one has had meanwhile",
    [
      arrives(one),
      { kind: "freeze", by: "torturer", who: "b.1" },
      worked(A, one, { attempt: 2, ...again }),
      { kind: "thaw", by: "torturer", who: "b.1" },
      worked(B, one),
    ],
    left(one),
  ],
  ["worked on once", "nobody works on an event", arrives(one), left(one)],
  [
    "worked on once",
    "an event is worked on again after it was done",
    [passed(one), worked(A, one, { attempt: 2, ...again })],
    left(one),
  ],
  [
    "worked on once",
    "an event is worked on again after a crash, unmarked",
    [
      arrives(one),
      worked(B, one).slice(0, 1),
      killed(B, { b: 1 }),
      up("b.2#1", "b"),
      worked(A, one),
    ],
    left(one),
  ],
  [
    "worked on once",
    "an event is marked as redelivered though nothing had happened",
    [arrives(one), worked(B, one, { attempt: 2, ...again })],
    left(one),
  ],
  [
    "keys in order",
    "work on a key overtakes what came before",
    [arrives(keyed[0]), arrives(keyed[1]), worked(B, keyed[1]), worked(B, keyed[0])],
    left(...keyed),
  ],
  [
    "keys in order",
    "events of a key overtake each other on the bus of another node",
    [
      sent(A, keyed[0]),
      sent(A, keyed[1]),
      got(A, keyed[0]),
      got(A, keyed[1]),
      got(B, keyed[1]),
      got(B, keyed[0]),
      worked(B, keyed[0]),
      worked(B, keyed[1]),
    ],
    left(...keyed),
  ],
  [
    "keys in order",
    "the log has a key in another order than it was published",
    [
      sent(A, keyed[1]),
      sent(A, keyed[0]),
      got(A, keyed[0]),
      got(A, keyed[1]),
      got(B, keyed[0]),
      got(B, keyed[1]),
      worked(B, keyed[0]),
      worked(B, keyed[1]),
    ],
    left(...keyed),
  ],
  [
    "answered",
    "a handler waits for an answer that doesn't come",
    [
      passed(one),
      passed(answer),
      { kind: "answer", by: "a.1", life: A, name: "e1", ok: false, ms: 3000 },
    ],
    left(one, answer),
  ],
  ["clean stops", "a stop leaves something", [passed(one), stopping(A), down(A, 1)], left(one)],
  [
    "clean stops",
    "a start is refused",
    [passed(one), { kind: "refused", by: "c.1", life: "c.1#1", code: "NODE_NAME_TAKEN" }],
    left(one),
  ],
  [
    "clean stops",
    "somebody complains",
    [passed(one), { kind: "complaint", by: "a.1", code: "QUEUE_BUSY", message: "Too slow." }],
    left(one),
  ],
  ["constant at rest", "the log grows", [passed(one), rest(1), disturbed(2)], left(one)],
  [
    "constant at rest",
    "a bus gets something",
    [sent(A, one), got(A, one), worked(B, one), rest(1), got(B, one), disturbed(1)],
    left(one),
  ],
  [
    "constant at rest",
    "a group has something pending",
    passed(one),
    { ...left(one), groups: [{ name: "b", pending: 1 }] },
  ],
  [
    "constant at rest",
    "an unnamed node that stopped leaves its group",
    passed(one),
    { ...left(one), groups: [{ name: "node-1", pending: 0 }] },
  ],
];
