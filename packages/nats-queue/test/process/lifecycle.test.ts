import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { NatsEventQueue, openNatsQueue } from "../../src/index.ts";
import { freePort, NatsServer, SERVER } from "test-servers";
import { sleep, until } from "../faults.ts";
import { Child } from "./child.ts";

/** What is promised is 5 s; machines that run tests are busy with other things too. */
const PROMISED_MS = 8_000;

/** How a server goes away, and how it is back. */
interface Fault {
  readonly away: string;
  readonly take: (server: Faulty) => Promise<void>;
  readonly giveBack: (server: Faulty) => Promise<void>;
}

const FAULTS: readonly Fault[] = [
  {
    away: "killed",
    take: ({ server }) => server.kill(),
    giveBack: ({ server }) => server.run(),
  },
  {
    away: "paused",
    take: async (faulty) => faulty.signal("SIGSTOP"),
    giveBack: async (faulty) => faulty.signal("SIGCONT"),
  },
];

/** A server of a test, and how to stop it. */
interface Faulty {
  readonly server: NatsServer;
  readonly signal: (signal: NodeJS.Signals) => void;
}

async function faulty(): Promise<Faulty> {
  const folder = mkdtempSync(join(tmpdir(), "ringrift-pid-"));
  const file = join(folder, "pid");
  const server = await NatsServer.start(`pid_file: "${file}"`);
  onTestFinished(async () => {
    await server.dispose();
    rmSync(folder, { recursive: true });
  });
  const signal = (name: NodeJS.Signals): void => {
    process.kill(Number(readFileSync(file, "utf8")), name);
  };
  return { server, signal };
}

async function msOf(work: Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work;
  return performance.now() - began;
}

beforeEach((context) => {
  if (SERVER !== true) context.skip(SERVER);
});

describe.each(FAULTS)(
  "a server that is $away while it is needed",
  { timeout: 60_000 },
  ({ take, giveBack }) => {
    it("lets a process end whose last send it didn't answer, without a close", async () => {
      const lost = await faulty();
      const child = new Child("loser", { servers: lost.server.url, stream: "orders", sends: true });
      await child.line(({ kind }) => kind === "open");
      await take(lost);
      const { code } = await child.line(({ kind }) => kind === "refused");
      expect(code).toBe("SERVER_UNREACHABLE");
      expect(await msOf(child.end())).toBeLessThan(PROMISED_MS);
      expect(await child.end()).toBe(0);
    });

    it("lets a process end that stops its consumer, without a close", async () => {
      const lost = await faulty();
      const options = { servers: lost.server.url, stream: "orders" };
      const queue = await openNatsQueue(options);
      await queue.sendMany(
        Array.from({ length: 100 }, (_, n) => ({ type: "ORDER_PLACED", payload: { n } })),
      );
      await queue.close();
      const child = new Child("stopper", options);
      await child.line(({ kind }) => kind === "handled");
      await take(lost);
      process.kill(child.pid, "SIGUSR2");
      expect(await msOf(child.line(({ kind }) => kind === "stopped"))).toBeLessThan(PROMISED_MS);
      expect(await msOf(child.end())).toBeLessThan(PROMISED_MS);
      expect(await child.end()).toBe(0);
    });

    it("lets a queue close that consumes, and loses nothing of what it had", async () => {
      const lost = await faulty();
      const options = { servers: lost.server.url, stream: "orders" };
      const queue = await openNatsQueue(options);
      const sent = await queue.sendMany(
        Array.from({ length: 20 }, (_, n) => ({ type: "ORDER_PLACED", payload: { n } })),
      );
      const policy = { group: "mailer", leaseMs: 2_000, onError: () => {} };
      const handled = new Set<string>();
      const work = async ({ id }: { readonly id: string }): Promise<void> => {
        await sleep(20);
        handled.add(id);
      };
      queue.consume({ ...policy, concurrency: 2 }, work);
      await until("some are handled", () => handled.size > 3);
      await take(lost);
      expect(await msOf(queue.close())).toBeLessThan(PROMISED_MS);
      await giveBack(lost);
      const again = await openNatsQueue(options);
      onTestFinished(() => again.close());
      again.consume(policy, work);
      await until("all are handled", () => handled.size === 20);
      expect(handled).toEqual(new Set(sent.map(({ id }) => id)));
      await until("the group has settled all", async () => {
        const [group] = await again.groups.list();
        return group?.pending === 0;
      });
      expect(await again.deadLetters.list()).toEqual([]);
    });

    it("lets a consumer stop whose handlers are done, and the queue goes on when it is back", async () => {
      const lost = await faulty();
      const queue = await openNatsQueue({ servers: lost.server.url, stream: "orders" });
      onTestFinished(() => queue.close());
      const { promise: goOn, resolve: handle } = Promise.withResolvers<void>();
      await queue.send("ORDER_PLACED", { n: 1 });
      const policy = { group: "mailer", leaseMs: 2_000, onError: () => {} };
      const consumer = queue.consume(policy, () => goOn);
      const idle = queue.consume({ ...policy, group: "idle", from: "now" }, () => {});
      await until("it is handled", () => consumer.stats().inFlight === 1);
      await take(lost);
      const stopping = Promise.all([consumer.stop(), idle.stop()]);
      handle();
      expect(await msOf(stopping)).toBeLessThan(PROMISED_MS);
      await giveBack(lost);
      const { position } = await queue.send("ORDER_PLACED", { n: 2 });
      expect(position).toBe(2);
      const seen: number[] = [];
      queue.consume(policy, (event) => seen.push(event.position));
      await until("the second one is handled", () => seen.includes(2));
    });

    it("rejects the calls that wait for it when the queue closes", async () => {
      const lost = await faulty();
      const options = { servers: lost.server.url, stream: "orders", patienceMs: 60_000 };
      const queue = await openNatsQueue(options);
      await queue.send("ORDER_PLACED", { n: 1 });
      await take(lost);
      const calls = [queue.send("ORDER_PLACED", { n: 2 }), queue.history(), queue.stats()];
      const codes = calls.map((call) =>
        call.then(
          () => "answered",
          (error: { code: string }) => error.code,
        ),
      );
      await sleep(200);
      expect(await msOf(queue.close())).toBeLessThan(PROMISED_MS);
      expect(new Set(await Promise.all(codes))).toEqual(new Set(["SERVER_UNREACHABLE"]));
    });

    it("keeps a process that consumes alive, which goes on when it is back", async () => {
      const lost = await faulty();
      const options = { servers: lost.server.url, stream: "orders" };
      const queue = await openNatsQueue({ ...options, patienceMs: 30_000 });
      onTestFinished(() => queue.close());
      const child = new Child("reader", { ...options, leaseMs: 2_000 });
      await child.line(({ kind }) => kind === "open");
      const first = await queue.send("ORDER_PLACED", { n: 1 });
      await child.line(({ kind, id }) => kind === "handled" && id === first.id);
      await take(lost);
      await sleep(3_000);
      await giveBack(lost);
      const second = await queue.send("ORDER_PLACED", { n: 2 });
      await child.line(({ kind, id }) => kind === "handled" && id === second.id);
      const saw = await child.line(({ kind, id }) => kind === "saw" && id === second.id);
      expect(saw.position).toBe(second.position);
    });
  },
);

describe("a server that isn't there", { timeout: 60_000 }, () => {
  it("doesn't keep a process that has nothing to do", async () => {
    const { server } = await faulty();
    const child = new Child("loser", { servers: server.url, stream: "orders", sends: false });
    await child.line(({ kind }) => kind === "open");
    await server.kill();
    await child.line(({ kind }) => kind === "refused");
    expect(await msOf(child.end())).toBeLessThan(PROMISED_MS / 2);
    expect(await child.end()).toBe(0);
  });

  it("lets a queue close that never had it", async () => {
    const servers = `nats://127.0.0.1:${await freePort()}`;
    const queue = new NatsEventQueue({ servers, stream: "orders" });
    const errors: unknown[] = [];
    const onError = (error: unknown): unknown => errors.push(error);
    queue.consume({ group: "mailer", onError }, () => {});
    await expect(queue.send("ORDER_PLACED", {})).rejects.toMatchObject({
      code: "SERVER_UNREACHABLE",
    });
    await until("the consumer says so", () => errors.length > 0);
    expect(await msOf(queue.close())).toBeLessThan(PROMISED_MS);
  });

  it("lets a queue close that waits for its first answer", async () => {
    const lost = await faulty();
    lost.signal("SIGSTOP");
    const queue = new NatsEventQueue({ servers: lost.server.url, stream: "orders" });
    queue.consume({ group: "mailer", onError: () => {} }, () => {});
    const sending = queue.send("ORDER_PLACED", {}).catch((error: { code: string }) => error.code);
    await sleep(300);
    expect(await msOf(queue.close())).toBeLessThan(PROMISED_MS);
    expect(["QUEUE_CLOSED", "SERVER_UNREACHABLE"]).toContain(await sending);
  });
});

describe("a server of a cluster", { timeout: 120_000 }, () => {
  it("that is killed is followed by another one, which nobody has named", async () => {
    const servers = await NatsServer.cluster(3);
    onTestFinished(async () => {
      await Promise.all(servers.map((server) => server.dispose()));
    });
    const [named, ...others] = servers as [NatsServer, NatsServer, NatsServer];
    const options = { stream: "orders", replicas: 3, patienceMs: 60_000 };
    const queue = await openNatsQueue({ servers: named.url, ...options });
    onTestFinished(() => queue.close());
    await queue.send("ORDER_PLACED", { n: 1 });
    await named.kill();
    await queue.send("ORDER_PLACED", { n: 2 });
    expect(await queue.history()).toHaveLength(2);
    const { details } = await queue.health();
    const addresses = others.map(({ port }) => `127.0.0.1:${port}`);
    expect(addresses).toContain(details["server"]);
  });
});
