/** Whether a handler's result can have a `then`: most have none. */
export function isObject(result: unknown): result is object {
  return (
    result !== undefined &&
    ((typeof result === "object" && result !== null) || typeof result === "function")
  );
}

/** A promise of a thenable's result, or `undefined` for anything else. Throws what `then` throws. */
export function asPromise(value: unknown): Promise<unknown> | undefined {
  if (value instanceof Promise) return value;
  if (value === null || (typeof value !== "object" && typeof value !== "function"))
    return undefined;
  const then: unknown = (value as { then?: unknown }).then;
  if (typeof then !== "function") return undefined;
  return new Promise((resolve, reject) => {
    then.call(value, resolve, reject);
  });
}
