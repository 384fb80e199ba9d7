import { quoted } from "@ringrift/envelope";
import { EventBusError } from "./errors.ts";
import { isObject } from "../host/thenable.ts";

/** What an option must be, and how to say so. */
export type Rule = readonly [isValid: (value: unknown) => boolean, wanted: string];

/** A rule for each of the options there are. */
export type Rules<T> = { readonly [K in keyof Required<T>]: Rule };

/** Longest text that travels with an event. */
const LONGEST_TEXT = 512;
/** What a timer can wait at most: 24.8 days. */
export const LONGEST_MS: number = 2 ** 31 - 1;

/** For what is checked elsewhere. */
export const anything: Rule = [() => true, ""];
export const aFunction: Rule = [(value) => typeof value === "function", "a function"];
export const aFlag: Rule = [(value) => typeof value === "boolean", "true or false"];
export const anObject: Rule = [isObject, "an object"];
export const aSignal: Rule = [
  (value) => isObject(value) && "aborted" in value && "addEventListener" in value,
  "an AbortSignal",
];
/** These travel to other processes, which refuse what isn't text: refuse it where it is written. */
export const aText: Rule = [
  (value) => typeof value === "string" && value.length <= LONGEST_TEXT && value.isWellFormed(),
  `a well-formed string of at most ${LONGEST_TEXT} characters`,
];
export const someMillis: Rule = [
  (value) => typeof value === "number" && value >= 0 && value <= LONGEST_MS,
  `milliseconds from 0 to ${LONGEST_MS}`,
];
export const aLimit: Rule = [
  (value) => value === Number.POSITIVE_INFINITY || isWhole(value, 0),
  "a whole number of events, or Infinity",
];

export function isWhole(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

/**
 * Checks options by their rules. What is `undefined` isn't given.
 *
 * @throws EventBusError `INVALID_OPTION`, also for one that there is not
 */
export function checkOptions<T extends object>(options: T, rules: Rules<T>): void {
  if (!isObject(options)) throw invalidOption("options", options, anObject[1]);
  for (const name in options) {
    if (!Object.hasOwn(rules, name)) {
      throw new EventBusError(
        "INVALID_OPTION",
        `There is no option ${quoted(name)}. The options are ${Object.keys(rules).join(", ")}.`,
      );
    }
    const value = options[name];
    const [isValid, wanted] = rules[name];
    if (value !== undefined && !isValid(value)) throw invalidOption(name, value, wanted);
  }
}

/** Says what is wrong with an option, and what to give. */
export function invalidOption(name: string, value: unknown, wanted: string): EventBusError {
  return new EventBusError(
    "INVALID_OPTION",
    `Option "${name}" is ${quoted(value)}. Give ${wanted}.`,
  );
}
