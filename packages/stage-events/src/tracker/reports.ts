import { printable } from "@ringrift/envelope";
import type { TrackerOptions } from "./options.ts";
import type {
  DroppedKey,
  IllegalTransition,
  Stall,
  Transition,
} from "../machine/pipeline-tracker.ts";

/** What is to be told of one event. */
export interface Told {
  readonly transition?: Transition | undefined;
  readonly illegal?: IllegalTransition | undefined;
  readonly dropped?: DroppedKey | undefined;
}

type Callbacks = Pick<TrackerOptions, "onDrop" | "onIllegal" | "onStall" | "onTransition">;

/** Tells what a tracker has found: to its callbacks, and as process warnings where there are none. */
export class TrackerReports {
  readonly #callbacks: Callbacks;
  #later: Told[] = [];
  /** Whether the warning about dropped keys is out. */
  #full = false;
  readonly #unmapped = new Set<string>();

  constructor(callbacks: Callbacks) {
    this.#callbacks = callbacks;
  }

  /** Tells at once. Throws what a callback throws, after all of them were called. */
  tell(told: Told): void {
    const failures: unknown[] = [];
    for (const call of this.#callsFor(told)) {
      try {
        call();
      } catch (cause) {
        failures.push(cause);
      }
    }
    if (failures.length > 1) throw new AggregateError(failures, "Callbacks of the tracker failed.");
    if (failures.length > 0) throw failures[0];
  }

  /** Puts aside what is to be told of the past, for {@link flush}. */
  tellLater(told: Told): void {
    this.#later.push(told);
  }

  /** Tells what was put aside. Throws nothing: nobody would take it. */
  flush(): void {
    const all = this.#later;
    this.#later = [];
    const unknown = this.#callbacks.onIllegal
      ? []
      : all.flatMap(({ illegal }) => (illegal?.reason === "unknown" ? illegal : []));
    for (const told of all) {
      const isMerged = unknown.length > 0 && told.illegal?.reason === "unknown";
      const rest = isMerged ? { ...told, illegal: undefined } : told;
      this.#safely("A callback of the tracker", () => this.tell(rest));
    }
    // Most keys of a history that is cut off begin so: one warning is enough for all of them.
    const [first, ...others] = unknown;
    if (first === undefined) return;
    const more = others.length === 0 ? "" : ` So it is with ${others.length} more of the history.`;
    warn("RINGRIFT_PIPELINE_ILLEGAL", `${first.message}${more}`);
  }

  stall(stall: Stall): void {
    const { onStall } = this.#callbacks;
    if (onStall && this.#safely("onStall", () => onStall(stall))) return;
    warn("RINGRIFT_PIPELINE_STALLED", stall.message);
  }

  /** Tells once per topic. */
  unmapped(topic: string): void {
    if (this.#unmapped.has(topic)) return;
    this.#unmapped.add(topic);
    warn(
      "RINGRIFT_PIPELINE_UNMAPPED",
      `An event "${topic}" without the pipeline's key came: nobody knows whose failure it is. Put the key into its payload, or give definePipeline a "key" function that finds one.`,
    );
  }

  /** A key has found room without another one being dropped that wasn't done. */
  hasRoom(): void {
    this.#full = false;
  }

  *#callsFor({ transition, illegal, dropped }: Told): Generator<() => void> {
    const { onTransition, onIllegal, onDrop } = this.#callbacks;
    if (dropped) yield onDrop ? () => watch("onDrop", onDrop(dropped)) : () => this.#drop(dropped);
    if (illegal) {
      yield onIllegal
        ? () => watch("onIllegal", onIllegal(illegal))
        : () => warn("RINGRIFT_PIPELINE_ILLEGAL", illegal.message);
    }
    if (transition && onTransition) yield () => watch("onTransition", onTransition(transition));
  }

  #drop({ reason, message }: DroppedKey): void {
    if (reason === "done" || this.#full) return;
    this.#full = true;
    warn("RINGRIFT_PIPELINE_DROPPED", message);
  }

  /** Calls where no caller could take what is thrown: it would end the process. */
  #safely(name: string, call: () => void): boolean {
    try {
      watch(name, call());
      return true;
    } catch (cause) {
      failed(name, cause);
      return false;
    }
  }
}

/** A callback may be asynchronous, although nobody waits for it. */
function watch(name: string, result: unknown): void {
  if (result instanceof Promise) result.catch((cause: unknown) => failed(name, cause));
}

function failed(name: string, cause: unknown): void {
  warn("RINGRIFT_PIPELINE_CALLBACK", `${name} itself failed: ${printable(cause)}`);
}

function warn(code: string, message: string): void {
  process.emitWarning(printable(message), { type: "PipelineWarning", code });
}
