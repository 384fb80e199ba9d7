import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, it, onTestFinished } from "vitest";
import { withServer } from "./with-server.ts";

const context = withServer();
/** `GROWTH_RUNS=1000` for a long pass: so many seeks, and ten times as many groups. */
const RUNS = Number(process.env["GROWTH_RUNS"] ?? 20);
const EVENTS = Array.from({ length: 20 }, (_, n) => ({ type: "A", payload: n, key: `k${n % 5}` }));

/** Documents of a queue's state, by the kind that is a part of their subject. */
async function documents(stream: string): Promise<() => Promise<Record<string, number>>> {
  const connection = await connect({ servers: context.server.url });
  onTestFinished(() => connection.close());
  const manager = await jetstreamManager(connection);
  return async () => {
    const filter = { subjects_filter: `${stream}.state.>` };
    const { state } = await manager.streams.info(`${stream}-state`, filter);
    const counts: Record<string, number> = {};
    for (const subject of Object.keys(state.subjects ?? {})) {
      const [, , kind = ""] = subject.split(".");
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  };
}

it(
  "groups that come and go, and move with events leased, leave nothing but that they are gone",
  { timeout: 60_000 + RUNS * 2_000 },
  async () => {
    const queue = await context.open({ stream: "growth" });
    const count = await documents("growth");
    await queue.sendMany(EVENTS);
    const policy = { from: "beginning", maxAttempts: 3, leaseMs: 2_000 } as const;
    const lease = async (name: string): Promise<void> => {
      const events = await queue.group(name, policy).receive({ limit: 10 });
      await events[0]?.ack();
      await events[1]?.nack({ delayMs: 10 });
    };
    await queue.group("moved", policy).ensure();
    const before = await count();
    for (let run = 0; run < RUNS * 10; run += 1) {
      await lease(`group-${run}`);
      await queue.groups.remove(`group-${run}`);
    }
    for (let run = 0; run < RUNS; run += 1) {
      await lease("moved");
      await queue.groups.seek("moved", run % 2 === 0 ? { position: 10 } : "beginning");
    }
    // What members write of an incarnation that they don't know to be gone is removed two leases later, by a sweep.
    const left = async (): Promise<Record<string, number>> => {
      await queue.stats();
      const { gone: _, touched: __, ...others } = await count();
      return others;
    };
    const { touched: _, ...expected } = before;
    await expect.poll(left, { timeout: 40_000, interval: 500 }).toEqual(expected);
    expect((await count())["gone"]).toBe(RUNS * 11);
  },
);
