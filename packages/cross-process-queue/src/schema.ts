/** Columns that every event has a value in. */
export const PLAIN_COLUMNS: readonly string[] = [
  "position",
  "id",
  "type",
  "payload",
  "time",
  "source",
  "origin",
  "stored_at",
  "checksum",
];

/** All columns of an event. */
export const EVENT_COLUMNS: readonly string[] = [
  ...PLAIN_COLUMNS,
  "key",
  "headers",
  "correlation_id",
  "causation_id",
  "via",
  "traceparent",
  "depth",
  "causes",
];

/** The statement that inserts so many events. */
export function insertEvents(columns: readonly string[], rows: number): string {
  const values = `(${columns.map(() => "?").join(", ")})`;
  const all = Array.from({ length: rows }, () => values).join(", ");
  return `INSERT INTO events (${columns.join(", ")}) VALUES ${all}`;
}

/**
 * Every statement of this package; the tables are in `migrations.ts`.
 *
 * `= +?` and `LIMIT ? + 0` in place of a bare parameter: SQLite looks at the value of a bare one when it plans an
 * ORDER BY, a min() or a LIMIT, and so plans the statement anew each time it is bound, which takes ten times as
 * long as the statement itself.
 */
export const SQL = {
  begin: "BEGIN IMMEDIATE",
  beginReading: "BEGIN",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  sqliteVersion: "SELECT sqlite_version() AS version",
  countTables: "SELECT count(*) AS count FROM sqlite_schema",
  // Of others: it changes when another connection has committed.
  dataVersion: "PRAGMA data_version",
  ownChanges: "SELECT total_changes() AS changes",
  synchronous: "PRAGMA synchronous",
  lookAtLog: "PRAGMA wal_checkpoint(NOOP)",
  checkpoint: "PRAGMA wal_checkpoint(PASSIVE)",
  restartLog: "PRAGMA wal_checkpoint(RESTART)",
  truncateLog: "PRAGMA wal_checkpoint(TRUNCATE)",

  // Changes nothing, but fails where nothing can be changed.
  probeWriting: "UPDATE fence SET token = token WHERE false",

  queueId: "SELECT queue_id AS id FROM fence",
  keepQueueId: "UPDATE fence SET queue_id = ?",
  secret: "SELECT secret FROM fence",
  keepSecret: "UPDATE fence SET secret = ?",

  // The log
  tail: "SELECT position, stored_at AS storedAt FROM events ORDER BY position DESC LIMIT 1",
  highestCursor: "SELECT max(cursor) AS position FROM groups",
  eventById: "SELECT * FROM events WHERE id = ?",
  eventAt: "SELECT * FROM events WHERE position = ?",
  eventsAt: `
    SELECT * FROM events WHERE position IN (SELECT value FROM json_each(?)) ORDER BY position`,
  eventsBetween: `
    SELECT * FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ? + 0`,
  eventsOfTypesBetween: `
    SELECT * FROM events
    WHERE position > ? AND position <= ? AND type IN (SELECT value FROM json_each(?))
    ORDER BY position LIMIT ? + 0`,
  newestPosition: "SELECT ifnull(max(position), 0) AS position FROM events",
  oldestPosition: "SELECT min(position) AS position FROM events",
  storedAfter: `
    SELECT position, stored_at AS storedAt FROM events WHERE position >= ? ORDER BY position LIMIT 1`,
  countOfTypesBetween: `
    SELECT count(*) AS count FROM (
      SELECT 1 FROM events
      WHERE position > ? AND position <= ? AND type IN (SELECT value FROM json_each(?)) LIMIT ? + 0)`,
  // The oldest are looked at, and no others: what is behind the first that may stay, may stay too.
  deleteEvents: `
    DELETE FROM events WHERE position IN (
      SELECT position FROM (
        SELECT position, stored_at FROM events WHERE position < :floor ORDER BY position LIMIT :rows + 0)
      WHERE stored_at < :before OR position <= :upTo)`,
  deletableUpTo: `
    SELECT ifnull(max(position), 0) AS position FROM (
      SELECT position, stored_at FROM events WHERE position < :floor ORDER BY position LIMIT :rows + 0)
    WHERE stored_at < :before OR position <= :upTo`,
  deletableEvent: `
    SELECT 1 AS due FROM events WHERE position = (SELECT min(position) FROM events)
      AND position < :floor AND (stored_at < :before OR position <= :upTo)`,
  usedBytes: `
    SELECT (page_count - freelist_count) * page_size AS bytes
    FROM pragma_page_count, pragma_freelist_count, pragma_page_size`,
  unusedBytes: `
    SELECT freelist_count * page_size AS bytes FROM pragma_freelist_count, pragma_page_size`,

  // The index by type, which follows the log
  typesEnd: "SELECT position FROM event_types_end",
  moveTypesEnd: "UPDATE event_types_end SET position = ?",
  nextPositions: `
    SELECT count(*) AS count, max(position) AS last FROM (
      SELECT position FROM events WHERE position > ? ORDER BY position LIMIT ? + 0)`,
  // In the order of the log: sorting them by type first costs more than it saves. What was written over may have no
  // type any more; whoever comes to its position will say so.
  enterTypes: `
    INSERT OR IGNORE INTO event_types (type, position)
    SELECT type, position FROM events
    WHERE position > ? AND position <= ? AND typeof(type) = 'text'`,
  positionsOfType: `
    SELECT position FROM event_types
    WHERE type = +? AND position > ? AND position <= ? ORDER BY position LIMIT ? + 0`,
  countOfType: `
    SELECT count(*) AS count FROM (
      SELECT 1 FROM event_types WHERE type = +? AND position > ? AND position <= ? LIMIT ? + 0)`,

  // Dedupe keys
  expiredDedupeKey: "SELECT 1 AS due FROM dedupe WHERE expires <= ? LIMIT 1",
  dedupeKey: "SELECT position FROM dedupe WHERE key = ? AND expires > ?",
  putDedupeKey: "INSERT OR REPLACE INTO dedupe (key, position, expires) VALUES (?, ?, ?)",
  deleteDedupeKeys: `
    DELETE FROM dedupe WHERE key IN (
      SELECT key FROM dedupe WHERE expires <= ? ORDER BY expires LIMIT ? + 0)`,

  moveDedupeKey: "UPDATE dedupe SET position = ? WHERE key = ? AND position = ?",

  // Delayed events
  insertDelayed: `
    INSERT INTO delayed (due, id, dedupe_key, event) VALUES (?, ?, ?, ?) RETURNING number`,
  nextDelayed: "SELECT min(due) AS due FROM delayed",
  dueDelayed: `
    SELECT number, due AS dueAt, dedupe_key AS dedupeKey, event FROM delayed
    WHERE due <= ? ORDER BY due, number LIMIT ? + 0`,
  delayedByNumber: `
    SELECT number, due AS dueAt, dedupe_key AS dedupeKey, event FROM delayed WHERE number = ?`,
  delayedById: `
    SELECT number, due AS dueAt, dedupe_key AS dedupeKey, event FROM delayed WHERE id = ?`,
  deleteDelayed: "DELETE FROM delayed WHERE number = ?",
  countDelayed: "SELECT count(*) AS count FROM delayed",

  // Groups
  groupByName: `
    SELECT id, name, cursor, policy, wanted, ifnull(reader, 0) AS reader, served_at AS servedAt, skipped
    FROM groups WHERE name = ?`,
  groupById: `
    SELECT id, name, cursor, policy, wanted, ifnull(reader, 0) AS reader, served_at AS servedAt, skipped
    FROM groups WHERE id = ?`,
  groupToClaim: `
    SELECT id, name, cursor, policy, wanted, ifnull(reader, 0) AS reader, served_at AS servedAt, skipped,
      EXISTS (SELECT 1 FROM deliveries WHERE group_id = groups.id AND due <= ?) AS isDeliveryDue,
      EXISTS (SELECT 1 FROM batches WHERE group_id = groups.id AND due <= ?) AS isBatchDue,
      EXISTS (SELECT 1 FROM deliveries WHERE group_id = groups.id AND position > cursor) AS hasPassed,
      EXISTS (SELECT 1 FROM deliveries WHERE group_id = groups.id AND due IS NULL AND aside > '') AS hasAside
    FROM groups WHERE name = ?`,
  groups: `
    SELECT id, name, cursor, policy, wanted, ifnull(reader, 0) AS reader, served_at AS servedAt, skipped
    FROM groups ORDER BY name`,
  // An id is never given again: whoever worked for a group that was removed doesn't take another one for it.
  nextGroupId: `
    UPDATE fence SET token = max(token, (SELECT ifnull(max(id), 0) FROM groups)) + 1
    RETURNING token AS id`,
  insertGroup: `
    INSERT INTO groups (id, name, cursor, policy, wanted, reader, served_at)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  setPolicy: "UPDATE groups SET policy = ?, wanted = ? WHERE id = ?",
  setReader: "UPDATE groups SET reader = 1 WHERE id = ?",
  serveGroup: `
    UPDATE groups SET cursor = max(cursor, ?), served_at = max(served_at, ?) WHERE id = ?`,
  seekCursor: "UPDATE groups SET cursor = ? WHERE id = ?",
  countSkipped: "UPDATE groups SET skipped = skipped + ? WHERE id = ?",
  touchGroup: "UPDATE groups SET served_at = max(served_at, ?) WHERE id = ?",
  deleteGroup: "DELETE FROM groups WHERE id = ?",
  countDeliveries: `
    SELECT count(*) AS count FROM (SELECT 1 FROM deliveries WHERE group_id = ? LIMIT ? + 0)`,
  // Others wait for an event of their key, or for a member that has a handler.
  deliveryCounts: `
    SELECT ifnull(sum(token IS NOT NULL AND due > :now), 0) AS inFlight,
      ifnull(sum((token IS NULL OR due <= :now) AND attempt > 0), 0) AS retrying
    FROM (
      SELECT token, due, attempt FROM deliveries INDEXED BY deliveries_by_due
      WHERE group_id = :group AND due IS NOT NULL LIMIT :most + 0)`,
  oldestDelivery: `
    SELECT min(position) AS position FROM deliveries WHERE group_id = +?`,

  // Members
  putMember: `
    INSERT OR REPLACE INTO members (group_id, member, types, machine, pid, until)
    VALUES (?, ?, ?, ?, ?, ?)`,
  deleteMember: "DELETE FROM members WHERE group_id = ? AND member = ?",
  deleteMembers: "DELETE FROM members WHERE group_id = ?",
  membersOf: "SELECT member, types, machine, pid, until FROM members WHERE group_id = ?",

  // Events that are set aside
  insertAside: `
    INSERT INTO deliveries (group_id, position, due, token, attempt, key, aside)
    VALUES (?, ?, NULL, NULL, 0, ?, ?)`,
  setAside: `
    UPDATE deliveries SET due = NULL, token = NULL, failures = ?, aside = ?
    WHERE group_id = ? AND position = ?`,
  countAside: `
    SELECT count(*) AS count FROM deliveries WHERE group_id = ? AND due IS NULL AND aside > ''`,
  anyAside: `
    SELECT 1 AS found FROM deliveries WHERE group_id = ? AND due IS NULL AND aside > '' LIMIT 1`,
  asideTypes: `
    SELECT aside AS type, count(*) AS count, sum(attempt > 0) AS retrying FROM deliveries
    WHERE group_id = ? AND due IS NULL AND aside > '' GROUP BY aside`,
  asideOf: `
    SELECT position, token, attempt, redriven, key, failures, event FROM deliveries
    WHERE group_id = ? AND due IS NULL AND aside = +? ORDER BY position LIMIT ? + 0`,
  // Of what nobody has just now; what was redriven by hand stays.
  typesInFlight: `
    SELECT DISTINCT events.type FROM deliveries JOIN events USING (position) WHERE group_id = ?`,
  dropOfType: `
    DELETE FROM deliveries WHERE group_id = :group AND position IN (
      SELECT deliveries.position FROM deliveries JOIN events USING (position)
      WHERE group_id = :group AND (token IS NULL OR due <= :now) AND redriven = 0
        AND events.type = :type
      LIMIT :limit + 0) RETURNING key`,

  // Leases
  insertNew: `
    INSERT INTO deliveries (group_id, position, due, token, attempt, key)
    VALUES (?, ?, ?, ?, ?, ?)`,
  insertHeld: `
    INSERT INTO deliveries (group_id, position, attempt, key)
    SELECT ?, value, 0, ? FROM json_each(?)`,
  deliveriesBetween: `
    SELECT position FROM deliveries WHERE group_id = ? AND position BETWEEN ? AND ?`,
  countDeliveriesBetween: `
    SELECT count(*) AS count FROM deliveries WHERE group_id = ? AND position BETWEEN ? AND ?`,
  countDeliveriesAfter: `
    SELECT count(*) AS count FROM (
      SELECT 1 FROM deliveries WHERE group_id = ? AND position > ? LIMIT ? + 0)`,
  dueDeliveries: `
    SELECT position, token, attempt, redriven, key, failures, event FROM deliveries
    WHERE group_id = +? AND due <= ? ORDER BY due, position LIMIT ? + 0`,
  nextDue: `
    SELECT min(due) AS due FROM (
      SELECT min(due) AS due FROM deliveries WHERE group_id = +:group AND due IS NOT NULL
      UNION ALL SELECT min(due) FROM batches WHERE group_id = +:group)`,
  delivery: `
    SELECT position, token, attempt, redriven, key, failures, event FROM deliveries
    WHERE group_id = ? AND position = ? AND token = ?`,
  keyIsBusy: "SELECT 1 AS busy FROM deliveries WHERE group_id = ? AND key = ? LIMIT 1",
  insertDelivery: `
    INSERT INTO deliveries
      (group_id, position, due, token, attempt, redriven, key, event)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  leaseDelivery: `
    UPDATE deliveries SET due = ?, token = ?, attempt = ?, failures = ?, aside = NULL
    WHERE group_id = ? AND position = ?`,
  extendLease: `
    UPDATE deliveries SET due = ? WHERE group_id = ? AND position = ? AND token = ?`,
  returnDelivery: `
    UPDATE deliveries SET due = ?, token = NULL, attempt = ?, failures = ?
    WHERE group_id = ? AND position = ? AND token = ?`,
  deleteLeases: `
    DELETE FROM deliveries WHERE group_id = ? AND token = ?
      AND position IN (SELECT value FROM json_each(?)) RETURNING position, key`,
  deleteLease: `
    DELETE FROM deliveries WHERE group_id = ? AND position = ? AND token = ? RETURNING key`,
  deleteDelivery: "DELETE FROM deliveries WHERE group_id = ? AND position = ?",
  // At once is 0, not now: the clock may be set back.
  releaseKey: `
    UPDATE deliveries SET due = 0
    WHERE due IS NULL AND aside IS NULL AND group_id = :group AND position = (
      SELECT min(position) FROM deliveries WHERE group_id = +:group AND key = :key)`,
  // Not those that a member has just now: its lease will tell.
  staleDelivery: `
    SELECT 1 AS due FROM deliveries
    WHERE group_id = ? AND position <= ? AND (token IS NULL OR due <= ?) LIMIT 1`,
  dropStale: `
    DELETE FROM deliveries WHERE group_id = :group AND position IN (
      SELECT position FROM deliveries
      WHERE group_id = :group AND position <= :upTo AND (token IS NULL OR due <= :now)
      ORDER BY position LIMIT :limit + 0) RETURNING key`,
  deleteSomeDeliveries: `
    DELETE FROM deliveries WHERE group_id = :group AND position IN (
      SELECT position FROM deliveries WHERE group_id = :group ORDER BY position LIMIT :rows + 0)`,
  deleteDeliveries: "DELETE FROM deliveries WHERE group_id = ?",

  // Batches of leases
  insertBatch: "INSERT INTO batches (group_id, token, due, positions) VALUES (?, ?, ?, ?)",
  deleteBatch: "DELETE FROM batches WHERE group_id = ? AND token = ?",
  unpackBatch: `
    INSERT INTO deliveries (group_id, position, due, token, attempt)
    SELECT batches.group_id, value, due, token, 1 FROM batches, json_each(batches.positions)
    WHERE batches.group_id = ? AND token = ? AND value NOT IN (SELECT value FROM json_each(?))`,
  dueBatches: "SELECT token FROM batches WHERE group_id = ? AND due <= ?",
  batchWith: `
    SELECT token FROM batches, json_each(batches.positions)
    WHERE batches.group_id = ? AND value = ? LIMIT 1`,
  batchCounts: `
    SELECT ifnull(sum(json_array_length(positions)), 0) AS pending,
      ifnull(sum(CASE WHEN due <= ? THEN json_array_length(positions) END), 0) AS expired
    FROM batches WHERE group_id = ?`,
  oldestInBatch: `
    SELECT min(json_extract(positions, '$[0]')) AS position FROM batches WHERE group_id = +?`,
  staleBatch: `
    SELECT 1 AS due FROM batches
    WHERE group_id = ? AND json_extract(positions, '$[0]') <= ? AND due <= ? LIMIT 1`,
  deleteBatches: "DELETE FROM batches WHERE group_id = ?",

  // Dead letters
  insertDeadLetter: `
    INSERT INTO dead_letters
      (group_name, event_id, type, position, event, attempts, error, failures, time)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  deadLetters: `
    SELECT number, group_name AS groupName, event_id AS eventId, type, position, event, attempts,
      error, failures, time
    FROM dead_letters
    WHERE (:id IS NULL OR event_id = :id) AND (:group IS NULL OR group_name = :group)
      AND (:type IS NULL OR type = :type) AND (:since IS NULL OR time >= :since)
      AND (:until IS NULL OR time < :until)
    ORDER BY number LIMIT :limit + 0`,
  countMatching: `
    SELECT count(*) AS count FROM (
      SELECT 1 FROM dead_letters
      WHERE (:id IS NULL OR event_id = :id) AND (:group IS NULL OR group_name = :group)
        AND (:type IS NULL OR type = :type) AND (:since IS NULL OR time >= :since)
        AND (:until IS NULL OR time < :until)
      LIMIT :limit + 0)`,
  countDeadLetters: "SELECT count(*) AS count FROM dead_letters",
  countDeadLettersOf: "SELECT count(*) AS count FROM dead_letters WHERE group_name = ?",
  anyDeadLetterOf: "SELECT 1 AS found FROM dead_letters WHERE group_name = ? LIMIT 1",
  deleteDeadLetter: "DELETE FROM dead_letters WHERE number = ?",
  deleteDeadLetterOf: "DELETE FROM dead_letters WHERE group_name = ? AND event_id = ?",
  // The oldest are looked at, and no others.
  deleteOldDeadLetters: `
    DELETE FROM dead_letters WHERE number IN (
      SELECT number FROM (SELECT number, time FROM dead_letters ORDER BY number LIMIT :rows + 0)
      WHERE time < :before)`,
  oldDeadLetter: `
    SELECT 1 AS due FROM dead_letters
    WHERE number = (SELECT min(number) FROM dead_letters) AND time < ?`,
  deleteDeadLettersOf: `
    DELETE FROM dead_letters WHERE number IN (
      SELECT number FROM dead_letters WHERE group_name = ? LIMIT ? + 0)`,

  // Claims
  claimOf: `
    SELECT group_name AS groupName, holder, machine, pid, expires, note FROM claims
    WHERE group_name = ?`,
  putClaim: `
    INSERT INTO claims (group_name, holder, machine, pid, expires) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (group_name) DO UPDATE SET
      holder = excluded.holder, machine = excluded.machine, pid = excluded.pid,
      expires = excluded.expires`,
  deleteClaim: "DELETE FROM claims WHERE group_name = ?",
  // Nobody's: no holder is called so.
  endClaim: "UPDATE claims SET holder = '', expires = 0, note = ? WHERE group_name = ?",
  forgetNote: "UPDATE claims SET note = NULL WHERE group_name = ?",
  deleteEndedClaim: "DELETE FROM claims WHERE group_name = ? AND holder = ''",
} as const;
