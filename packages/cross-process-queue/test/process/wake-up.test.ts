import { spawnSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { CrossProcessEventQueue } from "../../src/index.ts";
import { openQueue, tempPath } from "../temp-queue.ts";
import { Child } from "./child.ts";

interface Listening {
  readonly consumers?: number;
  readonly safetyNet?: boolean;
  readonly launcher?: readonly string[];
}

/** Processes with consumers that wait for events. */
async function listen(path: string, processes: number, how: Listening = {}): Promise<Child[]> {
  const { consumers = 1, safetyNet = true, launcher = [] } = how;
  const listeners = Array.from({ length: processes }, (_, n) => {
    const options = { path, name: `listener-${n}`, consumers, safetyNet };
    return new Child("listeners", options, { launcher });
  });
  await Promise.all(listeners.map((child) => child.line(({ kind }) => kind === "listening")));
  return listeners;
}

/** Sends one event after the other; a pause in between, so that each has to wake everybody again. */
async function sendSlowly(queue: CrossProcessEventQueue, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    ids.push((await queue.send("TICK", { at: Date.now() })).id);
    await sleep(30);
  }
  return ids;
}

/** Waits until each consumer has handled all of them, once and in order; the latencies in ms, the shortest first. */
async function expectHeard(
  listeners: readonly Child[],
  ids: readonly string[],
  consumers = 1,
): Promise<number[]> {
  const lines = await Promise.all(
    listeners.map((child) => child.count("heard", ids.length * consumers)),
  );
  const byGroup = Map.groupBy(lines.flat(), ({ text }) => text);
  expect(byGroup.size).toBe(listeners.length * consumers);
  for (const heardByOne of byGroup.values()) expect(heardByOne.map(({ id }) => id)).toEqual(ids);
  return lines
    .flat()
    .map(({ position = Number.NaN }) => position)
    .toSorted((one, other) => one - other);
}

/** In the place of the doorbell: neither can the file be opened nor made. */
function withoutDoorbell(path: string): void {
  mkdirSync(`${path}.bell`);
}

test("64 consumers in four processes are woken for each event", { timeout: 60_000 }, async () => {
  const path = tempPath();
  const listeners = await listen(path, 4, { consumers: 16 });
  const ids = await sendSlowly(openQueue(path), 10);
  await expectHeard(listeners, ids, 16);
});

test("without a doorbell 64 consumers hear of each event too", { timeout: 60_000 }, async () => {
  const path = tempPath();
  withoutDoorbell(path);
  const listeners = await listen(path, 4, { consumers: 16 });
  const ids = await sendSlowly(openQueue(path), 10);
  await expectHeard(listeners, ids, 16);
});

test("without the safety net the doorbell alone wakes whoever waits", async () => {
  const path = tempPath();
  const listeners = await listen(path, 2, { safetyNet: false });
  await expectHeard(listeners, await sendSlowly(openQueue(path), 30));
});

test("without either nobody hears of anything: nothing else does the work of the two", async () => {
  const path = tempPath();
  withoutDoorbell(path);
  const [listener] = await listen(path, 1, { safetyNet: false });
  await sendSlowly(openQueue(path), 3);
  await sleep(1_500);
  expect(listener?.lines.filter(({ kind }) => kind === "heard")).toEqual([]);
});

test.each<[string, (bell: string) => void]>([
  ["deleted", (bell) => rmSync(bell)],
  [
    "replaced",
    (bell) => {
      writeFileSync(`${bell}.other`, "");
      renameSync(`${bell}.other`, bell);
    },
  ],
])("a doorbell that is %s rings again, without the safety net too", async (_, deed) => {
  const path = tempPath();
  const listeners = await listen(path, 2, { safetyNet: false });
  const queue = openQueue(path);
  const ids = await sendSlowly(queue, 3);
  for (let round = 0; round < 3; round += 1) {
    deed(`${path}.bell`);
    await sleep(50);
    ids.push(...(await sendSlowly(queue, 3)));
    await expectHeard(listeners, ids);
  }
});

/** Runs a command in a namespace of users of its own, for which the kernel has no watch left to give. */
const WITHOUT_WATCHES = [
  "unshare",
  "--user",
  "--map-root-user",
  "sh",
  "-c",
  'echo 0 > /proc/sys/user/max_inotify_watches && exec "$@"',
  "sh",
];

test("with no inotify watch left consumers look by themselves", async (context) => {
  const [command = "", ...rest] = WITHOUT_WATCHES;
  const watching = `require("node:fs").watch(${JSON.stringify(import.meta.filename)})`;
  const { stderr, error } = spawnSync(command, [...rest, process.execPath, "-e", watching], {
    encoding: "utf8",
  });
  if (!stderr.includes("ENOSPC")) {
    context.skip(`Limits of inotify can't be set here: ${error?.message ?? stderr}`);
  }
  const path = tempPath();
  const listeners = await listen(path, 2, { launcher: WITHOUT_WATCHES });
  const latencies = await expectHeard(listeners, await sendSlowly(openQueue(path), 20));
  // They look every 25 ms, and not only every 250 ms.
  expect(latencies[latencies.length / 2]).toBeLessThan(150);
});
