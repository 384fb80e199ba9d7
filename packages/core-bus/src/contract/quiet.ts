// On a well-known symbol, so that another copy of this package knows it too.
const QUIET = Symbol.for("@ringrift/core-bus/quiet");

/**
 * For bridges: an error that nobody has to be told of beyond the publisher. When a handler fails with it, it is among the
 * errors of the delivery and counted, and neither `onError` nor a warning says so. Returns the error.
 */
export function quiet<E extends Error>(error: E): E {
  return Object.assign(error, { [QUIET]: true });
}

/** For bridges: whether an error was made {@link quiet}. */
export function isQuiet(error: unknown): boolean {
  try {
    return error instanceof Error && QUIET in error;
  } catch {
    // A proxy that throws whatever it is asked.
    return false;
  }
}
