import { isDeepStrictEqual } from "node:util";
import { isSameMoment } from "../clocks/real-clock.ts";
import { show } from "../script/script.ts";
import type { Script } from "../script/script.ts";

/** A queue that didn't do what the memory queue did. */
export interface Difference {
  /** What was played of the script; the last command showed it. */
  readonly played: Script;
  /** Where the two differ, and how. */
  readonly where: string;
}

/** Where two values differ first, and how; `undefined` when they are the same. */
export function firstDifference(
  path: string,
  subject: unknown,
  reference: unknown,
): string | undefined {
  if (isDeepStrictEqual(subject, reference) || isSameMoment(subject, reference)) return undefined;
  if (Array.isArray(subject) && Array.isArray(reference)) {
    if (subject.length !== reference.length) {
      return `${path} has ${subject.length} (${labels(subject)}); in memory ${reference.length} (${labels(reference)})`;
    }
    for (const [nth, one] of subject.entries()) {
      const found = firstDifference(`${path}[${nth}]`, one, reference[nth]);
      if (found !== undefined) return found;
    }
    return undefined;
  } else if (isRecord(subject) && isRecord(reference)) {
    for (const name of new Set([...Object.keys(reference), ...Object.keys(subject)])) {
      const found = firstDifference(`${path}.${name}`, subject[name], reference[name]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return `${path} is ${show(subject)}; in memory ${show(reference)}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function label(one: unknown): unknown {
  return isRecord(one) ? (one["id"] ?? one["name"] ?? one) : one;
}

/** The entries of a list by what tells them apart. */
function labels(list: readonly unknown[]): string {
  return list
    .map((one) => (typeof label(one) === "string" ? label(one) : show(label(one))))
    .join(", ");
}
