-- Signed webhooks. One that is handled loses its body; its name stays for a while, so that a repeat is known.
-- Numbers go up and are given once: who has read up to one misses nothing that comes later.

CREATE TABLE deliveries (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    connector  TEXT    NOT NULL,
    delivery   TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    body       BLOB,
    came_at    INTEGER NOT NULL,
    handled    INTEGER NOT NULL DEFAULT 0 CHECK (handled IN (0, 1)),
    UNIQUE (connector, delivery)
) STRICT;

CREATE INDEX deliveries_in_hand ON deliveries (number) WHERE handled = 0;
CREATE INDEX deliveries_by_age ON deliveries (came_at);
