/** Calls `fn` when a signal aborts, at once if it has; returns what stops listening. */
export function onAbort(signal: AbortSignal, fn: () => void): () => void {
  if (signal.aborted) fn();
  else signal.addEventListener("abort", fn, { once: true });
  return () => signal.removeEventListener("abort", fn);
}
