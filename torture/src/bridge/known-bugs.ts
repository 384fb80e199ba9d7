/**
 * What does not hold yet. A run that is told of a bug causes it, or no longer forgives it; `pnpm torture bridge --all`
 * is told of all of them. Whoever fixes one sets `isFixed`: from then on every run looks for it.
 */
export const KNOWN_BUGS = {
  catalogueKeys: {
    isFixed: false,
    what: "the catalogue gives events no key, so those of a bus are not in order elsewhere",
  },
} as const satisfies Readonly<Record<string, { readonly isFixed: boolean; readonly what: string }>>;

export type BugName = keyof typeof KNOWN_BUGS;

/** Bugs that a run looks for. */
export type Bugs = ReadonlySet<BugName>;

export const bugNames = Object.keys(KNOWN_BUGS) as BugName[];

export function isBugName(name: string): name is BugName {
  return Object.hasOwn(KNOWN_BUGS, name);
}

/** Those that are fixed, and those that are asked for. */
export function bugsToLookFor(asked: Iterable<BugName> = []): Bugs {
  return new Set([...bugNames.filter((name) => KNOWN_BUGS[name].isFixed), ...asked]);
}
