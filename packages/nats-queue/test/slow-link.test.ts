import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { SlowProxy } from "test-servers";
import { type NatsEventQueue, openNatsQueue } from "../src/index.ts";
import { until } from "./faults.ts";
import { withServer } from "./with-server.ts";

const servers = withServer();
/** One way. */
const LATENCY_MS = 10;
const LEASE_MS = 1_500;
const EVENTS = 64;
/** The same, of a link on which an answer is on its way for longer than a server waits after the end of a lease. */
const LONG_LATENCY_MS = 150;

/** A queue behind a link that takes so long one way. */
async function openFar(stream: string, latencyMs: number): Promise<NatsEventQueue> {
  const proxy = await SlowProxy.to(Number(new URL(servers.server.url).port), latencyMs);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const far = await openNatsQueue({ servers: proxy.url, stream });
  onTestFinished(() => far.close());
  return far;
}

it("a consumer that stops gives back all that waits before its leases end, over a slow link too", async () => {
  const stream = "slow-link";
  const near = await servers.open({ stream });
  const far = await openFar(stream, LATENCY_MS);
  await near.sendMany(
    Array.from({ length: EVENTS }, (_, n) => ({ type: "ORDER_PLACED", payload: { n } })),
  );
  const { promise: isDone, resolve: done } = Promise.withResolvers<void>();
  let begun = 0;
  const options = { group: "mailer", leaseMs: LEASE_MS, prefetch: EVENTS - 1 };
  const consumer = far.consume(options, async () => {
    begun += 1;
    await isDone;
  });
  const group = near.group("mailer", { leaseMs: LEASE_MS });
  await until("all are leased", async () => {
    const [info] = await near.groups.list();
    return begun === 1 && info?.inFlight === EVENTS;
  });
  const stopping = consumer.stop();
  const seen = [];
  for (let tries = 0; seen.length < EVENTS - 1 && tries < 20; tries += 1) {
    const events = await group.receive({ limit: EVENTS, waitMs: 500 });
    for (const event of events) await event.ack();
    seen.push(...events.map(({ payload, redelivered }) => ({ payload, redelivered })));
  }
  done();
  await stopping;
  // Nobody had begun them.
  const rest = Array.from({ length: EVENTS - 1 }, (_, n) => ({
    payload: { n: n + 1 },
    redelivered: false,
  }));
  expect(seen).toEqual(rest);
});

for (const key of [undefined, "order-1"]) {
  const what = key === undefined ? "no key" : "a key";
  for (const { when, slow, afterMs } of [
    { when: "as its lease ends", slow: "first", afterMs: -LONG_LATENCY_MS * 3 },
    { when: "after its lease", slow: "second", afterMs: LONG_LATENCY_MS * 1.8 },
  ] as const) {
    it(`an event of ${what} that is given back ${when} is given to one other member`, async () => {
      const stream = `given-back-${slow}-${key}`;
      const near = await servers.open({ stream });
      const far = await openFar(stream, LONG_LATENCY_MS);
      const third = await servers.open({ stream });
      const [first, second] = slow === "first" ? [far, near] : [near, far];
      const groupOf = (queue: NatsEventQueue) => queue.group("mailer", { leaseMs: LEASE_MS });
      await near.send("ORDER_PLACED", {}, { key });
      const [event] = await groupOf(first).receive({ limit: 1, waitMs: 5_000 });
      if (event === undefined) throw new Error("Nothing came.");
      const ends = event.leaseUntil;
      const taken = [groupOf(second).receive({ limit: 1, waitMs: 3_000 })];
      await sleep(ends + afterMs - Date.now());
      taken.push(groupOf(third).receive({ limit: 1, waitMs: 1_000 }));
      // `true`, unless this machine is so busy that somebody was given the event first. Either way one other member has it.
      await event.nack({ delayMs: 0, reason: new Error("late") });
      const others = (await Promise.all(taken)).flat();
      expect(others).toMatchObject([{ attempt: 2, redelivered: true }]);
      expect(await others[0]?.ack()).toBe(true);
      await until("it is settled", async () => (await near.groups.list())[0]?.pending === 0);
    });
  }
}
