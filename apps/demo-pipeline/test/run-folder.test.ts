import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Ledger, readLedgers } from "../src/ledger.ts";
import type { LedgerEntry } from "../src/ledger.ts";
import { RunFolder, sha256 } from "../src/run-folder.ts";

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
    expect(readdirSync(folder.path)).toEqual(["champion.json"]);
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
