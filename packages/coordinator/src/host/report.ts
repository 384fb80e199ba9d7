import { warnOfError } from "./warning.ts";

/**
 * Makes of `onError` a function that never throws and never rejects: it is called where nobody could catch it.
 * Without one, errors become process warnings with code `RINGRIFT_COORDINATOR_ERROR`.
 */
export function reporter(
  onError: ((error: unknown) => unknown) | undefined,
): (error: unknown) => void {
  if (!onError) return warnOfError;
  return (error) => {
    try {
      const told = onError(error);
      if (told instanceof Promise) told.catch((thrown: unknown) => failed(thrown, error));
    } catch (thrown) {
      failed(thrown, error);
    }
  };
}

function failed(thrown: unknown, error: unknown): void {
  warnOfError(error);
  warnOfError(new Error("onError itself failed while it was told of that.", { cause: thrown }));
}
