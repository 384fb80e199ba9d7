/** Calls `fn` once after `ms`; returns what cancels it. Does not keep the process alive. */
export function startTimer(ms: number, fn: () => void): () => void {
  const timer = setTimeout(fn, ms);
  // In browsers a timer is a number.
  (timer as { unref?: () => void }).unref?.();
  return () => clearTimeout(timer);
}
