import type { KnownDifference } from "@ringrift/event-queue/testing";

const HOUR_MS = 3_600_000;
const A = { type: "A", payload: 0 } as const;
const LEASE = { do: "lease", by: 0, group: "one" } as const;
const BURY = { do: "nack", lease: 0, reason: "permanent" } as const;
const REWIND = { do: "seek", by: 0, group: "one", from: "beginning" } as const;
const REDRIVE = { do: "redrive", by: 0, which: {} } as const;

/** Where the file and the memory queue differ, though the contract says what is right. Each goes with its repair. */
export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    title:
      "in memory a redrive takes the lease away from who has the event again; a lease is lost when it runs out",
    script: {
      commands: [{ do: "send", by: 0, event: A }, LEASE, BURY, REWIND, LEASE, REDRIVE],
    },
    where: /^groups\[0\]\.inFlight is 1; in memory 0$/,
    isReached: (command, { seen, leases }) =>
      command.do === "redrive" &&
      seen.letters.some(({ group, id, time }) =>
        leases.some((lease) => lease.group === group && lease.event.id === id && lease.at > time),
      ),
  },
  {
    title:
      "in memory a redriven event ahead of the cursor comes before those between; a receive leases in position order",
    script: {
      commands: [{ do: "sendMany", by: 0, events: [A, A] }, LEASE, BURY, REWIND, REDRIVE, LEASE],
    },
    where: /^the answer\.inOrder is true; in memory false$/,
    isForgiven: ({ where }) => where === "the answer.inOrder is true; in memory false",
  },
];
