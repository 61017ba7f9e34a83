-- The log, who may append to it, and what is folded from it. All times are microseconds since 1970.

CREATE TABLE store (
    id       INTEGER PRIMARY KEY CHECK (id = 0),
    store_id TEXT    NOT NULL,
    timeline INTEGER NOT NULL
) STRICT;

INSERT INTO store (id, store_id, timeline) VALUES (0, lower(hex(randomblob(16))), 1);

-- A row is never deleted, so a number (the 12 of T-12) is given once.
CREATE TABLE streams (
    stream_id  TEXT    PRIMARY KEY,
    kind       TEXT    NOT NULL CHECK (kind IN ('task', 'system')),
    number     INTEGER NOT NULL UNIQUE,
    version    INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0),
    owner      TEXT,
    epoch      INTEGER NOT NULL CHECK (epoch > 0),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TRIGGER streams_are_never_deleted BEFORE DELETE ON streams
BEGIN
    SELECT RAISE(ABORT, 'a stream is never deleted');
END;

CREATE TRIGGER streams_keep_their_number BEFORE UPDATE OF stream_id, kind, number, created_at ON streams
BEGIN
    SELECT RAISE(ABORT, 'a stream keeps its name and its number');
END;

CREATE TABLE events (
    position       INTEGER PRIMARY KEY,
    stream_id      TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    command_id     TEXT    NOT NULL,
    command_index  INTEGER NOT NULL,
    epoch          INTEGER NOT NULL,
    type           TEXT    NOT NULL,
    schema_version INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    actor          TEXT    NOT NULL,
    via            TEXT    NOT NULL,
    causation_id   TEXT,
    correlation_id TEXT    NOT NULL,
    recorded_at    INTEGER NOT NULL,
    payload        TEXT    NOT NULL CHECK (json_valid(payload)),
    metadata       TEXT    NOT NULL CHECK (json_valid(metadata)),
    UNIQUE (stream_id, version),
    UNIQUE (command_id, command_index)
) STRICT;

-- The version check and the fence, in the very statement that commits the events. It also sees to it that the
-- stream exists: there is no append without an acquired lease.
CREATE TRIGGER events_follow_the_lease BEFORE INSERT ON events
BEGIN
    UPDATE streams SET version = NEW.version
     WHERE stream_id = NEW.stream_id AND version = NEW.version - 1 AND epoch = NEW.epoch;
    SELECT RAISE(ABORT, 'fenced') WHERE changes() = 0;
END;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'an event is never changed');
END;

CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'an event is never deleted');
END;

CREATE TABLE snapshots (
    stream_id    TEXT    PRIMARY KEY,
    version      INTEGER NOT NULL,
    state_schema INTEGER NOT NULL,
    state        BLOB    NOT NULL,
    taken_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE models (
    name     TEXT    NOT NULL,
    schema   INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (name, schema)
) STRICT;

CREATE TABLE model_rows (
    name      TEXT    NOT NULL,
    schema    INTEGER NOT NULL,
    stream_id TEXT    NOT NULL,
    row       TEXT    NOT NULL CHECK (json_valid(row)),
    broken    TEXT,
    PRIMARY KEY (name, schema, stream_id)
) STRICT;
