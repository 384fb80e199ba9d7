import type { Entry, EntryOf, Ledger } from "../ledger.ts";
import type { NodePlan, Scenario } from "../scenario/scenario.ts";

/** What a rule found. */
export interface Complaint {
  /** Names the rule and what is wrong, so that two runs can be seen to fail in the same way. */
  readonly kind: string;
  readonly message: string;
  /** Lines of the ledger. */
  readonly lines: readonly number[];
}

/** A rule looks at ledgers alone. */
export type Rule = (trial: Trial) => Iterable<Complaint>;

/** How a life of a node, or a part of it between a start and a stop, ended. */
export type Ending = "clean" | "unclean" | "crash";

/** A ledger with what rules look up in it. */
export class Trial {
  readonly scenario: Scenario;
  readonly entries: readonly Entry[];
  readonly stored: readonly EntryOf<"stored">[];
  readonly #ledger: Ledger;
  readonly #settled = new Map<string, number>();
  readonly #endings: (EntryOf<"crash"> | EntryOf<"stopped">)[];
  readonly #faults: EntryOf<"fault">[];

  constructor(scenario: Scenario, ledger: Ledger) {
    this.scenario = scenario;
    this.#ledger = ledger;
    this.entries = ledger.entries;
    this.stored = ledger.of("stored");
    for (const entry of [...ledger.of("settled"), ...ledger.of("buried")]) {
      const { queue, group, id, index } = entry;
      this.#settled.set(`${queue} ${group} ${id}`, index);
    }
    this.#endings = ledger.entries.filter(
      (entry): entry is EntryOf<"crash"> | EntryOf<"stopped"> =>
        entry.what === "crash" || entry.what === "stopped",
    );
    this.#faults = ledger.of("fault");
  }

  of<What extends Entry["what"]>(what: What): EntryOf<What>[] {
    return this.#ledger.of(what);
  }

  nodeOf(name: string): NodePlan | undefined {
    return this.scenario.nodes.find((node) => node.name === name);
  }

  /** Where in the ledger a group settled or buried an event for the last time; `undefined`: it didn't. */
  settledAt(queue: number, group: string, id: string): number | undefined {
    return this.#settled.get(`${queue} ${group} ${id}`);
  }

  /** Whether a process had started, and not stopped since, at a line. */
  isUp({ node, life, index }: { node: string; life: number; index: number }): boolean {
    const last = this.entries.findLast((entry) => {
      const isTurn = entry.what === "started" || entry.what === "stopped";
      return isTurn && entry.node === node && entry.life === life && entry.index < index;
    });
    return last?.what === "started";
  }

  /** Whether a handler of an event waited for the stop of its node between two lines: nobody waits for it to be settled. */
  waitedForStop({ node, id }: { node: string; id: string }, from: number, to: number): boolean {
    return this.of("joins").some((joins) => {
      return joins.node === node && joins.id === id && joins.index > from && joins.index < to;
    });
  }

  /** Whether a node said between two lines that it could not reach a queue. */
  hasSaidSoBetween(node: string, from: number, to: number): boolean {
    return this.of("warning").some((warning) => {
      const isIt = warning.node === node && warning.code === "SERVER_UNREACHABLE";
      return isIt && warning.index > from && warning.index < to;
    });
  }

  /** Whether a group was done with a type between two lines. */
  isDoneWith(group: string, type: string, { from, to }: { from: number; to: number }): boolean {
    return this.of("done-with").some((entry) => {
      const { index, types } = entry;
      return entry.group === group && types.includes(type) && index > from && index < to;
    });
  }

  /** The name under which a process's node reads a queue. */
  readerOf({ node, life }: { readonly node: string; readonly life: number }): string {
    return this.nodeOf(node)?.isNamed === true ? node : `${node}#${life}`;
  }

  /** The worst that happened to a node's processes between two lines; `undefined`: nothing. */
  endedBetween(node: string, from: number, to: number): Ending | undefined {
    let worst: Ending | undefined;
    for (const ending of this.#endings) {
      if (ending.node !== node || ending.index < from || ending.index > to) continue;
      if (ending.what === "crash") return "crash";
      if (ending.left > 0 || !ending.drained) worst = "unclean";
      else worst ??= "clean";
    }
    return worst;
  }

  /** Whether a call of a node to its queue went wrong between two lines. */
  wentWrongBetween(node: string, from: number, to: number): boolean {
    return this.#faults.some((fault) => {
      return fault.node === node && fault.index > from && fault.index < to;
    });
  }
}

/** Puts what belongs together under one name. */
export function groupBy<T>(items: Iterable<T>, nameOf: (item: T) => string): Map<string, T[]> {
  return Map.groupBy(items, nameOf);
}

const DEPLOYMENT =
  /^(?:Queue \(memory\)|Retention): Group "[^"]*" (?:was changed by a member that joined|has members with nothing in common|is done with)/;

/** Whether a line is a warning that a group has followed the code of another version. */
export function isOfDeployment(entry: Entry): boolean {
  return entry.what === "warning" && DEPLOYMENT.test(entry.message);
}
