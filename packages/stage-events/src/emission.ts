/** How one handler of `emitAndWait` ended. */
export type StageHandlerOutcome =
  | { readonly handler: string; readonly status: "fulfilled"; readonly value: unknown }
  | { readonly handler: string; readonly status: "rejected"; readonly reason: unknown };

/** What a handler is called with, bound by its subscription. */
export interface StageCall {
  readonly name: string;
  /** False once the subscription has ended, unless this very call ended it. */
  isWanted(): boolean;
  run(): unknown;
}

/**
 * One emit's way through its handlers. The bus underneath starts all of them at once; this lets them
 * follow each other for `emit`, and keeps their results for `emitAndWait`.
 */
export class Emission {
  readonly #order: "serial" | "parallel";
  readonly #outcomes: (StageHandlerOutcome | undefined)[] = [];
  /** The handler that the next one waits for. */
  #tail: Promise<unknown> | undefined;
  /** Handlers whose turn came when nobody wanted them any more. */
  skipped = 0;

  constructor(order: "serial" | "parallel") {
    this.#order = order;
  }

  call(call: StageCall): unknown {
    if (this.#order === "serial" && this.#tail) {
      const turn = this.#tail.then(() => {
        if (call.isWanted()) return this.#run(call);
        this.skipped += 1;
        return undefined;
      });
      this.#tail = settled(turn);
      return turn;
    }
    const result = this.#run(call);
    if (isThenable(result)) this.#tail = settled(result);
    return result;
  }

  /** Handlers that have finished, in the order in which they were called. */
  get outcomes(): readonly StageHandlerOutcome[] {
    return this.#outcomes.filter((outcome) => outcome !== undefined);
  }

  /** Handlers still running. */
  get pending(): number {
    return this.#outcomes.length - this.outcomes.length;
  }

  #run(call: StageCall): unknown {
    const place = this.#outcomes.push(undefined) - 1;
    const { name: handler } = call;
    const fulfil = (value: unknown): void => {
      this.#outcomes[place] = { handler, status: "fulfilled", value };
    };
    const reject = (reason: unknown): void => {
      this.#outcomes[place] = { handler, status: "rejected", reason };
    };
    try {
      const result = call.run();
      if (isThenable(result)) result.then(fulfil, reject);
      else fulfil(result);
      return result;
    } catch (cause) {
      reject(cause);
      throw cause;
    }
  }
}

async function settled(result: PromiseLike<unknown>): Promise<void> {
  try {
    await result;
  } catch {
    // The bus reports it; the next handler only waits for the end.
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
