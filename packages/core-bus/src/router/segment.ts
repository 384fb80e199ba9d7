const UNIT = /\[[^\]]*\]|./g;
const CHARACTERS = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
/** Units that are kept; beyond, all are forgotten, since anyone may think of new brackets. */
const MOST_UNITS = 256;

/** For each character code, whether it is held. */
type Unit = Uint8Array;

const units = new Map<string, Unit>();

/**
 * A matcher of one segment with partial wildcards. It never goes back: what stands between two stars is
 * taken where it is found first, so that its cost is bounded by the product of both lengths. One
 * expression of the whole segment would try all places for each star.
 */
export function segmentMatcher(segment: string): (text: string) => boolean {
  const [head = [], ...rest] = segment.split("*").map((part) => part.match(UNIT)?.map(unit) ?? []);
  const tail = rest.pop();
  if (!tail) return (text) => text.length === head.length && standsAt(head, text, 0);
  return (text) => {
    const end = text.length - tail.length;
    if (end < head.length || !standsAt(tail, text, end) || !standsAt(head, text, 0)) return false;
    let at = head.length;
    for (const part of rest) {
      while (at + part.length <= end && !standsAt(part, text, at)) at += 1;
      at += part.length;
    }
    return at <= end;
  };
}

function standsAt(part: readonly Unit[], text: string, start: number): boolean {
  for (let index = 0; index < part.length; index += 1) {
    if (part[index]![text.charCodeAt(start + index)] !== 1) return false;
  }
  return true;
}

function unit(text: string): Unit {
  let found = units.get(text);
  if (!found) {
    if (units.size === MOST_UNITS) units.clear();
    found = new Uint8Array(128);
    // Brackets that have passed the grammar say the same in a regular expression.
    const holds = new RegExp(`^${text === "?" ? "." : text}$`);
    for (const character of CHARACTERS) {
      if (holds.test(character)) found[character.charCodeAt(0)] = 1;
    }
    units.set(text, found);
  }
  return found;
}
