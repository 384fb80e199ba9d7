import { isDeepStrictEqual } from "node:util";
import { show } from "./script.ts";

/** Where two values differ first, and how; `undefined` when they are the same. */
export function firstDifference(
  path: string,
  subject: unknown,
  reference: unknown,
): string | undefined {
  if (isDeepStrictEqual(subject, reference)) return undefined;
  if (Array.isArray(subject) && Array.isArray(reference)) {
    if (subject.length !== reference.length) {
      return `${path} has ${subject.length} (${labels(subject)}); in memory ${reference.length} (${labels(reference)})`;
    }
    for (const [nth, one] of subject.entries()) {
      const found = firstDifference(`${path}[${nth}]`, one, reference[nth]);
      if (found !== undefined) return found;
    }
  } else if (isRecord(subject) && isRecord(reference)) {
    for (const name of new Set([...Object.keys(reference), ...Object.keys(subject)])) {
      const found = firstDifference(`${path}.${name}`, subject[name], reference[name]);
      if (found !== undefined) return found;
    }
  }
  return `${path} is ${show(subject)}; in memory ${show(reference)}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The entries of a list by what tells them apart. */
function labels(list: readonly unknown[]): string {
  const label = (one: unknown): unknown =>
    isRecord(one) ? (one["id"] ?? one["name"] ?? one) : one;
  return list
    .map((one) => (typeof label(one) === "string" ? label(one) : show(label(one))))
    .join(", ");
}
