import { readFileSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { openQueue, tempPath } from "./temp-queue.ts";

/** Three events, the one in the middle damaged by hand. */
async function damaged(column: "payload" | "headers" | "via", text: string): Promise<string> {
  const path = tempPath();
  const queue = openQueue(path);
  for (const n of [1, 2, 3]) await queue.send("A", { n });
  const database = new Database(path);
  database
    .prepare(`UPDATE ringrift_events SET ${column} = ?, checksum = NULL WHERE position = 2`)
    .run(text);
  database.close();
  return path;
}

test.each([
  ["payload", "{broken"],
  ["payload", '{"__proto__":{"admin":true}}'],
  ["headers", "[1]"],
  ["headers", '{"n":1}'],
  ["via", '{"a":1}'],
] as const)(
  "a broken %s (%s) is a dead letter at once and its neighbours are unharmed",
  async (column, text) => {
    const queue = openQueue(await damaged(column, text));
    const events = await queue.group("g").receive();
    expect(events.map(({ payload }) => payload)).toEqual([{ n: 1 }, { n: 3 }]);
    const [letter] = await queue.deadLetters.list();
    expect(letter).toMatchObject({ group: "g", position: 2, error: { code: "CORRUPT_EVENT" } });
    expect(letter?.payload).toEqual(column === "payload" ? text : '{"n":2}');
  },
);

test.each([
  ["payload", '{"n":3}'],
  ["headers", '{"h":"2"}'],
  ["type", "B"],
  ["key", "other"],
  ["id", "another"],
  ["checksum", 1],
])("a changed %s is noticed by the checksum, though it reads well", async (column, value) => {
  const path = tempPath();
  const queue = openQueue(path);
  for (const n of [1, 2, 3]) await queue.send("A", { n }, { key: "k", headers: { h: "1" } });
  const database = new Database(path);
  database.prepare(`UPDATE ringrift_events SET ${column} = ? WHERE position = 2`).run(value);
  expect(database.pragma("integrity_check", { simple: true })).toBe("ok");
  database.close();
  expect((await queue.history()).map(({ position }) => position)).toEqual([1, 3]);
  const group = queue.group("g");
  for (let left = 2; left > 0; left -= 1)
    for (const event of await group.receive()) await event.ack();
  expect(await queue.deadLetters.list()).toMatchObject([
    { position: 2, error: { code: "CORRUPT_EVENT", message: expect.stringContaining("checksum") } },
  ]);
  expect(await queue.health()).toMatchObject({ ok: false });
});

test("one flipped bit in the file of a queue is noticed", async () => {
  const path = tempPath();
  const writer = openQueue(path);
  for (const n of [1, 2, 3]) await writer.send("A", { n, text: `marker-${n}` });
  await writer.close();
  const bytes = readFileSync(path);
  const at = bytes.indexOf("marker-2");
  // "marker-2" becomes "marker-3".
  bytes.writeUInt8(bytes.readUInt8(at + 7) ^ 1, at + 7);
  writeFileSync(path, bytes);
  const queue = openQueue(path);
  const events = await queue.group("g").receive();
  expect(events.map(({ payload }) => payload.n)).toEqual([1, 3]);
  expect(await queue.deadLetters.list()).toMatchObject([
    { position: 2, payload: '{"n":2,"text":"marker-3"}', error: { code: "CORRUPT_EVENT" } },
  ]);
});

test("readers without a group skip a broken row, count it once, and health names it", async () => {
  const queue = openQueue(await damaged("payload", "{broken"));
  expect((await queue.receive()).map(({ position }) => position)).toEqual([1, 3]);
  expect((await queue.history()).map(({ position }) => position)).toEqual([1, 3]);
  expect((await queue.stats()).dropped).toEqual({ corrupt: 1 });
  expect(await queue.health()).toMatchObject({
    ok: false,
    problems: expect.arrayContaining([
      expect.objectContaining({ message: expect.stringContaining("positions 2") }),
    ]),
  });
});

test("a dead letter that was repaired in the log is handled after its redrive", async () => {
  const path = await damaged("payload", "{broken");
  const queue = openQueue(path);
  const group = queue.group("g");
  for (const event of await group.receive()) await event.ack();
  const database = new Database(path);
  database
    .prepare("UPDATE ringrift_events SET payload = ?, checksum = NULL WHERE position = 2")
    .run('{"n":"repaired"}');
  database.close();
  expect(await queue.deadLetters.redrive({ group: "g" })).toEqual({ count: 1 });
  expect(await group.receive()).toMatchObject([
    { position: 2, payload: { n: "repaired" }, attempt: 1, redelivered: true },
  ]);
});
