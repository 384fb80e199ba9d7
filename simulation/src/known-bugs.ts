/** Defects of today: what has to do with one is neither generated nor judged until it is fixed. */
interface KnownBug {
  readonly what: string;
}

export const KNOWN_BUGS = {} as const satisfies Record<string, KnownBug>;

/** What a switch is for. */
export type Feature = string;
