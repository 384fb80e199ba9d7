/** What names a native SQLite among the libraries of a process: better-sqlite3, libsql, sqlite3, libsqlite3 … */
const SQLITE = /sqlite|libsql/i;

/**
 * The copies of SQLite that this process has loaded: paths of native libraries, and `node:sqlite`. Each has locks of
 * its own, though to the system they are of one process: with two of them on one file, whoever closes it first takes
 * itself for the last, and deletes the write-ahead log under the other.
 *
 * @example sqliteCopies() // [".../better-sqlite3/prebuilds/linux-x64.node", "node:sqlite"]
 */
export function sqliteCopies(): string[] {
  const copies = sharedObjects().filter((path) => SQLITE.test(path));
  // Undocumented, but there since Node.js 0.x; without it the copy built into Node.js is not named.
  const loaded: unknown = Reflect.get(process, "moduleLoadList");
  const isLoaded = Array.isArray(loaded) && loaded.includes("Internal Binding sqlite");
  return isLoaded ? [...copies, "node:sqlite"] : copies;
}

function sharedObjects(): string[] {
  // Of Node.js since 22.13; its types lack it.
  const report: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report;
  const { excludeNetwork = false } = report;
  // Or it would look up the names of all peers, and take seconds for it.
  report.excludeNetwork = true;
  try {
    const { sharedObjects: paths } = report.getReport() as { sharedObjects?: unknown };
    return Array.isArray(paths) ? paths.filter((path) => typeof path === "string") : [];
  } catch {
    return [];
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}
