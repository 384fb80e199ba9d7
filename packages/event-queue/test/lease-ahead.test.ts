import { createLineage } from "@ringrift/envelope";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ConsumerWork, createConsumer, leaseEvent, type LeaseSource } from "../src/backend.ts";
import type { Consumer, ConsumerOptions, LeasedEvent } from "../src/index.ts";
import { ClaimPace } from "../src/leasing/claim-pace.ts";
import { LeaseAhead } from "../src/leasing/lease-ahead.ts";

/** Calls `handled` so often that the average is what it is told. */
function settle(ahead: LeaseAhead, ms: number): void {
  for (let times = 0; times < 50; times += 1) ahead.handled(ms);
}

/** What it grows to. */
function most(ahead: LeaseAhead): number {
  for (let claims = 0; claims < 20; claims += 1) ahead.next();
  return ahead.next();
}

describe("how much is leased ahead", () => {
  test("nothing before a handler was seen to be quick", () => {
    const ahead = new LeaseAhead(1);
    expect(most(ahead)).toBe(0);
  });

  test("twice as much from claim to claim, at most 64", () => {
    const ahead = new LeaseAhead(1);
    settle(ahead, 0.01);
    expect(Array.from({ length: 8 }, () => ahead.next())).toEqual([1, 3, 7, 15, 31, 63, 64, 64]);
  });

  test.each([
    [0.9, 1, 5],
    [1.9, 1, 2],
    [1.9, 4, 10],
    [4.9, 1, 1],
    [5, 1, 0],
    [5, 16, 0],
    [60_000, 64, 0],
  ])(
    "as much as handlers of %d ms, %d at once, finish within 5 ms: %d",
    (ms, concurrency, count) => {
      const ahead = new LeaseAhead(concurrency);
      settle(ahead, ms);
      expect(most(ahead)).toBe(count);
    },
  );

  test("nothing after one slow handler, until they are quick again", () => {
    const ahead = new LeaseAhead(1);
    settle(ahead, 0.01);
    expect(most(ahead)).toBe(64);
    ahead.handled(200);
    expect(ahead.next()).toBe(0);
    settle(ahead, 0.01);
    expect(ahead.next()).toBe(1);
  });

  test("nothing after a failure", () => {
    const ahead = new LeaseAhead(1);
    settle(ahead, 0.01);
    expect(most(ahead)).toBe(64);
    ahead.reset();
    expect(ahead.next()).toBe(0);
  });
});

describe("how soon it claims again", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("four times at once, then each millisecond", () => {
    const pace = new ClaimPace();
    expect(Array.from({ length: 5 }, () => pace.claimed())).toEqual([0, 0, 0, 1, 1]);
    vi.advanceTimersByTime(1);
    expect(pace.claimed()).toBe(1);
  });

  test("at once where events are rarer than that", () => {
    const pace = new ClaimPace();
    for (let claims = 0; claims < 100; claims += 1) {
      expect(pace.claimed()).toBe(0);
      vi.advanceTimersByTime(1);
    }
  });

  test("at once again after a rest", () => {
    const pace = new ClaimPace();
    for (let claims = 0; claims < 10; claims += 1) pace.claimed();
    vi.advanceTimersByTime(20);
    expect(Array.from({ length: 4 }, () => pace.claimed())).toEqual([0, 0, 0, 1]);
  });
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Gives as many events as it may, and keeps what was done with them. */
class Source implements LeaseSource {
  readonly group = "mailer";
  readonly claimsCommit: boolean;
  readonly leaseMs = 60_000;
  readonly maxAttempts = 3;
  readonly log: string[] = [];
  readonly events: LeasedEvent[] = [];

  constructor(claimsCommit = true) {
    this.claimsCommit = claimsCommit;
  }

  async receive(options: Parameters<LeaseSource["receive"]>[0]): Promise<LeasedEvent[]> {
    const { limit, ahead, signal } = options;
    this.log.push(`claim ${limit}+${ahead}`);
    while (this.events.length === 0 && !signal.aborted) await turn();
    signal.throwIfAborted();
    return this.events.splice(0, limit + ahead);
  }

  async release(event: LeasedEvent): Promise<void> {
    this.log.push(`release ${event.position}`);
  }

  feed(from: number, to: number, key?: string): void {
    for (let position = from; position <= to; position += 1) {
      const ack = async (): Promise<boolean> => {
        this.log.push(`ack ${position}`);
        return true;
      };
      const event = { ...createLineage(), position, type: "A", payload: {}, headers: {} };
      const rest = { storedAt: 0, attempt: 1, redelivered: false, ...(key && { key }) };
      const never = async (): Promise<false> => false;
      this.events.push(leaseEvent({ ...event, ...rest }, 0, { ack, nack: never, extend: never }));
    }
  }
}

/** Everything that may go on by itself has gone on; the clock and timers stand still. */
async function turns(): Promise<void> {
  for (let n = 0; n < 100; n += 1) await turn();
}

const running: Consumer[] = [];
function consume(
  source: LeaseSource,
  handlers: ConsumerWork["handlers"],
  options?: ConsumerOptions,
): Consumer {
  const made = createConsumer(source, { handlers }, options);
  running.push(made);
  return made;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop({ timeoutMs: 0 })));
  vi.useRealTimers();
});

/** A source whose member has come to claim up to so many ahead; more is to be claimed when it is fed. */
async function warm(handler: (event: { position: number }) => unknown): Promise<{
  source: Source;
  made: Consumer;
}> {
  const source = new Source();
  const made = consume(source, ({ position }: { position: number }) =>
    position > 0 ? handler({ position }) : undefined,
  );
  // As many as it takes until a claim may have 7 more.
  while (!source.log.includes("claim 1+7")) {
    source.feed(0, 0);
    await turns();
    vi.advanceTimersByTime(1);
    await turns();
  }
  source.log.length = 0;
  return { source, made };
}

describe("a member that leases ahead", () => {
  test("acks what it leased together, with the next claim", async () => {
    const { source, made } = await warm(() => {});
    source.feed(1, 8);
    await turns();
    const acks = [1, 2, 3, 4, 5, 6, 7, 8].map((position) => `ack ${position}`);
    expect(source.log).toEqual(["claim 1+15", ...acks]);
    expect(made.stats()).toMatchObject({ failed: 0, inFlight: 0 });
  });

  test("acks an event with a key at once: the next one waits for that", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { source } = await warm(({ position }) => (position === 3 ? promise : undefined));
    source.feed(1, 1);
    source.feed(2, 2, "k");
    source.feed(3, 4);
    await turns();
    expect(source.log).toEqual(["ack 2"]);
    resolve();
    await turns();
    expect(source.log).toEqual(["ack 2", "claim 1+15", "ack 1", "ack 3", "ack 4"]);
  });

  test("acks what is done and gives back what isn't begun when a handler is slow", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { source, made } = await warm(({ position }) => (position === 3 ? promise : undefined));
    source.feed(1, 5);
    await turns();
    vi.advanceTimersByTime(19);
    await turns();
    expect(source.log).toEqual([]);
    vi.advanceTimersByTime(1);
    await turns();
    expect(source.log.toSorted()).toEqual(["ack 1", "ack 2", "release 4", "release 5"]);
    expect(made.stats()).toMatchObject({ inFlight: 1 });
    source.log.length = 0;
    resolve();
    await turns();
    expect(source.log).toEqual(["ack 3", "claim 1+0"]);
  });

  test("acks what is done and gives back what isn't begun after a handler of pure CPU", async () => {
    const { source, made } = await warm(({ position }) => {
      if (position === 3) vi.advanceTimersByTime(11);
    });
    source.feed(1, 5);
    await turns();
    expect(source.log.toSorted()).toEqual([
      "ack 1",
      "ack 2",
      "ack 3",
      "claim 1+0",
      "release 4",
      "release 5",
    ]);
    expect(made.stats()).toMatchObject({ failed: 0, inFlight: 0 });
  });

  test("has acked everything when it has stopped", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { source, made } = await warm(({ position }) => (position === 3 ? promise : undefined));
    source.feed(1, 4);
    await turns();
    expect(source.log).toEqual([]);
    const stopping = made.stop();
    resolve();
    expect(await stopping).toEqual({ drained: true, left: 0 });
    expect(source.log.toSorted()).toEqual(["ack 1", "ack 2", "ack 3", "release 4"]);
    expect(made.stats()).toMatchObject({ failed: 0, inFlight: 0, state: "stopped" });
  });

  test("gives back what isn't begun when it is paused, and acks the rest", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { source, made } = await warm(({ position }) => (position === 2 ? promise : undefined));
    source.feed(1, 3);
    await turns();
    made.pause();
    resolve();
    await turns();
    expect(source.log.toSorted()).toEqual(["ack 1", "ack 2", "release 3"]);
  });

  test("leases nothing ahead after a failure", async () => {
    const { source } = await warm(() => {
      throw new Error("no");
    });
    source.feed(1, 1);
    await turns();
    expect(source.log).toContain("claim 1+0");
  });

  test("lets events gather while they come fast and it keeps up, and not otherwise", async () => {
    const { source } = await warm(() => {});
    for (let n = 1; n <= 6; n += 1) {
      source.feed(n, n);
      await turns();
    }
    const gathered = source.log.length;
    vi.advanceTimersByTime(1);
    await turns();
    vi.advanceTimersByTime(1);
    await turns();
    // The last of the first four, and then two claims for what came meanwhile.
    expect(source.log.slice(gathered)).toEqual([
      expect.stringMatching(/^claim/),
      "ack 4",
      expect.stringMatching(/^claim/),
      "ack 5",
      "ack 6",
    ]);
  });

  test("leases nothing ahead where a claim is no commit", async () => {
    const source = new Source(false);
    source.feed(1, 20);
    consume(source, () => {});
    await turns();
    expect(new Set(source.log.filter((line) => line.startsWith("claim")))).toEqual(
      new Set(["claim 1+0"]),
    );
  });

  test("leases as many as it was told, if it was, and acks them at once", async () => {
    const source = new Source();
    const { promise, resolve } = Promise.withResolvers<void>();
    source.feed(1, 4);
    consume(source, ({ position }: { position: number }) => (position > 2 ? promise : undefined), {
      prefetch: 3,
    });
    await turns();
    expect(source.log).toEqual(["claim 4+0", "ack 1", "ack 2", "claim 2+0"]);
    resolve();
  });
});
