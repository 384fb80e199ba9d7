import { quoted } from "@ringrift/envelope";
/** Most names in one suggestion. */
const MOST = 3;
/** The longest topic; what is longer is no slip of the finger, and comparing would take its time. */
const LONGEST_NAME = 256;

/**
 * Suggests the names that a mistyped one is nearest to: by its letters, or else those of the same domain
 * (its first segment). `undefined` when nothing is near; never a guess that anything acts on.
 *
 * @example didYouMean("order.plcaed", shop.topics.names) // 'Did you mean "order.placed"?'
 */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  const names = nearestNames(name, known).map((near) => quoted(near));
  const last = names.pop();
  if (last === undefined) return undefined;
  return `Did you mean ${names.length === 0 ? last : `${names.join(", ")} or ${last}`}?`;
}

function nearestNames(name: string, known: Iterable<string>): string[] {
  if (name.length > LONGEST_NAME) return [];
  const wanted = name.toLowerCase();
  const ranked = Array.from(known, (candidate) => ({
    candidate,
    distance: editDistance(wanted, candidate.toLowerCase()),
  })).toSorted((a, b) => a.distance - b.distance);
  const nearest = ranked[0]?.distance ?? Number.POSITIVE_INFINITY;
  const allowed = Math.min(3, Math.ceil(name.length / 3));
  const domain = domainOf(wanted);
  const near =
    nearest <= allowed
      ? ranked.filter(({ distance }) => distance === nearest)
      : ranked.filter(({ candidate }) => domainOf(candidate.toLowerCase()) === domain);
  return near.slice(0, MOST).map(({ candidate }) => candidate);
}

function domainOf(name: string): string | undefined {
  return name.split(/[._]/, 1)[0];
}

/** Letters to insert, remove, replace or swap with their neighbour, to make one of the other. */
function editDistance(left: string, right: string): number {
  let before: number[] = [];
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const same = left[i - 1] === right[j - 1];
      const replaced = (row[j - 1] ?? 0) + (same ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]
          ? (before[j - 2] ?? 0) + 1
          : Number.POSITIVE_INFINITY;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[right.length] ?? 0;
}
