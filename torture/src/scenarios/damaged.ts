import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CrossProcessEventQueue, salvageQueue } from "@ringrift/cross-process-queue";
import { type Outcome, pick, type Scenario } from "../scenario.ts";

const PAGE_BYTES = 4096;
const EVENTS = 1_000;

/** What is done to the bytes of a queue. */
const DAMAGES: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  "a page": (bytes) => {
    const pages = bytes.length / PAGE_BYTES;
    randomBytes(64).copy(bytes, Math.floor(Math.random() * pages) * PAGE_BYTES);
    return bytes;
  },
  "a cut": (bytes) => bytes.subarray(0, Math.floor(Math.random() * bytes.length)),
  "a bit of a body": (bytes) => {
    const body = bytes.indexOf(`{"n":${Math.floor(Math.random() * EVENTS)},"padding"`);
    const at = body + Math.floor(Math.random() * 14);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(Math.random() * 8));
    return bytes;
  },
  garbage: (bytes) => randomBytes(bytes.length),
};

/** The file is damaged while nobody uses it: what is missing is noticed, and what is left is salvaged. */
export const damaged: Scenario = {
  name: "damaged",
  title: "a damaged page, a cut, a flipped bit, garbage",
  async run(ms): Promise<Outcome> {
    const folder = mkdtempSync(join(tmpdir(), "ringrift-damage-"));
    const problems: string[] = [];
    let faults = 0;
    try {
      const stored = await fill(join(folder, "original.db"));
      const original = readFileSync(join(folder, "original.db"));
      const end = performance.now() + ms;
      do {
        faults += 1;
        const [name, damage] = pick(Object.entries(DAMAGES)) ?? [];
        if (name === undefined || damage === undefined) break;
        const path = join(folder, `damaged-${faults}.db`);
        writeFileSync(path, damage(Buffer.from(original)));
        for (const problem of await check(path, stored)) problems.push(`${name}: ${problem}`);
      } while (performance.now() < end);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return { faults, problems };
  },
};

type Stored = ReadonlyMap<number, string>;

async function fill(path: string): Promise<Stored> {
  await using queue = new CrossProcessEventQueue(path);
  const batch = Array.from({ length: EVENTS }, (_, n) => ({
    type: n % 3 === 0 ? "TICK" : "TOCK",
    payload: { n, padding: "x".repeat(n % 300) },
    ...(n % 2 === 0 && { key: `key-${n % 7}` }),
  }));
  await queue.sendMany(batch);
  await queue.group("workers").receive({ limit: 100 });
  return contentOf(queue);
}

async function contentOf(queue: CrossProcessEventQueue): Promise<Stored> {
  const events = await queue.history({ limit: 10 * EVENTS });
  return new Map(
    events.map(({ position, id, type, payload }) => [
      position,
      JSON.stringify([id, type, payload]),
    ]),
  );
}

/** Reading it as it is, and after its salvage. */
async function check(path: string, stored: Stored): Promise<string[]> {
  const problems: string[] = [];
  await using queue = new CrossProcessEventQueue(path);
  try {
    const seen = await contentOf(queue);
    const { corrupt = 0 } = (await queue.stats()).dropped;
    problems.push(...strangers(seen, stored));
    // A file of no length is a queue that was never used, and a cut may leave that.
    if (seen.size > 0 && seen.size < stored.size && corrupt === 0) {
      problems.push(`${stored.size - seen.size} events were missing, and nobody was told.`);
    }
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === undefined) problems.push(`It failed without a code: ${String(error)}`);
  }
  await queue.close();
  const report = await salvageQueue(path, `${path}.salvaged`);
  await using salvaged = new CrossProcessEventQueue(report.path);
  const left = await contentOf(salvaged);
  problems.push(...strangers(left, stored));
  const isReported = (position: number): boolean =>
    report.broken.includes(position) ||
    report.lost.some(({ from, to }) => from <= position && position <= to);
  const unreported = [...stored.keys()].filter((at) => !left.has(at) && !isReported(at));
  if (unreported.length > 0)
    problems.push(`${unreported.length} lost events aren't in the report.`);
  return problems;
}

function strangers(seen: Stored, stored: Stored): string[] {
  const found = [...seen].filter(([position, content]) => stored.get(position) !== content);
  return found.length === 0 ? [] : [`${found.length} events are not what was stored.`];
}
