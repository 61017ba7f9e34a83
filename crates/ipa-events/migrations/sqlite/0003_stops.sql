-- Connectors through which nothing goes until a person says so, and why. All times are microseconds since 1970.

CREATE TABLE connector_stops (
    connector TEXT    NOT NULL,
    kind      TEXT    NOT NULL CHECK (kind IN ('paused', 'refused')),
    actor     TEXT    NOT NULL,
    why       TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (connector, kind)
) STRICT;
