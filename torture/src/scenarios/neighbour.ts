import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import Database from "better-sqlite3";
import { Crew } from "../crew.ts";
import { between, type Outcome, type Scenario } from "../scenario.ts";

const USER_VERSION = 42;

/** What the neighbour has said, in all of its lives. */
interface Said {
  rows: number;
  vacuums: number;
}

/**
 * Another program has tables of its own in the queue's file, is there first, and does with them what it likes: it
 * writes, compacts the file, reads for long, and is killed. Neither loses anything.
 */
export const neighbour: Scenario = {
  name: "neighbour",
  title: "another program in its file: VACUUM, long readers, tables of the same names",
  async run(ms): Promise<Outcome> {
    await using crew = new Crew();
    await moveIn(crew.path);
    for (const role of ["publisher", "publisher", "consumer"] as const) crew.start(role);
    await crew.sent(20);
    const said: Said = { rows: 0, vacuums: 0 };
    const end = performance.now() + ms;
    let kills = 0;
    let other = start(crew, said);
    try {
      while (performance.now() < end) {
        if (!(await hasBegun(other))) break;
        await sleep(between(200, 1_000));
        await killed(other);
        kills += 1;
        other = start(crew, said);
      }
    } finally {
      await killed(other);
    }
    const verdict = await crew.finish();
    const problems = look(crew.path, said);
    if (other.exitCode !== null) problems.push("The other program failed.");
    const notes = [`${said.vacuums} × VACUUM, ${said.rows} rows of the other program`];
    return { faults: kills + said.vacuums, verdict, problems, notes };
  },
};

/** The other program's tables are there before the queue's, so the queue is made through a handle. */
async function moveIn(path: string): Promise<void> {
  const database = new Database(path);
  database.exec(`
    CREATE TABLE events (number INTEGER PRIMARY KEY, title TEXT);
    CREATE TABLE groups (size INTEGER);
    CREATE TABLE scrap (title TEXT);
    INSERT INTO groups VALUES (0)`);
  database.pragma(`user_version = ${USER_VERSION}`);
  await using queue = new CrossProcessEventQueue({ database });
  await queue.stats();
  await queue.close();
  database.close();
}

function start({ path }: Crew, said: Said): ChildProcess {
  const file = fileURLToPath(new URL("../actors/neighbour.ts", import.meta.url));
  const child = fork(file, [JSON.stringify({ path })]);
  child.on("message", ({ rows = 0, vacuums = 0 }: Partial<Said>) => {
    said.rows = Math.max(said.rows, rows);
    said.vacuums += vacuums;
  });
  return child;
}

/** Whether it has done something; `false` when it ended by itself. */
async function hasBegun(child: ChildProcess): Promise<boolean> {
  const ended = once(child, "exit").then(() => false);
  return Promise.race([once(child, "message").then(() => true), ended]);
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

function look(path: string, said: Said): string[] {
  const database = new Database(path);
  const number = (sql: string): number => Number(database.prepare(sql).pluck().get());
  const problems: string[] = [];
  const rows = number("SELECT count(*) FROM events");
  if (said.rows === 0) problems.push("The other program committed nothing.");
  if (rows < said.rows) problems.push(`The other program has lost ${said.rows - rows} rows.`);
  if (rows !== number("SELECT size FROM groups")) problems.push("Half a transaction is there.");
  if (number("PRAGMA user_version") !== USER_VERSION) problems.push("Its user_version changed.");
  const integrity: unknown = database.pragma("integrity_check", { simple: true });
  if (integrity !== "ok") problems.push(`integrity_check says ${String(integrity)}`);
  database.close();
  return problems;
}
