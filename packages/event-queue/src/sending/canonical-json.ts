/**
 * Writes a JSON text anew, with the fields of each object in order: values that are the same give the same text.
 *
 * @param text JSON, as `encodePayload` wrote it
 * @example canonicalJson('{ "b": 1, "a": [2] }') // '{"a":[2],"b":1}'
 */
export function canonicalJson(text: string): string {
  return write(JSON.parse(text));
}

/** Whether two texts are JSON of the same value. Of what isn't JSON, none is the same as another text. */
export function isSameJson(one: string, other: string): boolean {
  if (one === other) return true;
  try {
    return canonicalJson(one) === canonicalJson(other);
  } catch {
    return false;
  }
}

/** How deep it can get is known: `encodePayload` lets no payload be deeper than that. */
function write(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  const fields = Object.entries(value)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, part]) => `${JSON.stringify(name)}:${write(part)}`);
  return `{${fields.join(",")}}`;
}
