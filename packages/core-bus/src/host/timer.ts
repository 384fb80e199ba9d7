/** Calls `fn` once after `ms`, and keeps the process alive until then; returns what cancels it. */
export function startTimer(ms: number, fn: () => void): () => void {
  const timer = setTimeout(fn, ms);
  return () => clearTimeout(timer);
}

/** The same for what nobody waits for: it doesn't keep the process alive. */
export function startIdleTimer(ms: number, fn: () => void): () => void {
  const timer = setTimeout(fn, ms);
  // In browsers a timer is a number.
  (timer as { unref?: () => void }).unref?.();
  return () => clearTimeout(timer);
}
