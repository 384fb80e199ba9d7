/** Marks a file as a queue of ours, in the header of the database: "RREv". */
export const APPLICATION_ID = 0x52524576;

/**
 * The schema, one step a version; the number of steps done is the file's `user_version`. A step that was
 * released is never edited: files out there have run it.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- Positions are given by the writer (see EventLog): above every row and every cursor. So a plain rowid
  -- will do, as long as retention keeps the newest row; AUTOINCREMENT would write one page more a commit.
  CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    payload TEXT NOT NULL,
    key TEXT,
    headers TEXT,
    time INTEGER NOT NULL,
    source TEXT NOT NULL,
    origin TEXT NOT NULL,
    correlation_id TEXT,
    causation_id TEXT,
    via TEXT,
    traceparent TEXT,
    stored_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX events_by_type ON events (type, position);

  CREATE TABLE dedupe (
    key TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX dedupe_by_expiry ON dedupe (expires);

  CREATE TABLE groups (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    cursor INTEGER NOT NULL,
    policy TEXT NOT NULL,
    served_at INTEGER NOT NULL
  ) STRICT;

  -- What is in flight, failed or held back, and nothing else: an event that was settled has no row.
  -- due: when a lease ends (token set), a retry may begin, or NULL while an earlier event of its key is
  -- unfinished.
  CREATE TABLE deliveries (
    group_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    due INTEGER,
    token INTEGER,
    attempt INTEGER NOT NULL,
    redriven INTEGER NOT NULL DEFAULT 0,
    key TEXT,
    failures TEXT,
    event TEXT,
    PRIMARY KEY (group_id, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX deliveries_by_due ON deliveries (group_id, due) WHERE due IS NOT NULL;
  CREATE INDEX deliveries_held ON deliveries (group_id) WHERE due IS NULL;
  CREATE INDEX deliveries_by_key ON deliveries (group_id, key, position) WHERE key IS NOT NULL;

  CREATE TABLE dead_letters (
    number INTEGER PRIMARY KEY,
    group_name TEXT NOT NULL,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    position INTEGER NOT NULL,
    event TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,
    failures TEXT NOT NULL,
    time INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX dead_letters_by_group ON dead_letters (group_name, event_id);

  CREATE TABLE claims (
    group_name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    machine TEXT NOT NULL,
    pid INTEGER NOT NULL,
    expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- One row: the newest fencing token of any lease.
  CREATE TABLE fence (token INTEGER NOT NULL) STRICT;
  INSERT INTO fence (token) VALUES (0);
  `,
  `
  -- Events that one claim has leased and that nothing else is known of: one row for all of them, until they are
  -- settled together, or unpacked into deliveries. positions: a JSON array, ascending.
  CREATE TABLE batches (
    group_id INTEGER NOT NULL,
    token INTEGER NOT NULL,
    due INTEGER NOT NULL,
    positions TEXT NOT NULL,
    PRIMARY KEY (group_id, token)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What is stored must be what was sent: SQLite itself doesn't notice a flipped bit in a text. NULL in rows of
  -- older versions, which may go on using the file, and in what was repaired by hand.
  ALTER TABLE events ADD COLUMN checksum INTEGER;
  `,
  `
  -- Events that enter the log when they are due. event: a row of the log, as JSON, without its position.
  CREATE TABLE delayed (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    due INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    dedupe_key TEXT,
    event TEXT NOT NULL
  ) STRICT;
  CREATE INDEX delayed_by_due ON delayed (due, number);

  -- Events that the group was made to skip, since they were too old for it.
  ALTER TABLE groups ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- The index by type follows the log a block at a time (see TypeIndex), so that a commit doesn't write a page of it.
  -- A million events take 0.3 seconds here, ten million 4: the old index is read from one end to the other.
  CREATE TABLE event_types (
    type TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (type, position)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO event_types (type, position)
    SELECT type, position FROM events WHERE typeof(type) = 'text' ORDER BY type, position;
  DROP INDEX events_by_type;

  -- One row: up to which position event_types has every event. Never beyond the newest one, so that positions which
  -- are given anew, after somebody has emptied the log, lie behind it.
  CREATE TABLE event_types_end (position INTEGER NOT NULL) STRICT;
  INSERT INTO event_types_end (position) SELECT ifnull(max(position), 0) FROM events;
  CREATE TRIGGER event_deleted AFTER DELETE ON events BEGIN
    DELETE FROM event_types WHERE type = OLD.type AND position = OLD.position;
    UPDATE event_types_end
    SET position = min(position, (SELECT ifnull(max(position), 0) FROM events))
    WHERE position <= OLD.position;
  END;
  `,
  `
  -- In few words: as long as the schema is on one page, salvageQueue finds everything but what is on a damaged one.
  -- So the trigger is written again, without its layout.
  DROP TRIGGER event_deleted;
  CREATE TRIGGER event_deleted AFTER DELETE ON events BEGIN DELETE FROM event_types WHERE type=OLD.type AND position=OLD.position;UPDATE event_types_end SET position=min(position,(SELECT ifnull(max(position),0)FROM events))WHERE position<=OLD.position;END;

  -- What the queue is known by to others, and with what the ids of handlers' children are made, in the one row of this
  -- table, written again without its layout. A copy of the file has both, too: its handlers publish the same again.
  CREATE TEMP TABLE old_fence AS SELECT token FROM fence;
  DROP TABLE fence;
  CREATE TABLE fence(token,queue_id,secret);
  INSERT INTO fence SELECT token, lower(hex(randomblob(16))), randomblob(32) FROM old_fence;
  DROP TABLE old_fence;

  -- How deep in its trail an event is, and what caused it if that was several. NULL in rows of older versions.
  ALTER TABLE events ADD COLUMN depth INT;
  ALTER TABLE events ADD COLUMN causes TEXT;
  -- A dedupe key counts within its type: "TYPE key".
  UPDATE OR REPLACE dedupe SET key = type || ' ' || key
    FROM (SELECT position AS at, type FROM events) WHERE at = position;
  UPDATE OR REPLACE dedupe SET key = type || ' ' || key
    FROM (SELECT -number AS at, json_extract(event, '$.type') AS type FROM delayed) WHERE at = position;
  UPDATE delayed SET dedupe_key = json_extract(event, '$.type') || ' ' || dedupe_key
    WHERE dedupe_key IS NOT NULL;

  -- What the last holder of a name has left for the next one, as JSON. A released claim stays as long as it has one.
  ALTER TABLE claims ADD COLUMN note TEXT;
  -- Types that the group wants, and from where on: see WantedTypes. NULL where a version before has made it: the types
  -- of its policy, from its cursor on.
  ALTER TABLE groups ADD COLUMN wanted TEXT;
  -- 1: its name was claimed, and it is its holder's reading group.
  ALTER TABLE groups ADD COLUMN reader INTEGER;
  UPDATE groups SET reader = 1
    WHERE name IN (SELECT group_name FROM claims) AND policy LIKE '%"eventTypes":null%';

  -- Who is there of a group, until when if it isn't seen again. types: a JSON array of what it has handlers for, or NULL
  -- for whatever the group wants.
  CREATE TABLE members(group_id,member,types,machine,pid,until,PRIMARY KEY(group_id,member))WITHOUT ROWID;

  -- The type of an event that waits for a member that has a handler for it; due is NULL then.
  ALTER TABLE deliveries ADD COLUMN aside TEXT;
  DROP INDEX deliveries_held;
  CREATE INDEX deliveries_aside ON deliveries(group_id,aside)WHERE aside IS NOT NULL;
  `,
];
