import { expect, it, onTestFinished } from "vitest";
import { SlowProxy } from "test-servers";
import { openNatsQueue } from "../src/index.ts";
import { until } from "./faults.ts";
import { withServer } from "./with-server.ts";

const servers = withServer();
/** One way. */
const LATENCY_MS = 10;
const LEASE_MS = 1_500;
const EVENTS = 64;

it("a consumer that stops gives back all that waits before its leases end, over a slow link too", async () => {
  const stream = "slow-link";
  const near = await servers.open({ stream });
  const proxy = await SlowProxy.to(Number(new URL(servers.server.url).port), LATENCY_MS);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const far = await openNatsQueue({ servers: proxy.url, stream });
  onTestFinished(() => far.close());
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
