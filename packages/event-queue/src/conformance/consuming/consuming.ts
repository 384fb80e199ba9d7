import { expect } from "vitest";
import { PermanentError } from "../../failures/errors.ts";
import {
  expectCode,
  gate,
  PAID,
  PLACED,
  sendNumbered,
  sleep,
  type TestCase,
  until,
} from "../harness/suite.ts";

const SOON = { initialMs: 1, maxMs: 5 };

export function consuming(test: TestCase): void {
  test("consume handles events in order and acks them", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 5);
    const seen: number[] = [];
    const consumer = queue.consume({ group: "mailer" }, async (event) => {
      await sleep(1);
      seen.push(event.payload.n);
    });
    await until("all are handled", () => consumer.stats().handled === 5);
    await queue.send(PLACED, { n: 6 });
    await until("the new one is handled", () => consumer.stats().handled === 6);
    await consumer.stop();
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await queue.groups.list())[0]).toMatchObject({ name: "mailer", pending: 0 });
  });

  test("a synchronous handler is acked when it returns", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const consumer = queue.group("mailer").consume({}, () => {});
    await until("it is handled", () => consumer.stats().handled === 1);
  });

  test("a handler gets the event, its attempt, a signal and extend", async (lab) => {
    const queue = lab.open();
    const sent = await queue.send(PLACED, { n: 1 }, { key: "k" });
    const contexts: unknown[] = [];
    const consumer = queue.consume({ group: "mailer" }, async (event, context) => {
      contexts.push({
        id: event.id,
        key: event.key,
        attempt: [event.attempt, context.attempt],
        aborted: context.signal.aborted,
        extended: await context.extend(60_000),
      });
    });
    await until("it is handled", () => consumer.stats().handled === 1);
    expect(contexts).toEqual([
      { id: sent.id, key: "k", attempt: [1, 1], aborted: false, extended: true },
    ]);
  });

  test("as many handlers run at once as concurrency says, and no more", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 10);
    const { opened, open } = gate();
    let running = 0;
    let most = 0;
    const consumer = queue.consume({ group: "mailer", concurrency: 3 }, async () => {
      running += 1;
      most = Math.max(most, running);
      await opened;
      running -= 1;
    });
    await until("three run", () => consumer.stats().inFlight === 3);
    await sleep(30);
    expect(consumer.stats().inFlight).toBe(3);
    open();
    await until("all are handled", () => consumer.stats().handled === 10);
    expect(most).toBe(3);
  });

  test("timers run between handlers of pure CPU, and what waits for them keeps its lease", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 10);
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 1);
    const seen: { readonly n: number; readonly attempt: number; readonly ticks: number }[] = [];
    const options = { group: "mailer", concurrency: 2, prefetch: 8, leaseMs: 600 };
    const consumer = queue.consume(options, ({ payload, attempt }) => {
      seen.push({ n: payload.n, attempt, ticks });
      busy(120);
    });
    await until("all are handled", () => consumer.stats().handled === 10);
    clearInterval(ticking);
    expect(seen.map(({ n, attempt }) => [n, attempt])).toEqual(
      Array.from({ length: 10 }, (_, index) => [index + 1, 1]),
    );
    expect(new Set(seen.map((each) => each.ticks)).size).toBe(10);
    expect(consumer.stats()).toMatchObject({ failed: 0, leasesLost: 0 });
  });

  test("events of one key never run at once, others do", async (lab) => {
    const queue = lab.open();
    await queue.sendMany(
      Array.from({ length: 12 }, (_, n) => ({
        type: PLACED,
        payload: { n },
        key: n % 2 === 0 ? "even" : "odd",
      })),
    );
    const running = new Set<string>();
    const seen: Record<string, number[]> = { even: [], odd: [] };
    let collisions = 0;
    const consumer = queue.consume({ group: "mailer", concurrency: 4 }, async (event) => {
      const key = String(event.key);
      if (running.has(key)) collisions += 1;
      running.add(key);
      await sleep(2);
      running.delete(key);
      seen[key]?.push(event.payload.n);
    });
    await until("all are handled", () => consumer.stats().handled === 12);
    expect(collisions).toBe(0);
    expect(seen).toEqual({ even: [0, 2, 4, 6, 8, 10], odd: [1, 3, 5, 7, 9, 11] });
  });

  test("a failing handler is tried again until it succeeds", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const attempts: (number | boolean)[][] = [];
    const consumer = queue.consume({ group: "mailer", backoff: SOON }, (event) => {
      attempts.push([event.attempt, event.redelivered]);
      if (event.attempt < 3) throw new Error("not yet");
    });
    await until("it is handled", () => consumer.stats().handled === 1);
    expect(attempts).toEqual([
      [1, false],
      [2, true],
      [3, true],
    ]);
    expect(consumer.stats()).toMatchObject({ handled: 1, failed: 2, deadLettered: 0 });
    expect(await queue.deadLetters.list()).toEqual([]);
  });

  test("an event that always fails becomes a dead letter after exactly maxAttempts, and delays nobody", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 0 });
    await sendNumbered(queue, PLACED, 20);
    const handled: number[] = [];
    let attempts = 0;
    const policy = { maxAttempts: 3, backoff: { initialMs: 200, maxMs: 200, jitter: 0 } };
    const consumer = queue.consume({ group: "mailer", ...policy }, (event) => {
      if (event.payload.n !== 0) return handled.push(event.payload.n);
      attempts += 1;
      throw new Error("poison");
    });
    await until("its neighbours are handled", () => handled.length === 20);
    expect(attempts).toBeLessThan(3);
    await until("it is dead", async () => (await queue.deadLetters.list()).length === 1);
    await sleep(30);
    expect(attempts).toBe(3);
    await until("the counters say so", () => consumer.stats().deadLettered === 1);
    expect(consumer.stats()).toMatchObject({ handled: 20, failed: 3 });
  });

  test("a PermanentError makes a dead letter at once", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const consumer = queue.consume({ group: "mailer" }, () => {
      throw new PermanentError("Unknown customer 42");
    });
    await until("it is dead", () => consumer.stats().deadLettered === 1);
    const [letter] = await queue.deadLetters.list();
    expect(letter).toMatchObject({ attempts: 1, error: { message: "Unknown customer 42" } });
  });

  test("a handler that runs longer than the lease keeps its event", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    let calls = 0;
    const handler = async (): Promise<void> => {
      calls += 1;
      await sleep(1_200);
    };
    const first = queue.consume({ group: "mailer", leaseMs: 500 }, handler);
    await until("it runs", () => calls === 1);
    const second = queue.consume({ group: "mailer" }, handler);
    await until("it is handled", () => first.stats().handled + second.stats().handled === 1);
    expect(calls).toBe(1);
    expect(first.stats()).toMatchObject({ handled: 1, leasesLost: 0 });
  });

  test("a handler whose lease is lost is told so by its signal, and isn't acked", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const { opened, open } = gate();
    const reasons: unknown[] = [];
    const consumer = queue.consume({ group: "mailer", leaseMs: 150 }, async (_, { signal }) => {
      signal.addEventListener("abort", () => reasons.push(signal.reason));
      await opened;
    });
    await until("it runs", () => consumer.stats().inFlight === 1);
    await queue.groups.seek("mailer", "now");
    await until("it is told", () => reasons.length === 1);
    open();
    expect(reasons).toMatchObject([{ code: "LEASE_LOST" }]);
    await until("it is given up", () => consumer.stats().inFlight === 0);
    expect(consumer.stats()).toMatchObject({ handled: 0, failed: 0, leasesLost: 1 });
  });

  test("a handler that runs past handlerTimeoutMs has failed, and its signal says why", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    await queue.send(PLACED, { n: 2 });
    const { opened, open } = gate();
    const reasons: unknown[] = [];
    const consumer = queue.consume(
      { group: "mailer", maxAttempts: 1, handlerTimeoutMs: 50 },
      async (event, { signal }) => {
        if (event.payload.n === 2) return;
        signal.addEventListener("abort", () => reasons.push(signal.reason));
        await opened;
      },
    );
    await until("the next one is handled", () => consumer.stats().handled === 1);
    open();
    expect(reasons).toMatchObject([{ code: "HANDLER_TIMEOUT" }]);
    const letters = () => queue.deadLetters.list();
    await until("the failed one is a dead letter", async () => (await letters()).length === 1);
    const error = { code: "HANDLER_TIMEOUT" };
    expect(await letters()).toMatchObject([{ payload: { n: 1 }, error }]);
    expect(consumer.stats()).toMatchObject({ handled: 1, failed: 1, inFlight: 0 });
  });

  test("a map of handlers reads exactly its types", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    await queue.send("ORDER_LOST", { n: 2 });
    await queue.send(PAID, { n: 3 });
    const seen: string[] = [];
    const consumer = queue.group("mailer").consume(
      {},
      {
        [PLACED]: (event) => seen.push(`placed ${event.payload.n}`),
        [PAID]: (event) => seen.push(`paid ${event.payload.n}`),
      },
    );
    await until("both are handled", () => consumer.stats().handled === 2);
    expect(seen).toEqual(["placed 1", "paid 3"]);
    expect((await queue.groups.list())[0]).toMatchObject({
      eventTypes: [PAID, PLACED],
      pending: 0,
    });
  });

  test("handlers that don't fit the group's types are refused at once", async (lab) => {
    const queue = lab.open();
    const group = queue.group("mailer", { eventTypes: [PLACED, PAID] });
    await expectCode(() => group.consume({}, { [PLACED]: () => {} }), "HANDLER_MISSING");
    const extra = { [PLACED]: () => {}, [PAID]: () => {}, ORDER_LOST: () => {} };
    await expectCode(() => group.consume({}, extra), "INVALID_OPTION");
    await expectCode(() => queue.group("mailer").consume({}, {}), "INVALID_OPTION");
  });

  test("the handler comes last, and nothing after it", async (lab) => {
    const queue = lab.open();
    const group = queue.group("mailer");
    const handler = sleep.bind(undefined, 0);
    // The casts make the mistakes that the compiler refuses.
    const inGroup = group.consume.bind(group) as (...given: unknown[]) => unknown;
    const inQueue = queue.consume.bind(queue) as (...given: unknown[]) => unknown;
    const calls: readonly (() => unknown)[] = [
      () => inGroup(handler, {}),
      () => inGroup(handler),
      () => inGroup({}, handler, { concurrency: 2 }),
      () => inQueue(handler, { group: "mailer" }),
      () => inQueue({ group: "mailer" }, handler, { concurrency: 2 }),
    ];
    for (const call of calls) await expectCode(call, "INVALID_OPTION");
  });

  test("two consumers of one group share its events without overlap", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 40);
    const seen: number[] = [];
    const handler = async (event: { payload: { n: number } }): Promise<void> => {
      seen.push(event.payload.n);
      await sleep(1);
    };
    const options = { group: "mailer", concurrency: 2, prefetch: 4 };
    const consumers = [queue.consume(options, handler), queue.consume(options, handler)];
    const handled = (): number =>
      consumers.reduce((sum, consumer) => sum + consumer.stats().handled, 0);
    await until("all are handled", () => handled() === 40);
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  test("consumers of two groups each handle every event", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 40);
    const consumers = ["mailer", "ledger"].map((group) => queue.consume({ group }, () => {}));
    await until("all are handled", () => consumers.every((one) => one.stats().handled === 40));
  });

  test("a consumer that requires another policy ends with the reason and reports it", async (lab) => {
    const queue = lab.open();
    await queue.group("mailer", { maxAttempts: 3 }).ensure();
    const reported: unknown[] = [];
    const onError = (error: unknown): void => void reported.push(error);
    const consumer = queue.consume(
      { group: "mailer", maxAttempts: 4, policy: "require", onError },
      () => {},
    );
    expect(await consumer.ended).toMatchObject({ code: "GROUP_CONFIG_MISMATCH" });
    expect(reported).toMatchObject([{ code: "GROUP_CONFIG_MISMATCH" }]);
    expect(consumer.stats().state).toBe("stopped");
  });

  const malformed: readonly (readonly [string, object])[] = [
    ["no concurrency", { concurrency: 0 }],
    ["a negative prefetch", { prefetch: -1 }],
    ["an endless timeout", { handlerTimeoutMs: Number.POSITIVE_INFINITY }],
    ["an option that doesn't exist", { concurency: 2 }],
  ];
  for (const [name, options] of malformed) {
    test(`consume refuses ${name} at once`, async (lab) => {
      const queue = lab.open();
      await expectCode(() => queue.consume({ group: "g", ...options }, () => {}), "INVALID_OPTION");
      await expectCode(() => queue.group("g").consume(options, () => {}), "INVALID_OPTION");
    });
  }
}

/** Keeps the processor, and the event loop, for so long. */
function busy(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
