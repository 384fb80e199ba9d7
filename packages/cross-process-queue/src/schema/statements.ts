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
  return `INSERT INTO ringrift_events (${columns.join(", ")}) VALUES ${all}`;
}

/**
 * Every statement of this package; the tables are in `tables.ts`.
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
  hasSchemaTable: `
    SELECT count(*) AS count FROM sqlite_schema WHERE type = 'table' AND name = 'ringrift_schema'`,
  columnsOf: "SELECT name FROM pragma_table_info(?)",
  schemaRow: `
    SELECT version, readable_from AS readableFrom, writable_from AS writableFrom
    FROM ringrift_schema`,
  setSchemaRow: "UPDATE ringrift_schema SET version = ?, readable_from = ?, writable_from = ?",
  // Of others: it changes when another connection has committed.
  dataVersion: "PRAGMA data_version",
  ownChanges: "SELECT total_changes() AS changes",
  synchronous: "PRAGMA synchronous",
  lookAtLog: "PRAGMA wal_checkpoint(NOOP)",
  checkpoint: "PRAGMA wal_checkpoint(PASSIVE)",
  restartLog: "PRAGMA wal_checkpoint(RESTART)",
  truncateLog: "PRAGMA wal_checkpoint(TRUNCATE)",

  // Changes nothing, but fails where nothing can be changed.
  probeWriting: "UPDATE ringrift_fence SET token = token WHERE false",

  queueId: "SELECT queue_id AS id FROM ringrift_fence",
  keepQueueId: "UPDATE ringrift_fence SET queue_id = ?",
  secret: "SELECT secret FROM ringrift_fence",
  keepSecret: "UPDATE ringrift_fence SET secret = ?",

  // The log
  tail: "SELECT position, stored_at AS storedAt FROM ringrift_events ORDER BY position DESC LIMIT 1",
  highestCursor: "SELECT max(cursor) AS position FROM ringrift_groups",
  eventById: "SELECT * FROM ringrift_events WHERE id = ?",
  eventAt: "SELECT * FROM ringrift_events WHERE position = ?",
  eventsAt: `
    SELECT * FROM ringrift_events WHERE position IN (SELECT value FROM json_each(?)) ORDER BY position`,
  eventsBetween: `
    SELECT * FROM ringrift_events WHERE position > ? AND position <= ? ORDER BY position LIMIT ? + 0`,
  eventsOfTypesBetween: `
    SELECT * FROM ringrift_events
    WHERE position > ? AND position <= ? AND type IN (SELECT value FROM json_each(?))
    ORDER BY position LIMIT ? + 0`,
  newestPosition: "SELECT ifnull(max(position), 0) AS position FROM ringrift_events",
  oldestPosition: "SELECT min(position) AS position FROM ringrift_events",
  storedAfter: `
    SELECT position, stored_at AS storedAt FROM ringrift_events WHERE position >= ? ORDER BY position LIMIT 1`,
  countOfTypesBetween: `
    SELECT count(*) AS count FROM (
      SELECT 1 FROM ringrift_events
      WHERE position > ? AND position <= ? AND type IN (SELECT value FROM json_each(?)) LIMIT ? + 0)`,
  // The oldest are looked at, and no others: what is behind the first that may stay, may stay too.
  deleteEvents: `
    DELETE FROM ringrift_events WHERE position IN (
      SELECT position FROM (
        SELECT position, stored_at FROM ringrift_events WHERE position < :floor ORDER BY position LIMIT :rows + 0)
      WHERE stored_at < :before OR position <= :upTo)`,
  deletableUpTo: `
    SELECT ifnull(max(position), 0) AS position FROM (
      SELECT position, stored_at FROM ringrift_events WHERE position < :floor ORDER BY position LIMIT :rows + 0)
    WHERE stored_at < :before OR position <= :upTo`,
  deletableEvent: `
    SELECT 1 AS due FROM ringrift_events WHERE position = (SELECT min(position) FROM ringrift_events)
      AND position < :floor AND (stored_at < :before OR position <= :upTo)`,
  usedBytes: `
    SELECT (page_count - freelist_count) * page_size AS bytes
    FROM pragma_page_count, pragma_freelist_count, pragma_page_size`,
  unusedBytes: `
    SELECT freelist_count * page_size AS bytes FROM pragma_freelist_count, pragma_page_size`,

  // The index by type, which follows the log
  typesEnd: "SELECT position FROM ringrift_event_types_end",
  moveTypesEnd: "UPDATE ringrift_event_types_end SET position = ?",
  nextPositions: `
    SELECT count(*) AS count, max(position) AS last FROM (
      SELECT position FROM ringrift_events WHERE position > ? ORDER BY position LIMIT ? + 0)`,
  // In the order of the log: sorting them by type first costs more than it saves. What was written over may have no
  // type any more; whoever comes to its position will say so.
  enterTypes: `
    INSERT OR IGNORE INTO ringrift_event_types (type, position)
    SELECT type, position FROM ringrift_events
    WHERE position > ? AND position <= ? AND typeof(type) = 'text'`,
  positionsOfType: `
    SELECT position FROM ringrift_event_types
    WHERE type = +? AND position > ? AND position <= ? ORDER BY position LIMIT ? + 0`,
  countOfType: `
    SELECT count(*) AS count FROM (
      SELECT 1 FROM ringrift_event_types WHERE type = +? AND position > ? AND position <= ? LIMIT ? + 0)`,

  // Dedupe keys
  expiredDedupeKey: "SELECT 1 AS due FROM ringrift_dedupe WHERE expires <= ? LIMIT 1",
  dedupeKey: "SELECT position FROM ringrift_dedupe WHERE key = ? AND expires > ?",
  putDedupeKey: "INSERT OR REPLACE INTO ringrift_dedupe (key, position, expires) VALUES (?, ?, ?)",
  deleteDedupeKeys: `
    DELETE FROM ringrift_dedupe WHERE key IN (
      SELECT key FROM ringrift_dedupe WHERE expires <= ? ORDER BY expires LIMIT ? + 0)`,

  moveDedupeKey: "UPDATE ringrift_dedupe SET position = ? WHERE key = ? AND position = ?",

  // Delayed events
  insertDelayed: `
    INSERT INTO ringrift_delayed (due, id, dedupe_key, event) VALUES (?, ?, ?, ?) RETURNING number`,
  nextDelayed: "SELECT min(due) AS due FROM ringrift_delayed",
  dueDelayed: `
    SELECT number, due AS dueAt, dedupe_key AS dedupeKey, event FROM ringrift_delayed
    WHERE due <= ? ORDER BY due, number LIMIT ? + 0`,
  delayedByNumber: `
    SELECT number, due AS dueAt, dedupe_key AS dedupeKey, event FROM ringrift_delayed WHERE number = ?`,
  delayedById: `
    SELECT number, due AS dueAt, dedupe_key AS dedupeKey, event FROM ringrift_delayed WHERE id = ?`,
  delayedAfter: `
    SELECT number, due AS dueAt, dedupe_key AS dedupeKey, event FROM ringrift_delayed
    WHERE number > ? ORDER BY number LIMIT ? + 0`,
  deleteDelayed: "DELETE FROM ringrift_delayed WHERE number = ?",
  countDelayed: "SELECT count(*) AS count FROM ringrift_delayed",

  // Groups
  groupByName: `
    SELECT id, name, cursor, policy, wanted, ifnull(reader, 0) AS reader, served_at AS servedAt, skipped,
      adopted, ifnull(again, 0) AS againUpTo
    FROM ringrift_groups WHERE name = ?`,
  groupById: `
    SELECT id, name, cursor, policy, wanted, ifnull(reader, 0) AS reader, served_at AS servedAt, skipped,
      adopted, ifnull(again, 0) AS againUpTo
    FROM ringrift_groups WHERE id = ?`,
  groupToClaim: `
    SELECT id, name, cursor, policy, wanted, ifnull(reader, 0) AS reader, served_at AS servedAt, skipped,
      adopted, ifnull(again, 0) AS againUpTo,
      EXISTS (SELECT 1 FROM ringrift_deliveries WHERE group_id = ringrift_groups.id AND due <= ?) AS isDeliveryDue,
      EXISTS (SELECT 1 FROM ringrift_batches WHERE group_id = ringrift_groups.id AND due <= ?) AS isBatchDue,
      EXISTS (SELECT 1 FROM ringrift_deliveries WHERE group_id = ringrift_groups.id AND position > cursor) AS hasPassed,
      EXISTS (SELECT 1 FROM ringrift_deliveries WHERE group_id = ringrift_groups.id AND due IS NULL AND aside > '') AS hasAside
    FROM ringrift_groups WHERE name = ?`,
  groups: `
    SELECT id, name, cursor, policy, wanted, ifnull(reader, 0) AS reader, served_at AS servedAt, skipped,
      adopted, ifnull(again, 0) AS againUpTo
    FROM ringrift_groups ORDER BY name`,
  // An id is never given again: whoever worked for a group that was removed doesn't take another one for it.
  nextGroupId: `
    UPDATE ringrift_fence SET token = max(token, (SELECT ifnull(max(id), 0) FROM ringrift_groups)) + 1
    RETURNING token AS id`,
  insertGroup: `
    INSERT INTO ringrift_groups (id, name, cursor, policy, wanted, reader, served_at)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  setPolicy: "UPDATE ringrift_groups SET policy = ?, wanted = ? WHERE id = ?",
  setReader: "UPDATE ringrift_groups SET reader = 1 WHERE id = ?",
  serveGroup: `
    UPDATE ringrift_groups SET cursor = max(cursor, ?), served_at = max(served_at, ?) WHERE id = ?`,
  seekCursor: "UPDATE ringrift_groups SET cursor = ? WHERE id = ?",
  adoptGroup: `
    UPDATE ringrift_groups SET policy = ?, wanted = ?, reader = ?, cursor = ?, adopted = ?, again = ?
    WHERE id = ?`,
  forgetAdopted: "UPDATE ringrift_groups SET adopted = NULL, again = NULL WHERE id = ?",
  countSkipped: "UPDATE ringrift_groups SET skipped = skipped + ? WHERE id = ?",
  touchGroup: "UPDATE ringrift_groups SET served_at = max(served_at, ?) WHERE id = ?",
  deleteGroup: "DELETE FROM ringrift_groups WHERE id = ?",
  countDeliveries: `
    SELECT count(*) AS count FROM (SELECT 1 FROM ringrift_deliveries WHERE group_id = ? LIMIT ? + 0)`,
  // Others wait for an event of their key, or for a member that has a handler.
  deliveryCounts: `
    SELECT ifnull(sum(token IS NOT NULL AND due > :now), 0) AS inFlight,
      ifnull(sum((token IS NULL OR due <= :now) AND attempt > 0), 0) AS retrying
    FROM (
      SELECT token, due, attempt FROM ringrift_deliveries INDEXED BY ringrift_due
      WHERE group_id = :group AND due IS NOT NULL LIMIT :most + 0)`,
  oldestDelivery: `
    SELECT min(position) AS position FROM ringrift_deliveries WHERE group_id = +?`,

  // What was redriven is no part of the log.
  oldestUnsettled: `
    SELECT min(position) AS position FROM ringrift_deliveries WHERE group_id = +? AND redriven = 0`,
  anyDelivery: `
    SELECT 1 AS found FROM ringrift_deliveries WHERE group_id = ? AND (redriven = 0 OR attempt > 0) LIMIT 1`,

  // Members
  putMember: `
    INSERT OR REPLACE INTO ringrift_members (group_id, member, types, machine, pid, until)
    VALUES (?, ?, ?, ?, ?, ?)`,
  deleteMember: "DELETE FROM ringrift_members WHERE group_id = ? AND member = ?",
  deleteMembers: "DELETE FROM ringrift_members WHERE group_id = ?",
  membersOf: "SELECT member, types, machine, pid, until FROM ringrift_members WHERE group_id = ?",

  // Events that are set aside
  insertAside: `
    INSERT INTO ringrift_deliveries (group_id, position, due, token, attempt, key, aside)
    VALUES (?, ?, NULL, NULL, 0, ?, ?)`,
  setAside: `
    UPDATE ringrift_deliveries SET due = NULL, token = NULL, failures = ?, aside = ?
    WHERE group_id = ? AND position = ?`,
  countAside: `
    SELECT count(*) AS count FROM ringrift_deliveries WHERE group_id = ? AND due IS NULL AND aside > ''`,
  anyAside: `
    SELECT 1 AS found FROM ringrift_deliveries WHERE group_id = ? AND due IS NULL AND aside > '' LIMIT 1`,
  asideTypes: `
    SELECT aside AS type, count(*) AS count, sum(attempt > 0) AS retrying FROM ringrift_deliveries
    WHERE group_id = ? AND due IS NULL AND aside > '' GROUP BY aside`,
  asideOf: `
    SELECT position, token, attempt, redriven, key, failures, event FROM ringrift_deliveries
    WHERE group_id = ? AND due IS NULL AND aside = +? ORDER BY position LIMIT ? + 0`,
  // Of what nobody has just now; what was redriven by hand stays.
  typesInFlight: `
    SELECT DISTINCT ringrift_events.type FROM ringrift_deliveries JOIN ringrift_events USING (position) WHERE group_id = ?`,
  dropOfType: `
    DELETE FROM ringrift_deliveries WHERE group_id = :group AND position IN (
      SELECT ringrift_deliveries.position FROM ringrift_deliveries JOIN ringrift_events USING (position)
      WHERE group_id = :group AND (token IS NULL OR due <= :now) AND redriven = 0
        AND ringrift_events.type = :type
      LIMIT :limit + 0) RETURNING key`,

  // Leases
  insertNew: `
    INSERT INTO ringrift_deliveries (group_id, position, due, token, attempt, key)
    VALUES (?, ?, ?, ?, ?, ?)`,
  insertHeld: `
    INSERT INTO ringrift_deliveries (group_id, position, attempt, key)
    SELECT ?, value, 0, ? FROM json_each(?)`,
  deliveriesBetween: `
    SELECT position FROM ringrift_deliveries WHERE group_id = ? AND position BETWEEN ? AND ?`,
  // Of events that are in the log.
  countInHand: `
    SELECT count(*) AS count FROM (
      SELECT 1 FROM ringrift_deliveries CROSS JOIN ringrift_events USING (position)
      WHERE group_id = :group AND position > :after AND position <= :upTo
        AND (:types IS NULL OR ringrift_events.type IN (SELECT value FROM json_each(:types)))
      LIMIT :limit + 0)`,
  dueDeliveries: `
    SELECT position, token, attempt, redriven, key, failures, event FROM ringrift_deliveries
    WHERE group_id = +? AND due <= ? ORDER BY due, position LIMIT ? + 0`,
  nextDue: `
    SELECT min(due) AS due FROM (
      SELECT min(due) AS due FROM ringrift_deliveries WHERE group_id = +:group AND due IS NOT NULL
      UNION ALL SELECT min(due) FROM ringrift_batches WHERE group_id = +:group)`,
  delivery: `
    SELECT position, token, attempt, redriven, key, failures, event FROM ringrift_deliveries
    WHERE group_id = ? AND position = ? AND token = ?`,
  keyIsBusy: "SELECT 1 AS busy FROM ringrift_deliveries WHERE group_id = ? AND key = ? LIMIT 1",
  insertDelivery: `
    INSERT INTO ringrift_deliveries
      (group_id, position, due, token, attempt, redriven, key, event)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
  leaseDelivery: `
    UPDATE ringrift_deliveries SET due = ?, token = ?, attempt = ?, failures = ?, aside = NULL
    WHERE group_id = ? AND position = ?`,
  extendLease: `
    UPDATE ringrift_deliveries SET due = ? WHERE group_id = ? AND position = ? AND token = ?`,
  returnDelivery: `
    UPDATE ringrift_deliveries SET due = ?, token = NULL, attempt = ?, failures = ?
    WHERE group_id = ? AND position = ? AND token = ?`,
  deleteLeases: `
    DELETE FROM ringrift_deliveries WHERE group_id = ? AND token = ?
      AND position IN (SELECT value FROM json_each(?)) RETURNING position, key`,
  deleteLease: `
    DELETE FROM ringrift_deliveries WHERE group_id = ? AND position = ? AND token = ? RETURNING key`,
  deleteDelivery: "DELETE FROM ringrift_deliveries WHERE group_id = ? AND position = ?",
  // At once is 0, not now: the clock may be set back.
  releaseKey: `
    UPDATE ringrift_deliveries SET due = 0
    WHERE due IS NULL AND aside IS NULL AND group_id = :group AND position = (
      SELECT min(position) FROM ringrift_deliveries WHERE group_id = +:group AND key = :key)`,
  // Not those that a member has just now: its lease will tell.
  staleDelivery: `
    SELECT 1 AS due FROM ringrift_deliveries
    WHERE group_id = ? AND position <= ? AND (token IS NULL OR due <= ?) LIMIT 1`,
  dropStale: `
    DELETE FROM ringrift_deliveries WHERE group_id = :group AND position IN (
      SELECT position FROM ringrift_deliveries
      WHERE group_id = :group AND position <= :upTo AND (token IS NULL OR due <= :now)
      ORDER BY position LIMIT :limit + 0) RETURNING key`,
  deleteSomeDeliveries: `
    DELETE FROM ringrift_deliveries WHERE group_id = :group AND position IN (
      SELECT position FROM ringrift_deliveries WHERE group_id = :group ORDER BY position LIMIT :rows + 0)`,
  deleteDeliveries: "DELETE FROM ringrift_deliveries WHERE group_id = ?",

  // Batches of leases
  insertBatch: "INSERT INTO ringrift_batches (group_id, token, due, positions) VALUES (?, ?, ?, ?)",
  deleteBatch: "DELETE FROM ringrift_batches WHERE group_id = ? AND token = ?",
  unpackBatch: `
    INSERT INTO ringrift_deliveries (group_id, position, due, token, attempt)
    SELECT ringrift_batches.group_id, value, due, token, 1 FROM ringrift_batches, json_each(ringrift_batches.positions)
    WHERE ringrift_batches.group_id = ? AND token = ? AND value NOT IN (SELECT value FROM json_each(?))`,
  dueBatches: "SELECT token FROM ringrift_batches WHERE group_id = ? AND due <= ?",
  batchWith: `
    SELECT token FROM ringrift_batches, json_each(ringrift_batches.positions)
    WHERE ringrift_batches.group_id = ? AND value = ? LIMIT 1`,
  batchCounts: `
    SELECT ifnull(sum(json_array_length(positions)), 0) AS pending,
      ifnull(sum(CASE WHEN due <= ? THEN json_array_length(positions) END), 0) AS expired
    FROM ringrift_batches WHERE group_id = ?`,
  oldestInBatch: `
    SELECT min(json_extract(positions, '$[0]')) AS position FROM ringrift_batches WHERE group_id = +?`,
  staleBatch: `
    SELECT 1 AS due FROM ringrift_batches
    WHERE group_id = ? AND json_extract(positions, '$[0]') <= ? AND due <= ? LIMIT 1`,
  deleteBatches: "DELETE FROM ringrift_batches WHERE group_id = ?",

  // Dead letters
  insertDeadLetter: `
    INSERT INTO ringrift_dead_letters
      (group_name, event_id, type, position, event, attempts, error, failures, time)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  deadLetters: `
    SELECT number, group_name AS groupName, event_id AS eventId, type, position, event, attempts,
      error, failures, time
    FROM ringrift_dead_letters
    WHERE (:id IS NULL OR event_id = :id) AND (:group IS NULL OR group_name = :group)
      AND (:type IS NULL OR type = :type) AND (:since IS NULL OR time >= :since)
      AND (:until IS NULL OR time < :until)
    ORDER BY number LIMIT :limit + 0`,
  deadLettersAfter: `
    SELECT number, group_name AS groupName, event_id AS eventId, type, position, event, attempts,
      error, failures, time
    FROM ringrift_dead_letters WHERE number > ? ORDER BY number LIMIT ? + 0`,
  deadLetterOf:
    "SELECT 1 AS found FROM ringrift_dead_letters WHERE group_name = ? AND event_id = ? LIMIT 1",
  redrivenAfter: `
    SELECT group_id AS groupId, name AS groupName, position, event
    FROM ringrift_deliveries JOIN ringrift_groups ON ringrift_groups.id = group_id
    WHERE redriven = 1 AND event IS NOT NULL AND (group_id, position) > (?, ?)
    ORDER BY group_id, position LIMIT ? + 0`,
  countMatching: `
    SELECT count(*) AS count FROM (
      SELECT 1 FROM ringrift_dead_letters
      WHERE (:id IS NULL OR event_id = :id) AND (:group IS NULL OR group_name = :group)
        AND (:type IS NULL OR type = :type) AND (:since IS NULL OR time >= :since)
        AND (:until IS NULL OR time < :until)
      LIMIT :limit + 0)`,
  countDeadLetters: "SELECT count(*) AS count FROM ringrift_dead_letters",
  countDeadLettersOf: "SELECT count(*) AS count FROM ringrift_dead_letters WHERE group_name = ?",
  anyDeadLetterOf: "SELECT 1 AS found FROM ringrift_dead_letters WHERE group_name = ? LIMIT 1",
  deleteDeadLetter: "DELETE FROM ringrift_dead_letters WHERE number = ?",
  deleteDeadLetterOf: "DELETE FROM ringrift_dead_letters WHERE group_name = ? AND event_id = ?",
  // The oldest are looked at, and no others.
  deleteOldDeadLetters: `
    DELETE FROM ringrift_dead_letters WHERE number IN (
      SELECT number FROM (SELECT number, time FROM ringrift_dead_letters ORDER BY number LIMIT :rows + 0)
      WHERE time < :before)`,
  oldDeadLetter: `
    SELECT 1 AS due FROM ringrift_dead_letters
    WHERE number = (SELECT min(number) FROM ringrift_dead_letters) AND time < ?`,
  deleteDeadLettersOf: `
    DELETE FROM ringrift_dead_letters WHERE number IN (
      SELECT number FROM ringrift_dead_letters WHERE group_name = ? LIMIT ? + 0)`,

  // Claims
  claimOf: `
    SELECT group_name AS groupName, holder, machine, pid, expires, note FROM ringrift_claims
    WHERE group_name = ?`,
  putClaim: `
    INSERT INTO ringrift_claims (group_name, holder, machine, pid, expires) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (group_name) DO UPDATE SET
      holder = excluded.holder, machine = excluded.machine, pid = excluded.pid,
      expires = excluded.expires`,
  deleteClaim: "DELETE FROM ringrift_claims WHERE group_name = ?",
  // Nobody's: no holder is called so.
  endClaim: "UPDATE ringrift_claims SET holder = '', expires = 0, note = ? WHERE group_name = ?",
  forgetNote: "UPDATE ringrift_claims SET note = NULL WHERE group_name = ?",
  deleteEndedClaim: "DELETE FROM ringrift_claims WHERE group_name = ? AND holder = ''",
} as const;
