import { expect } from "vitest";
import type { Consumer } from "../../contract/consumer.ts";
import {
  gate,
  PLACED,
  receiveOne,
  sendNumbered,
  sleep,
  type TestCase,
  until,
} from "../harness/suite.ts";

export function stopping(test: TestCase): void {
  test("stop waits for the running handler, whose event is acked", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 2);
    const { opened, open } = gate();
    const seen: number[] = [];
    const consumer = queue.consume({ group: "mailer" }, async (event) => {
      await opened;
      seen.push(event.payload.n);
    });
    await until("it runs", () => consumer.stats().inFlight === 1);
    const stopping = consumer.stop();
    expect(consumer.stats().state).toBe("stopping");
    await sleep(20);
    open();
    expect(await stopping).toEqual({ drained: true, left: 0 });
    expect(seen).toEqual([1]);
    expect(consumer.stats()).toMatchObject({ handled: 1, inFlight: 0, state: "stopped" });
    expect(await consumer.ended).toBeUndefined();
    expect((await queue.groups.list())[0]).toMatchObject({ pending: 1, inFlight: 0 });
  });

  test("a consumer after a stopped one goes on where that was", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    const seen: number[] = [];
    const first: Consumer = queue.consume({ group: "mailer" }, (event) => {
      seen.push(event.payload.n);
      void first.stop();
    });
    await first.ended;
    const second = queue.consume({ group: "mailer" }, (event) => seen.push(event.payload.n));
    await until("the rest is handled", () => second.stats().handled === 2);
    expect(seen).toEqual([1, 2, 3]);
  });

  test("a consumer that waits for events stops at once", async (lab) => {
    const queue = lab.open();
    const consumer = queue.consume({ group: "mailer" }, () => {});
    await until("it waits", async () => (await queue.groups.list()).length === 1);
    const started = performance.now();
    expect(await consumer.stop()).toEqual({ drained: true, left: 0 });
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test("stop is idempotent, and calls at once agree", async (lab) => {
    const queue = lab.open();
    const consumer = queue.consume({ group: "mailer" }, () => {});
    const results = await Promise.all([consumer.stop(), consumer.stop()]);
    expect(results).toEqual([
      { drained: true, left: 0 },
      { drained: true, left: 0 },
    ]);
    expect(await consumer.stop()).toEqual({ drained: true, left: 0 });
  });

  test("a stop that runs out of time aborts the handler, and its event is delivered again", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const { opened, open } = gate();
    const reasons: unknown[] = [];
    const consumer = queue.consume({ group: "mailer", leaseMs: 300 }, async (_, { signal }) => {
      signal.addEventListener("abort", () => reasons.push(signal.reason));
      await opened;
    });
    await until("it runs", () => consumer.stats().inFlight === 1);
    expect(await consumer.stop({ timeoutMs: 20 })).toEqual({ drained: false, left: 1 });
    expect(reasons).toMatchObject([{ code: "CONSUMER_STOPPED" }]);
    // It gave up halfway, perhaps: that it returns now must not count as done.
    open();
    const again = await receiveOne(queue.group("mailer"));
    expect(again).toMatchObject({ payload: { n: 1 }, attempt: 2, redelivered: true });
  });

  test("handlers that wait for the stop of their own consumer wait neither for themselves nor for each other", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    const { opened, open } = gate();
    const results: unknown[] = [];
    let begun = 0;
    const consumer: Consumer = queue.consume({ group: "mailer", concurrency: 3 }, async () => {
      begun += 1;
      if (begun === 3) open();
      await opened;
      results.push(await consumer.stop());
    });
    await until("each is told", () => results.length === 3);
    expect(results).toEqual([1, 2, 3].map(() => ({ drained: true, left: 0 })));
    await consumer.ended;
    expect((await queue.groups.list())[0]).toMatchObject({ pending: 0, inFlight: 0 });
  });

  test("a second stop with a shorter limit cuts the first one short", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const { opened, open } = gate();
    const consumer = queue.consume({ group: "mailer" }, () => opened);
    await until("it runs", () => consumer.stats().inFlight === 1);
    const patient = consumer.stop();
    expect(await consumer.stop({ timeoutMs: 0 })).toEqual({ drained: false, left: 1 });
    expect(await patient).toEqual({ drained: false, left: 1 });
    open();
  });

  test("stop gives back what was leased but not begun, its attempt not counted", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 4);
    const { opened, open } = gate();
    const consumer = queue.consume({ group: "mailer", prefetch: 3 }, () => opened);
    await until("all are leased", async () => (await queue.groups.list())[0]?.inFlight === 4);
    await until("the first is begun", () => consumer.stats().inFlight > 0);
    const stopping = consumer.stop();
    const group = queue.group("mailer");
    for (const n of [2, 3, 4]) {
      const event = await receiveOne(group);
      expect(event).toMatchObject({ payload: { n }, attempt: 1, redelivered: false });
      await event.ack();
    }
    open();
    expect(await stopping).toEqual({ drained: true, left: 0 });
    expect((await queue.groups.list())[0]).toMatchObject({ pending: 0 });
  });

  test("what waits for its handler keeps its lease", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 2);
    const { opened, open } = gate();
    const options = { group: "mailer", prefetch: 1, leaseMs: 500 };
    const consumer = queue.consume(options, (event) =>
      event.payload.n === 1 ? opened : undefined,
    );
    await until("both are leased", async () => (await queue.groups.list())[0]?.inFlight === 2);
    await sleep(1_000);
    expect(await queue.group("mailer").receive()).toEqual([]);
    open();
    await until("both are handled", () => consumer.stats().handled === 2);
    expect(consumer.stats().leasesLost).toBe(0);
  });

  test("a paused consumer begins nothing until it is resumed", async (lab) => {
    const queue = lab.open();
    const consumer = queue.consume({ group: "mailer" }, () => {});
    await queue.send(PLACED, { n: 1 });
    await until("the first is handled", () => consumer.stats().handled === 1);
    consumer.pause();
    expect(consumer.stats().state).toBe("paused");
    await queue.send(PLACED, { n: 2 });
    await sleep(100);
    expect(consumer.stats().handled).toBe(1);
    consumer.resume();
    await until("the second is handled", () => consumer.stats().handled === 2);
    expect(consumer.stats().state).toBe("running");
  });

  test("a paused consumer gives back what it hasn't begun", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    const { opened, open } = gate();
    const consumer = queue.consume({ group: "mailer", prefetch: 2 }, () => opened);
    await until("all are leased", async () => (await queue.groups.list())[0]?.inFlight === 3);
    // The file may tell of the leases before the consumer has begun with the first.
    await until("the first is begun", () => consumer.stats().inFlight > 0);
    consumer.pause();
    expect((await receiveOne(queue.group("mailer"))).payload).toEqual({ n: 2 });
    open();
    await until("the running one is handled", () => consumer.stats().handled === 1);
  });

  test("a paused consumer can be stopped", async (lab) => {
    const consumer = lab.open().consume({ group: "mailer" }, () => {});
    consumer.pause();
    expect(await consumer.stop()).toEqual({ drained: true, left: 0 });
  });

  test("a signal stops a consumer", async (lab) => {
    const queue = lab.open();
    const controller = new AbortController();
    const consumer = queue.consume({ group: "mailer", signal: controller.signal }, () => {});
    controller.abort();
    expect(await consumer.ended).toBeUndefined();
    const late = queue.consume({ group: "mailer", signal: controller.signal }, () => {});
    expect(await late.ended).toBeUndefined();
    await queue.send(PLACED, { n: 1 });
    expect(late.stats()).toMatchObject({ handled: 0, state: "stopped" });
  });

  test("a handler may wait for the stop of its own consumer", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const results: unknown[] = [];
    const consumer: Consumer = queue.consume({ group: "mailer" }, async () => {
      results.push(await consumer.stop());
    });
    await consumer.ended;
    expect(results).toEqual([{ drained: true, left: 0 }]);
    expect(consumer.stats().handled).toBe(1);
  });

  test("leaving its scope stops a consumer", async (lab) => {
    const queue = lab.open();
    let ended: Promise<unknown> | undefined;
    {
      await using consumer = queue.consume({ group: "mailer" }, () => {});
      ended = consumer.ended;
    }
    expect(await ended).toBeUndefined();
  });

  test("close waits for running handlers, which may still send and are acked", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const { opened, open } = gate();
    const children: unknown[] = [];
    const consumer = queue.consume({ group: "mailer", eventTypes: [PLACED] }, async () => {
      await opened;
      children.push(await queue.send("CHILD", {}));
    });
    await until("it runs", () => consumer.stats().inFlight === 1);
    const closing = queue.close();
    await sleep(10);
    open();
    await closing;
    expect(children).toMatchObject([{ type: "CHILD" }]);
    expect(consumer.stats()).toMatchObject({ handled: 1, state: "stopped" });
  });
}
