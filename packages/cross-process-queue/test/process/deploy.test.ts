import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openQueue, tempPath, until } from "../temp-queue.ts";
import { Child } from "./child.ts";

/** One effect, as a worker noted it. */
interface Effect {
  readonly id: string;
  readonly type: string;
  readonly release: string;
  readonly attempt: number;
}

/** What the first release says of its group, and what the second does: a topic less, a topic more, other values. */
const FIRST = {
  release: "first",
  types: ["ORDER_PLACED", "ORDER_PAID"],
  maxAttempts: 6,
  leaseMs: 20_000,
  backoff: { initialMs: 5, maxMs: 20 },
};
const SECOND = {
  release: "second",
  types: ["ORDER_PLACED", "ORDER_SHIPPED"],
  maxAttempts: 9,
  leaseMs: 30_000,
  handlerTimeoutMs: 60_000,
  backoff: { initialMs: 10, maxMs: 40 },
};

/** Sends all the time, some events with a key and some that fail at first, until it is told to end. */
async function load(
  queue: ReturnType<typeof openQueue>,
  types: () => readonly string[],
  isOver: () => boolean,
): Promise<Map<string, string>> {
  const sent = new Map<string, string>();
  for (let n = 0; !isOver(); n += 1) {
    const batch = types().flatMap((type, index) => [
      { type, payload: { failures: n % 7 === 0 ? 2 : 0 }, key: `key-${(n + index) % 10}` },
      { type, payload: { failures: 0 } },
    ]);
    for (const { id, type } of await queue.sendMany(batch)) sent.set(id, type);
    await sleep(4);
  }
  return sent;
}

test(
  "a rolling deploy under load loses nothing and does nothing twice, whatever the two releases say of their group",
  { timeout: 120_000 },
  async () => {
    const path = tempPath();
    const ledger = join(dirname(path), "ledger");
    writeFileSync(ledger, "");
    // The load is what the workers can take, however busy the machine is.
    const queue = openQueue(path, {
      survives: "process-crash",
      maxBacklog: 200,
      backlogWaitMs: 60_000,
    });
    const begin = async (release: typeof FIRST | typeof SECOND): Promise<Child> => {
      const child = new Child("release", { path, ledger, ...release });
      await child.line(({ kind }) => kind === "ready");
      return child;
    };
    const effects = (): Effect[] =>
      readFileSync(ledger, "utf8")
        .split("\n")
        .flatMap((line) => (line === "" ? [] : (JSON.parse(line) as Effect)));
    const worked = (release: string, count: number): Promise<boolean> =>
      until(() => effects().filter((effect) => effect.release === release).length >= count);

    let isOver = false;
    let types = FIRST.types;
    const first = await begin(FIRST);
    expect(await until(async () => (await queue.groups.list()).length === 1)).toBe(true);
    const sending = load(
      queue,
      () => types,
      () => isOver,
    );
    expect(await worked("first", 200)).toBe(true);

    const second = await begin(SECOND);
    expect(
      await until(async () => {
        const [group] = await queue.groups.list();
        return group?.eventTypes?.length === 3 && group.maxAttempts === SECOND.maxAttempts;
      }),
    ).toBe(true);
    types = [...new Set([...FIRST.types, ...SECOND.types])];
    expect(await worked("second", 200)).toBe(true);

    // A supervisor that knows nothing of the deployment starts the old release again and again.
    let old = first;
    for (let round = 1; round <= 5; round += 1) {
      old.stop();
      expect(await old.end()).toBe(0);
      old = await begin(FIRST);
      const before = effects().filter(({ release }) => release === "first").length;
      expect(await worked("first", before + 50)).toBe(true);
    }
    isOver = true;
    const sent = await sending;
    expect(await until(async () => (await queue.groups.list())[0]?.pending === 0)).toBe(true);
    for (const child of [old, second]) {
      child.stop();
      expect(await child.end()).toBe(0);
      expect(child.lines.filter(({ kind }) => kind === "failed")).toEqual([]);
    }

    const done = effects();
    expect(done).toHaveLength(sent.size);
    expect(new Map(done.map(({ id, type }) => [id, type]))).toEqual(sent);
    const strange = done.filter(({ type, release }) => {
      return !(release === "first" ? FIRST : SECOND).types.includes(type);
    });
    expect(strange).toEqual([]);
    expect(await queue.deadLetters.list()).toEqual([]);
    expect(await queue.groups.list()).toMatchObject([{ pending: 0, skipped: 0, setAside: {} }]);
    expect(await queue.health()).toMatchObject({ ok: true });
  },
);

test("a member whose process was killed is gone at once, and what it alone wanted isn't lost", async () => {
  const path = tempPath();
  const ledger = join(dirname(path), "ledger");
  writeFileSync(ledger, "");
  const queue = openQueue(path);
  const first = new Child("release", { path, ledger, ...FIRST, leaseMs: 300 });
  expect(await until(async () => (await queue.groups.list()).length === 1)).toBe(true);
  await first.kill();
  const second = new Child("release", { path, ledger, ...SECOND });
  await second.line(({ kind }) => kind === "ready");
  await queue.send("ORDER_PAID", { failures: 0 });
  const { id } = await queue.send("ORDER_PLACED", { failures: 0 });
  expect(await until(() => readFileSync(ledger, "utf8").includes(id))).toBe(true);
  expect(await until(async () => (await queue.groups.list())[0]?.pending === 1)).toBe(true);
  expect((await queue.groups.list())[0]).toMatchObject({
    eventTypes: ["ORDER_PAID", "ORDER_PLACED", "ORDER_SHIPPED"],
    skipped: 0,
  });
  const again = new Child("release", { path, ledger, ...FIRST });
  expect(await until(async () => (await queue.groups.list())[0]?.pending === 0)).toBe(true);
  for (const child of [second, again]) {
    child.stop();
    expect(await child.end()).toBe(0);
  }
});
