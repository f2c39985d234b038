-- One set of statements for SQLite and PostgreSQL. Times are Unix nanoseconds
-- (BIGINT), documents are BYTEA: SQLite keeps a blob under any column type.

-- +goose Up
CREATE TABLE hops (
  seq            BIGINT NOT NULL,
  message_id     TEXT   NOT NULL,
  correlation    TEXT   NOT NULL,
  causation      TEXT   NOT NULL,
  route          TEXT   NOT NULL,
  target         TEXT   NOT NULL,
  stage          TEXT   NOT NULL,
  state          TEXT   NOT NULL,
  detail         TEXT   NOT NULL,
  at             BIGINT NOT NULL,
  took           BIGINT NOT NULL,
  attempt        BIGINT NOT NULL,
  payload_before BYTEA,
  payload_after  BYTEA,
  business_keys  TEXT   NOT NULL,
  trace          TEXT   NOT NULL
);
CREATE INDEX hops_correlation ON hops (correlation, at);
CREATE INDEX hops_message ON hops (message_id);
CREATE INDEX hops_at ON hops (at);
CREATE INDEX hops_seq ON hops (seq);

-- Which chains of messages (correlation ids) a business key appeared in.
CREATE TABLE trace_keys (
  value       TEXT   NOT NULL,
  correlation TEXT   NOT NULL,
  name        TEXT   NOT NULL,
  at          BIGINT NOT NULL,
  PRIMARY KEY (value, correlation)
);
CREATE INDEX trace_keys_at ON trace_keys (at);

CREATE TABLE outcomes (
  lane        TEXT   NOT NULL,
  message_id  TEXT   NOT NULL,
  state       TEXT   NOT NULL,
  external_id TEXT   NOT NULL,
  at          BIGINT NOT NULL,
  attempt     BIGINT NOT NULL,
  PRIMARY KEY (lane, message_id)
);
CREATE INDEX outcomes_at ON outcomes (at);

-- A key's queue is its rows in the order of seq; head is 1 for the first.
CREATE TABLE parked (
  lane        TEXT   NOT NULL,
  msg_key     TEXT   NOT NULL,
  message_id  TEXT   NOT NULL,
  seq         BIGINT NOT NULL,
  head        BIGINT NOT NULL,
  held        BIGINT NOT NULL,
  route       TEXT   NOT NULL,
  target      TEXT   NOT NULL,
  attempt     BIGINT NOT NULL,
  next_at     BIGINT NOT NULL,
  class       TEXT   NOT NULL,
  last_error  TEXT   NOT NULL,
  payload     BYTEA,
  metadata    TEXT   NOT NULL,
  first_at    BIGINT NOT NULL,
  PRIMARY KEY (lane, message_id)
);
CREATE UNIQUE INDEX parked_queue ON parked (lane, msg_key, seq);
CREATE INDEX parked_due ON parked (lane, head, held, next_at);

CREATE TABLE dead (
  id           BIGINT NOT NULL PRIMARY KEY,
  origin       TEXT   NOT NULL,
  message_id   TEXT   NOT NULL,
  lane         TEXT   NOT NULL,
  route        TEXT   NOT NULL,
  target       TEXT   NOT NULL,
  msg_key      TEXT   NOT NULL,
  correlation  TEXT   NOT NULL,
  stage        TEXT   NOT NULL,
  class        TEXT   NOT NULL,
  code         TEXT   NOT NULL,
  reason       TEXT   NOT NULL,
  stack        TEXT   NOT NULL,
  payload      BYTEA,
  content_type TEXT   NOT NULL,
  metadata     TEXT   NOT NULL,
  business_keys TEXT  NOT NULL,
  attempts     BIGINT NOT NULL,
  replays      BIGINT NOT NULL,
  first_at     BIGINT NOT NULL,
  at           BIGINT NOT NULL,
  state        TEXT   NOT NULL,
  edited       BIGINT NOT NULL,
  UNIQUE (origin, message_id)
);
CREATE INDEX dead_state ON dead (state, id);

CREATE TABLE audit (
  seq            BIGINT NOT NULL,
  at             BIGINT NOT NULL,
  by_whom        TEXT   NOT NULL,
  action         TEXT   NOT NULL,
  object         TEXT   NOT NULL,
  why            TEXT   NOT NULL,
  content_before BYTEA,
  content_after  BYTEA
);
CREATE INDEX audit_object ON audit (object, at);

CREATE TABLE positions (
  source   TEXT   NOT NULL PRIMARY KEY,
  position BYTEA,
  at       BIGINT NOT NULL
);

CREATE TABLE connector_state (
  instance TEXT   NOT NULL,
  name     TEXT   NOT NULL,
  value    BYTEA,
  rev      BIGINT NOT NULL,
  PRIMARY KEY (instance, name)
);

CREATE TABLE sequences (
  instance TEXT   NOT NULL,
  name     TEXT   NOT NULL,
  number   BIGINT NOT NULL,
  PRIMARY KEY (instance, name)
);

CREATE TABLE sequence_binds (
  instance TEXT   NOT NULL,
  name     TEXT   NOT NULL,
  bind     TEXT   NOT NULL,
  number   BIGINT NOT NULL,
  PRIMARY KEY (instance, name, bind)
);

CREATE TABLE controls (
  kind    TEXT   NOT NULL,
  name    TEXT   NOT NULL,
  value   TEXT   NOT NULL,
  by_whom TEXT   NOT NULL,
  at      BIGINT NOT NULL,
  PRIMARY KEY (kind, name)
);

CREATE TABLE route_counts (
  route      TEXT   NOT NULL,
  target     TEXT   NOT NULL,
  received   BIGINT NOT NULL,
  delivered  BIGINT NOT NULL,
  retried    BIGINT NOT NULL,
  duplicates BIGINT NOT NULL,
  dead       BIGINT NOT NULL,
  filtered   BIGINT NOT NULL,
  parked     BIGINT NOT NULL,
  PRIMARY KEY (route, target)
);

CREATE TABLE effects (
  lane TEXT   NOT NULL PRIMARY KEY,
  at   BIGINT NOT NULL
);

-- +goose Down
DROP TABLE effects;
DROP TABLE route_counts;
DROP TABLE controls;
DROP TABLE sequence_binds;
DROP TABLE sequences;
DROP TABLE connector_state;
DROP TABLE positions;
DROP TABLE audit;
DROP TABLE dead;
DROP TABLE parked;
DROP TABLE outcomes;
DROP TABLE trace_keys;
DROP TABLE hops;
