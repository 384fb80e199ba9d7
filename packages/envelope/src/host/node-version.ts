import { EnvelopeError } from "./errors.ts";

const OLDEST: readonly [major: number, minor: number] = [22, 19];

/**
 * Refuses a Node.js that is too old, before anything else of it is used: what is missing there would fail later and say
 * nothing of the reason, and the native part of better-sqlite3 would end the process with a crash.
 *
 * @throws EnvelopeError `NODE_TOO_OLD`
 */
export function requireNode(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new EnvelopeError(
    "NODE_TOO_OLD",
    `This is Node.js "${version}"; the packages of RingRift Events need ${OLDEST.join(".")} or later. Update Node.js.`,
  );
}
