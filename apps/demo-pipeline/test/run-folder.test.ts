import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Ledger, readLedgers } from "../src/ledger.ts";
import type { LedgerEntry } from "../src/ledger.ts";
import { RunFolder, sha256 } from "../src/run-folder.ts";

const RUN_FOLDER = new URL("../src/run-folder.ts", import.meta.url).href;

let folder: RunFolder;

beforeEach(() => {
  folder = new RunFolder(mkdtempSync(join(tmpdir(), "demo-folder-")));
});

afterEach(() => {
  rmSync(folder.path, { recursive: true });
});

describe("the run folder", () => {
  it("creates a file once, and leaves nothing else behind", () => {
    expect(folder.createOnce("games/a.games", "first")).toBe(true);
    expect(folder.createOnce("games/a.games", "second")).toBe(false);
    expect(folder.read("games/a.games").toString()).toBe("first");
    expect(readdirSync(folder.at("games"))).toEqual(["a.games"]);
  });

  it("replaces a file as a whole", () => {
    folder.replace("champion.json", '{"generation":1}');
    folder.replace("champion.json", '{"generation":2}');
    expect(folder.readJson("champion.json")).toEqual({ generation: 2 });
    expect(folder.readJson("nothing.json")).toBeUndefined();
    expect(readdirSync(folder.path).toSorted()).toEqual(["champion.json", "tmp"]);
    expect(readdirSync(folder.at("tmp"))).toEqual([]);
  });

  it("keeps what a killed process left of a file away from the files that are whole", async () => {
    const size = 64 * 1024 * 1024;
    const script = `
      const { RunFolder } = await import(${JSON.stringify(RUN_FOLDER)});
      const folder = new RunFolder(${JSON.stringify(folder.path)});
      for (let n = 0; ; n++) folder.createOnce("games/" + n + ".games", Buffer.alloc(${size}, "g"));
    `;
    const writer = spawn(process.execPath, ["--input-type=module", "-e", script]);
    const ended = once(writer, "exit");
    await vi.waitUntil(
      () => existsSync(folder.at("tmp")) && readdirSync(folder.at("tmp")).length > 0,
      {
        interval: 1,
        timeout: 20_000,
      },
    );
    writer.kill("SIGKILL");
    await ended;

    expect(readdirSync(folder.path).filter((name) => name !== "games")).toEqual(["tmp"]);
    const games = existsSync(folder.at("games")) ? readdirSync(folder.at("games")) : [];
    for (const name of games) {
      expect(name).toMatch(/^\d+\.games$/);
      expect(statSync(folder.at("games", name)).size).toBe(size);
    }
  });

  it("refuses a file whose content isn't what its event promised", () => {
    const file = { path: "games/a.games", sha256: sha256(Buffer.from("games")) };
    folder.createOnce(file.path, "games");
    expect(folder.readChecked(file).toString()).toBe("games");
    writeFileSync(folder.at(file.path), "gamez");
    expect(() => folder.readChecked(file)).toThrow(/"games\/a\.games" has checksum/);
  });
});

describe("a ledger", () => {
  const entry: LedgerEntry = {
    id: "1",
    topic: "data.new_games",
    attempt: 1,
    redelivered: false,
    outcome: "applied",
    effectKey: "synced/1",
    group: "syncing",
    time: 1,
    startedAt: 2,
    at: 3,
    remote: true,
  };

  it("is read back as it was written, with its node", () => {
    new Ledger(folder, "sync").write(entry);
    new Ledger(folder, "trainer").write({ ...entry, id: "2" });
    expect(readLedgers(folder)).toEqual([
      { ...entry, node: "sync" },
      { ...entry, node: "trainer", id: "2" },
    ]);
  });

  it("may end in half a line, but not have one in the middle", () => {
    const ledger = new Ledger(folder, "sync");
    ledger.write(entry);
    appendFileSync(folder.at("ledgers/sync.jsonl"), '{"id":"2","to');
    expect(readLedgers(folder)).toHaveLength(1);
    ledger.write(entry);
    expect(() => readLedgers(folder)).toThrow(/Line 2 of ledger "sync\.jsonl" is not JSON/);
  });
});
