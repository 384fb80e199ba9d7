/** How one handler of `emitAndWait` ended. */
export type StageHandlerOutcome =
  | { readonly handler: string; readonly status: "fulfilled"; readonly value: unknown }
  | { readonly handler: string; readonly status: "rejected"; readonly reason: unknown };

/** How the handlers of one result end. */
export class Outcomes {
  readonly #outcomes: (StageHandlerOutcome | undefined)[] = [];

  /** Calls a handler and writes down how it ends; what it gives or throws, the bus gets. */
  add(handler: string, call: () => unknown): unknown {
    const place = this.#outcomes.push(undefined) - 1;
    const fulfil = (value: unknown): void => {
      this.#outcomes[place] = { handler, status: "fulfilled", value };
    };
    const reject = (reason: unknown): void => {
      this.#outcomes[place] = { handler, status: "rejected", reason };
    };
    try {
      const result = call();
      if (isThenable(result)) result.then(fulfil, reject);
      else fulfil(result);
      return result;
    } catch (cause) {
      reject(cause);
      throw cause;
    }
  }

  /** Handlers that have ended, in the order in which they were called. */
  get known(): readonly StageHandlerOutcome[] {
    return this.#outcomes.filter((outcome) => outcome !== undefined);
  }

  /** Handlers still running. */
  get pending(): number {
    return this.#outcomes.length - this.known.length;
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
