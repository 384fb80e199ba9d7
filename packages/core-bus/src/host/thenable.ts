/** Whether a value can have properties, and so a `then`: most results of handlers can't. */
export function isObject(value: unknown): value is object {
  return (
    value !== undefined &&
    ((typeof value === "object" && value !== null) || typeof value === "function")
  );
}

/** A promise of a thenable's result, or `undefined` for anything else. Throws what `then` throws. */
export function asPromise(value: unknown): Promise<unknown> | undefined {
  if (value instanceof Promise) return value;
  if (!isObject(value)) return undefined;
  const then: unknown = (value as { then?: unknown }).then;
  if (typeof then !== "function") return undefined;
  return new Promise((resolve, reject) => {
    then.call(value, resolve, reject);
  });
}
