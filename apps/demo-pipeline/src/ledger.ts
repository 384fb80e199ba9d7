import { appendFileSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
import type { RunFolder } from "./run-folder.ts";

/**
 * What a node did with an event. `applied`: its effect happened now; `found`: the effect was there
 * already, from an earlier delivery; `noted`: looked at, nothing was to be done; `seen`: it came by on
 * the node's bus; `failed`: the handler threw, the event comes again or becomes a dead letter.
 */
export type LedgerOutcome = "applied" | "found" | "noted" | "seen" | "failed";

/** A line of a node's ledger. */
export interface LedgerEntry {
  /** Id of the event. */
  readonly id: string;
  readonly topic: string;
  /** Of what a bus saw: id of the event that was being handled when this one was published. */
  readonly causationId?: string;
  /** Which delivery this was; 0 for an event that this node published itself. */
  readonly attempt: number;
  readonly redelivered: boolean;
  readonly outcome: LedgerOutcome;
  /** What the effect is called, the same whichever event or process brings it about. */
  readonly effectKey?: string;
  /** Consumer group: one of the work groups, or the node's own for what its bus saw. */
  readonly group: string;
  /** When the event was created, in ms since the epoch. */
  readonly time: number;
  /** When its handler began. */
  readonly startedAt: number;
  /** When this line was written. */
  readonly at: number;
  /** Whether another process published it. */
  readonly remote: boolean;
  readonly error?: string;
}

/**
 * The ledger of one node: a line for everything it handled, written before the event is acked. A
 * process that is killed in between handles the event again, which the next line tells. Not synced
 * to disk: it has to outlive the process, not the machine.
 */
export class Ledger {
  readonly #path: string;

  constructor(folder: RunFolder, node: string) {
    this.#path = folder.at("ledgers", `${node}.jsonl`);
    mkdirSync(dirname(this.#path), { recursive: true });
  }

  /** Append a line. Blocks for some 20 µs. */
  write(entry: LedgerEntry): void {
    appendFileSync(this.#path, `${JSON.stringify(entry)}\n`);
  }
}

/** A line as the checker reads it: with the node whose ledger it stands in. */
export interface NodeEntry extends LedgerEntry {
  readonly node: string;
}

/**
 * Read the ledgers of all nodes. A last line that a kill cut short is no line.
 *
 * @throws Error when any other line isn't JSON
 */
export function readLedgers(folder: RunFolder): NodeEntry[] {
  const entries: NodeEntry[] = [];
  for (const name of readdirSync(folder.at("ledgers")).toSorted()) {
    const lines = readFileSync(folder.at("ledgers", name), "utf8").split("\n");
    lines.pop();
    const node = name.replace(/\.jsonl$/, "");
    for (const [i, line] of lines.entries()) {
      try {
        entries.push({ node, ...(JSON.parse(line) as LedgerEntry) });
      } catch (error) {
        throw new Error(`Line ${i + 1} of ledger "${name}" is not JSON: "${line}".`, {
          cause: error,
        });
      }
    }
  }
  return entries;
}
