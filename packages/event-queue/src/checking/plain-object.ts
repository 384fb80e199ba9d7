/**
 * Whether a value is an object without a class: its prototype is none, or that of all objects, also of another realm such
 * as a test runner's sandbox. An object that inherits fields isn't plain: nothing that copies or writes it sees them.
 */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  if (typeof prototype !== "object" || Object.getPrototypeOf(prototype) !== null) return false;
  return Object.hasOwn(prototype, "isPrototypeOf");
}
