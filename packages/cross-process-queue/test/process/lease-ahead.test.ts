import { expect, test } from "vitest";
import { openQueue, tempPath, until } from "../temp-queue.ts";
import { Child } from "./child.ts";

const EVENTS = 200;
/** Late enough that a member has come to lease many ahead of its handlers. */
const DEADLY = 150;
const MAX_ATTEMPTS = 3;
/** The fixture's. */
const BACKOFF = { initialMs: 10, maxMs: 20 };

test(
  "an event that ends its process becomes a dead letter, and costs others one attempt at most",
  { timeout: 60_000 },
  async () => {
    const path = tempPath();
    const queue = openQueue(path);
    const policy = { leaseMs: 300, maxAttempts: MAX_ATTEMPTS, backoff: BACKOFF };
    await queue.group("g", policy).ensure();
    const payloads = Array.from({ length: EVENTS }, (_, n) => ({ deadly: n === DEADLY }));
    const sent = await queue.sendMany(payloads.map((payload) => ({ type: "A", payload })));
    const deadly = sent[DEADLY]?.id ?? "";
    const members: Child[] = [];
    for (let deaths = 0; deaths < MAX_ATTEMPTS; deaths += 1) {
      const member = new Child("worker", { path, group: "g", deadly: true });
      members.push(member);
      await member.line(({ kind, id }) => kind === "dying" && id === deadly);
      await member.end();
    }
    const last = new Child("worker", { path, group: "g", deadly: true });
    members.push(last);
    await until(async () => (await queue.groups.list())[0]?.pending === 0);

    const dead = await queue.deadLetters.list();
    expect(dead).toMatchObject([{ id: deadly, attempts: MAX_ATTEMPTS }]);
    const attempts = new Map<string, number>();
    // What a member has written may come after what the file says.
    await until(() => {
      for (const { kind, id = "", attempt = 0 } of members.flatMap(({ lines }) => lines)) {
        if (kind === "handled") attempts.set(id, Math.max(attempt, attempts.get(id) ?? 0));
      }
      return attempts.size >= EVENTS - 1;
    });
    expect(attempts.size).toBe(EVENTS - 1);
    // Some had been leased together with it, or nothing was tested here.
    const again = [...attempts.values()].filter((attempt) => attempt > 1);
    expect(again.length).toBeGreaterThan(0);
    expect(Math.max(...again)).toBe(2);
  },
);
