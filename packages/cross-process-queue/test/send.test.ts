import Database from "better-sqlite3";
import { runWithEvent } from "@ringrift/envelope";
import { expect, test } from "vitest";
import { openQueue, tempPath, until } from "./temp-queue.ts";

test("sends of one turn of the event loop share one commit", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.send("A", {});
  const other = new Database(path, { readonly: true });
  const version = () => other.pragma("data_version", { simple: true });
  const before = version();
  const seen = new Set<unknown>();
  const sends = Array.from({ length: 100 }, async (_, n) => {
    await queue.send("A", { n });
    seen.add(version());
  });
  await Promise.all(sends);
  expect([...seen].filter((value) => value !== before)).toHaveLength(1);
  other.close();
});

test("an invalid send fails alone; those of the same turn are stored", async () => {
  const queue = openQueue(tempPath());
  const results = await Promise.allSettled([
    queue.send("A", { n: 1 }),
    queue.send("A", { when: new Date() }),
    queue.send("A", JSON.parse('{"__proto__": 1}')),
    queue.send("A", "x".repeat(2 * 1024 * 1024)),
    queue.send("not a type", {}),
    queue.send("A", { n: 2 }),
  ]);
  expect(
    results.map((result) => (result.status === "rejected" ? result.reason.code : "stored")),
  ).toEqual([
    "stored",
    "PAYLOAD_NOT_JSON",
    "PAYLOAD_FORBIDDEN_KEY",
    "PAYLOAD_TOO_LARGE",
    "INVALID_TYPE",
    "stored",
  ]);
  expect((await queue.history()).map(({ payload }) => payload)).toEqual([{ n: 1 }, { n: 2 }]);
});

test("a send that the database refuses fails alone", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.send("A", {});
  const database = new Database(path);
  database.exec(
    "CREATE TRIGGER picky BEFORE INSERT ON ringrift_events WHEN NEW.type = 'BAD' BEGIN SELECT RAISE(ABORT, 'no'); END",
  );
  database.close();
  const results = await Promise.allSettled([
    queue.send("GOOD", { n: 1 }),
    queue.send("BAD", {}),
    queue.send("GOOD", { n: 2 }),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(results[1]).toMatchObject({ reason: { code: "STORAGE_FAILED" } });
  expect((await queue.history()).map(({ type }) => type)).toEqual(["A", "GOOD", "GOOD"]);
});

test("sendMany stores nothing when one of its events is refused", async () => {
  const queue = openQueue(tempPath());
  const refused = queue.sendMany([
    { type: "A", payload: {} },
    { type: "A", payload: { f: () => 1 } },
  ]);
  await expect(refused).rejects.toMatchObject({ code: "PAYLOAD_NOT_JSON" });
  expect(await queue.history()).toEqual([]);
});

test("what is sent comes back in another instance as it was", async () => {
  const path = tempPath();
  const payload = { text: "Grüße 🎲", list: [1, null, true, { deep: "" }], constructor: "x" };
  const sent = await openQueue(path).send("A", payload, {
    key: "k",
    headers: { tenant: "a" },
    source: "trainer",
    correlationId: "trail",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  });
  const [found] = await openQueue(path).history();
  expect(found).toEqual(sent);
  expect(found).toMatchObject({ payload, key: "k", headers: { tenant: "a" }, source: "trainer" });
});

test("an event sent while another is handled inherits its trail, across instances", async () => {
  const path = tempPath();
  const parent = await openQueue(path).send("PARENT", {});
  await runWithEvent(parent, () => openQueue(path).send("CHILD", {}));
  const [child] = await openQueue(path).history({ eventTypes: ["CHILD"] });
  expect(child).toMatchObject({ correlationId: parent.id, causationId: parent.id });
});

test("a dedupe key is remembered in the file, for its window", async () => {
  const path = tempPath();
  const first = await openQueue(path, { dedupeWindowMs: 300 }).send(
    "A",
    { n: 1 },
    { dedupeKey: "k" },
  );
  const other = openQueue(path, { dedupeWindowMs: 300 });
  const again = await other.send("A", { n: 2 }, { dedupeKey: "k" });
  expect(again).toEqual({ ...first, duplicate: true });
  const later = await until(async () => {
    const event = await other.send("A", { n: 3 }, { dedupeKey: "k" });
    return event.duplicate === undefined && event;
  });
  expect(later.payload).toEqual({ n: 3 });
});

test("an event id is stored once, whoever sends it", async () => {
  const path = tempPath();
  const { payload, ...first } = await openQueue(path).send("A", { n: 1 });
  const again = await openQueue(path).send("A", { n: 1 }, { lineage: first });
  expect(again).toEqual({ ...first, payload, duplicate: true });
  await expect(openQueue(path).send("B", { n: 1 }, { lineage: first })).rejects.toMatchObject({
    code: "ID_TAKEN",
  });
  expect(await openQueue(path).history()).toHaveLength(1);
});

test("positions go on above every cursor when the log was emptied by hand", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  await queue.sendMany([1, 2, 3].map((n) => ({ type: "A", payload: { n } })));
  const group = queue.group("g");
  for (const event of await group.receive()) await event.ack();
  const database = new Database(path);
  database.exec("DELETE FROM ringrift_events");
  database.close();
  const { position } = await queue.send("A", { n: 4 });
  expect(position).toBe(4);
  expect((await group.receive()).map(({ payload }) => payload)).toEqual([{ n: 4 }]);
});

test("times never go back along the log, so that a moment can be found in it", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const first = await queue.send("A", {});
  const database = new Database(path);
  // As if the clock of another machine of this file had been ahead.
  database.prepare("UPDATE ringrift_events SET stored_at = ?").run(first.storedAt + 60_000);
  database.close();
  const second = await queue.send("A", {});
  expect(second.storedAt).toBe(first.storedAt + 60_000);
  expect(await queue.history({ since: second.storedAt })).toHaveLength(2);
  expect(await queue.history({ until: second.storedAt })).toEqual([]);
});
