import { QueueError } from "@ringrift/event-queue";

type Version = readonly [major: number, minor: number, patch: number];

/** What a queue stands on, and the version that brought it. */
const NEEDED: readonly { readonly since: Version; readonly feature: string }[] = [
  { since: [2, 10, 0], feature: "consumers with several filters" },
  { since: [2, 12, 0], feature: "atomic batches (allow_atomic)" },
  { since: [2, 12, 0], feature: "scheduled messages (allow_msg_schedules)" },
  { since: [2, 12, 1], feature: "message ids in atomic batches" },
];

/**
 * Refuses a server that lacks anything of what a queue stands on.
 *
 * @param found - as the server says it, e.g. `2.12.3` or `2.12.0-RC.4`
 * @throws QueueError `SERVER_TOO_OLD`
 */
export function requireVersion(found: string): void {
  const version = parse(found);
  const missing = NEEDED.filter(({ since }) => isOlder(version, since));
  if (missing.length === 0) return;
  const list = missing.map(({ feature, since }) => `${feature} (${nameOf(since)})`).join(", ");
  const needed = NEEDED.map(({ since }) => since).reduce((a, b) => (isOlder(a, b) ? b : a));
  throw new QueueError(
    "SERVER_TOO_OLD",
    `The NATS server is of version "${found}", and ${nameOf(needed)} or later is needed. It lacks: ${list}. Install a current nats-server; its store of streams goes on with the newer one.`,
  );
}

/** A pre-release counts as what it leads to: it has the features of that. */
function parse(text: string): Version {
  const [major = 0, minor = 0, patch = 0] = text
    .split(/[.-]/)
    .map((part) => Number.parseInt(part, 10) || 0);
  return [major, minor, patch];
}

function isOlder(a: Version, b: Version): boolean {
  const [major, minor, patch] = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
  return (major || minor || patch) < 0;
}

function nameOf([major, minor, patch]: Version): string {
  return patch === 0 ? `${major}.${minor}` : `${major}.${minor}.${patch}`;
}
