/**
 * The tables of version 1, that of 0.1.0. All names begin with `ringrift_`: whoever shares the file keeps all others,
 * and the marks in its header (`user_version`, `application_id`) too.
 */
export const TABLES: string = compact(`
  -- Positions are given by the writer (see EventLog): above every row and every cursor. So a plain rowid will do, as
  -- long as retention keeps the newest row; AUTOINCREMENT would write one page more per commit.
  CREATE TABLE ringrift_events (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    payload TEXT NOT NULL,
    key TEXT,
    headers TEXT,
    time INT NOT NULL,
    source TEXT NOT NULL,
    origin TEXT NOT NULL,
    correlation_id TEXT,
    causation_id TEXT,
    via TEXT,
    traceparent TEXT,
    stored_at INT NOT NULL,
    -- What is stored must be what was sent: SQLite itself doesn't notice a flipped bit in a text. NULL in what was
    -- repaired by hand.
    checksum INT,
    -- How deep in its trail an event is, and what caused it if that was several.
    depth INT,
    causes TEXT
  ) STRICT;

  -- The index by type follows the log one block at a time (see TypeIndex), so that a commit doesn't write a page of it.
  CREATE TABLE ringrift_event_types (
    type TEXT,
    position INT,
    PRIMARY KEY (type, position)
  ) STRICT, WITHOUT ROWID;
  -- One row: up to which position the index has every event. Never beyond the newest one, so that positions which are
  -- given anew, after somebody has emptied the log, lie behind it.
  CREATE TABLE ringrift_event_types_end (position INT) STRICT;
  INSERT INTO ringrift_event_types_end VALUES (0);
  CREATE TRIGGER ringrift_event_deleted AFTER DELETE ON ringrift_events BEGIN
    DELETE FROM ringrift_event_types WHERE type = OLD.type AND position = OLD.position;
    UPDATE ringrift_event_types_end
      SET position = min(position, (SELECT ifnull(max(position), 0) FROM ringrift_events))
      WHERE position <= OLD.position;
  END;

  -- A key counts within its type: "TYPE key".
  CREATE TABLE ringrift_dedupe (
    key TEXT PRIMARY KEY,
    position INT,
    expires INT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX ringrift_expiry ON ringrift_dedupe (expires);

  -- Events that enter the log when they are due. event: a row of the log, as JSON, without its position.
  CREATE TABLE ringrift_delayed (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    due INT,
    id TEXT NOT NULL UNIQUE,
    dedupe_key TEXT,
    event TEXT NOT NULL
  ) STRICT;
  CREATE INDEX ringrift_delayed_due ON ringrift_delayed (due, number);

  -- skipped: events that the group was made to skip. wanted: types that it wants, and from where on (see WantedTypes).
  -- reader: 1 where its name was claimed, and it is its holder's reading group. adopted: where it began, if a migration
  -- has made it and nobody has moved it since; again: up to where its events may have been handled in another queue.
  CREATE TABLE ringrift_groups (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    cursor INT NOT NULL,
    policy TEXT NOT NULL,
    served_at INT,
    skipped INT DEFAULT 0,
    wanted TEXT,
    reader INT,
    adopted INT,
    again INT
  ) STRICT;

  -- Who is there of a group, until when if it isn't seen again. types: a JSON array of what it has handlers for, or
  -- NULL for whatever the group wants.
  CREATE TABLE ringrift_members (
    group_id, member, types, machine, pid, until, PRIMARY KEY (group_id, member)
  ) WITHOUT ROWID;

  -- What is in flight, failed or held back, and nothing else: an event that was settled has no row. due: when a lease
  -- ends (token set), a retry may begin, or NULL while an earlier event of its key is unfinished. aside: the type of an
  -- event that waits for a member that has a handler for it; due is NULL then.
  CREATE TABLE ringrift_deliveries (
    group_id INT,
    position INT,
    due INT,
    token INT,
    attempt INT,
    redriven INT DEFAULT 0,
    key TEXT,
    failures TEXT,
    event TEXT,
    aside TEXT,
    PRIMARY KEY (group_id, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX ringrift_due ON ringrift_deliveries (group_id, due)
    WHERE due IS NOT NULL;
  CREATE INDEX ringrift_key ON ringrift_deliveries (group_id, key, position)
    WHERE key IS NOT NULL;
  CREATE INDEX ringrift_aside ON ringrift_deliveries (group_id, aside)
    WHERE aside IS NOT NULL;

  -- Events that one claim has leased and that nothing else is known of: one row for all of them, until they are settled
  -- together, or unpacked into deliveries. positions: a JSON array, ascending.
  CREATE TABLE ringrift_batches (
    group_id INT,
    token INT,
    due INT,
    positions TEXT,
    PRIMARY KEY (group_id, token)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE ringrift_dead_letters (
    number INTEGER PRIMARY KEY,
    group_name TEXT NOT NULL,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    position INT,
    event TEXT NOT NULL,
    attempts INT,
    error TEXT NOT NULL,
    failures TEXT NOT NULL,
    time INT
  ) STRICT;
  CREATE INDEX ringrift_dead_group ON ringrift_dead_letters (group_name, event_id);

  -- note: what the last holder of a name has left for the next one, as JSON. A released claim stays as long as it has
  -- one.
  CREATE TABLE ringrift_claims (
    group_name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    machine TEXT NOT NULL,
    pid INT,
    expires INT,
    note TEXT
  ) STRICT, WITHOUT ROWID;

  -- One row: the newest fencing token of any lease, what the queue is known by to others, and with what the ids of
  -- handlers' children are made. A copy of the file has the latter two as well: its handlers publish the same again.
  CREATE TABLE ringrift_fence (token, queue_id, secret);
  INSERT INTO ringrift_fence VALUES (0, lower(hex(randomblob(16))), randomblob(32));

  -- One row: see Migration.
  CREATE TABLE ringrift_schema (version, readable_from, writable_from);
  INSERT INTO ringrift_schema VALUES (0, 0, 0);
`);

/**
 * In few words: SQLite keeps the text of each table, and as long as all of it is on one page, `salvageQueue` finds
 * everything that isn't on a damaged one.
 */
function compact(sql: string): string {
  return sql
    .replaceAll(/--.*$/gm, "")
    .replaceAll(/\s+/g, " ")
    .replaceAll(/ ?([(),;=]) ?/g, "$1");
}
