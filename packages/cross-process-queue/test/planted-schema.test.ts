import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { CrossProcessEventQueue, salvageQueue } from "../src/index.ts";
import { openQueue, tempPath } from "./temp-queue.ts";

/** A closed queue of one event, into which somebody has put something. */
async function plantedIn(sql: (table: string) => string): Promise<string> {
  const path = tempPath();
  const queue = new CrossProcessEventQueue(path);
  await queue.send("A", { n: 1 });
  await queue.close();
  const database = new Database(path);
  // The log, whatever it is called: what has a trigger of ours.
  const { table } = database
    .prepare("SELECT tbl_name AS 'table' FROM sqlite_schema WHERE type = 'trigger'")
    .get() as { table: string };
  database.unsafeMode();
  database.pragma("writable_schema = ON");
  database.exec(sql(table));
  database.close();
  return path;
}

const trigger = (table: string, name = "evil"): string =>
  `CREATE TRIGGER ${name} AFTER INSERT ON ${table} BEGIN UPDATE ${table} SET payload = '{}', checksum = NULL WHERE position = NEW.position; END`;
/** The log as a view without an end. */
const view = (table: string): string =>
  `CREATE TABLE kept AS SELECT * FROM ${table}; DROP TABLE ${table};
   CREATE VIEW ${table} AS WITH RECURSIVE c(position) AS (SELECT 1 UNION ALL SELECT position + 1 FROM c)
     SELECT position, 'a' AS id, 'T' AS type, '{}' AS payload FROM c`;

const plants: readonly (readonly [string, (table: string) => string])[] = [
  ["a trigger on the log", trigger],
  [
    "a trigger that says it belongs to another table",
    (table) => `${trigger(table)}; UPDATE sqlite_schema SET tbl_name = 'x' WHERE name = 'evil'`,
  ],
  [
    "a trigger that says it is an index",
    (table) => `${trigger(table)}; UPDATE sqlite_schema SET type = 'index' WHERE name = 'evil'`,
  ],
  [
    "a trigger in the place of the queue's own",
    (table) => `DROP TRIGGER ringrift_event_deleted; ${trigger(table, "ringrift_event_deleted")}`,
  ],
  ["a view in place of the log", view],
  [
    "a view that says it is a table",
    (table) =>
      `${view(table)}; UPDATE sqlite_schema SET type = 'table', rootpage = 2 WHERE name = '${table}'`,
  ],
];

describe("what somebody has put into a queue's file", () => {
  test.each(plants)("%s is refused before anything is read or written", async (_, sql) => {
    const path = await plantedIn(sql);
    const refusal = { code: expect.stringMatching(/NOT_A_QUEUE|QUEUE_DAMAGED/) };
    await expect(openQueue(path).send("B", { good: 1 })).rejects.toMatchObject(refusal);
    await expect(openQueue(path).history({ limit: 1 })).rejects.toMatchObject(refusal);
  });

  test("the salvage of a log that is a view without an end ends at once", async () => {
    const path = await plantedIn(view);
    await expect(salvageQueue(path, tempPath())).rejects.toMatchObject({ code: "NOT_A_QUEUE" });
  });

  test("a salvage leaves a planted trigger behind", async () => {
    const target = tempPath();
    expect(await salvageQueue(await plantedIn(trigger), target)).toMatchObject({ events: 1 });
    const queue = openQueue(target);
    await queue.send("B", { good: 1 });
    expect((await queue.history()).map(({ payload }) => payload)).toEqual([{ n: 1 }, { good: 1 }]);
  });

  test("triggers and views on your own tables may be there", async () => {
    const path = await plantedIn(
      () =>
        "CREATE TABLE orders (id TEXT); CREATE VIEW mine AS SELECT id FROM orders; CREATE TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM orders WHERE id = ''; END",
    );
    expect(await openQueue(path).send("B", {})).toMatchObject({ position: 2 });
  });
});
