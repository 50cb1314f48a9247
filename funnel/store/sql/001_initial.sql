-- The ledger and the people. Times are whole seconds since 1970, UTC. Text keys are small and closed lists.
-- Final rows are narrow on purpose: what only a send in flight needs lives in `lease` and `outbox` and goes when
-- the send is final; Message-ID and idempotency key are derived from the delivery's id, never stored.

-- Facts about this database: its own id, the last instant that the engine acted on, a brake for everything.
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- People. `email` is as entered, `email_key` its normalised form. `last_mail_at` serves the frequency cap.
CREATE TABLE contact (
  id           INTEGER PRIMARY KEY,
  email        TEXT NOT NULL,
  email_key    TEXT NOT NULL UNIQUE,
  first_name   TEXT NOT NULL DEFAULT '',
  side         TEXT NOT NULL DEFAULT '' CHECK (side IN ('', 'left', 'right', 'not_sure')),
  timezone     TEXT NOT NULL DEFAULT '',
  status       TEXT NOT NULL CHECK (status IN ('unconfirmed', 'subscribed', 'unsubscribed', 'erased')),
  created_at   INTEGER NOT NULL,
  last_mail_at INTEGER
);

CREATE TABLE contact_tag (
  contact_id INTEGER NOT NULL REFERENCES contact (id),
  tag        TEXT NOT NULL,
  PRIMARY KEY (contact_id, tag)
) WITHOUT ROWID;
CREATE INDEX contact_tag_by_tag ON contact_tag (tag);

-- The exact words that people said yes to, each stored once.
CREATE TABLE consent_text (
  digest TEXT PRIMARY KEY,
  text   TEXT NOT NULL
) WITHOUT ROWID;

-- Proof of every yes and no. Append-only: the triggers below refuse anything else.
CREATE TABLE consent (
  id          INTEGER PRIMARY KEY,
  contact_id  INTEGER NOT NULL REFERENCES contact (id),
  event       TEXT NOT NULL CHECK (event IN ('requested', 'confirmed', 'imported', 'withdrawn')),
  at          INTEGER NOT NULL,
  source      TEXT NOT NULL,
  text_digest TEXT NOT NULL REFERENCES consent_text (digest)
);
CREATE INDEX consent_by_contact ON consent (contact_id);
CREATE TRIGGER consent_is_not_changed BEFORE UPDATE ON consent
BEGIN SELECT RAISE(ABORT, 'the consent log is append-only'); END;
CREATE TRIGGER consent_is_not_deleted BEFORE DELETE ON consent
BEGIN SELECT RAISE(ABORT, 'the consent log is append-only'); END;

-- Addresses that must not be mailed, as keyed hashes, so that they outlive an erasure.
CREATE TABLE suppression (
  address_hash TEXT PRIMARY KEY,
  reason       TEXT NOT NULL,
  at           INTEGER NOT NULL
) WITHOUT ROWID;

-- What can be entered: a series, a broadcast, or a request (a confirmation that somebody asked for).
-- state: open | closed (no entry) | held (the clock runs, sends wait) | frozen (the clock stops) | retired
CREATE TABLE program (
  id         INTEGER PRIMARY KEY,
  kind       TEXT NOT NULL CHECK (kind IN ('series', 'broadcast', 'request')),
  slug       TEXT NOT NULL,
  code       TEXT NOT NULL,
  state      TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'held', 'frozen', 'retired')),
  state_at   INTEGER NOT NULL,
  version    INTEGER NOT NULL DEFAULT 0,
  start_at   INTEGER,
  UNIQUE (kind, slug)
);

-- Each push is immutable: the definition, as canonical JSON, under its digest.
CREATE TABLE publication (
  program_id   INTEGER NOT NULL REFERENCES program (id),
  version      INTEGER NOT NULL,
  digest       TEXT NOT NULL,
  definition   TEXT NOT NULL,
  published_at INTEGER NOT NULL,
  PRIMARY KEY (program_id, version)
) WITHOUT ROWID;

-- A step's number is given once and never used again; it is part of the ledger key.
CREATE TABLE step (
  program_id INTEGER NOT NULL REFERENCES program (id),
  step       TEXT NOT NULL,
  number     INTEGER NOT NULL CHECK (number BETWEEN 1 AND 255),
  PRIMARY KEY (program_id, step),
  UNIQUE (program_id, number)
) WITHOUT ROWID;

-- Compiled mail, by content: the same bytes are stored once, whatever points at them.
CREATE TABLE email (
  id           INTEGER PRIMARY KEY,
  slug         TEXT NOT NULL,
  variant      TEXT NOT NULL,
  digest       TEXT NOT NULL,
  payload      TEXT NOT NULL,
  published_at INTEGER NOT NULL,
  is_current   INTEGER NOT NULL DEFAULT 1,
  UNIQUE (slug, variant, digest)
);
CREATE UNIQUE INDEX email_current ON email (slug, variant) WHERE is_current = 1;

-- One person's run. `after_step` is the last finished step, `visit` counts re-entries, `anchor_at` is when the
-- last step finished: the next wait counts from there.
CREATE TABLE enrollment (
  id          INTEGER PRIMARY KEY,
  program_id  INTEGER NOT NULL REFERENCES program (id),
  contact_id  INTEGER NOT NULL REFERENCES contact (id),
  entry_key   TEXT NOT NULL DEFAULT '',
  variant     TEXT NOT NULL CHECK (variant IN ('left', 'right', 'not_sure', 'all')),
  after_step  TEXT NOT NULL DEFAULT '',
  visit       INTEGER NOT NULL DEFAULT 0 CHECK (visit BETWEEN 0 AND 255),
  status      TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'completed', 'exited')),
  entered_at  INTEGER NOT NULL,
  anchor_at   INTEGER NOT NULL,
  exit_reason TEXT NOT NULL DEFAULT '',
  UNIQUE (contact_id, program_id, entry_key)
);

-- One row for each run that waits; narrow, so that a tick reads little.
CREATE TABLE timer (
  due_at        INTEGER NOT NULL,
  enrollment_id INTEGER NOT NULL UNIQUE REFERENCES enrollment (id),
  PRIMARY KEY (due_at, enrollment_id)
) WITHOUT ROWID;

-- The ledger. id = enrollment * 65536 + step number * 256 + visit: the key (enrollment, step, visit) itself, so
-- that nobody can ever get the same one twice.
CREATE TABLE delivery (
  id         INTEGER PRIMARY KEY,
  email_id   INTEGER REFERENCES email (id),
  state      TEXT NOT NULL CHECK (state IN ('planned', 'ready', 'leased', 'sending', 'sent', 'failed', 'unknown',
                                            'cancelled', 'expired', 'skipped')),
  due_at     INTEGER NOT NULL,
  settled_at INTEGER,
  reason     TEXT NOT NULL DEFAULT ''
);
CREATE INDEX delivery_ready ON delivery (due_at) WHERE state = 'ready';
CREATE INDEX delivery_open ON delivery (state) WHERE state IN ('leased', 'sending', 'unknown');

-- What only a send in flight needs. `fence` rises with every lease, so that a worker that slept past its lease
-- can change nothing.
CREATE TABLE lease (
  delivery_id INTEGER PRIMARY KEY REFERENCES delivery (id),
  owner       TEXT NOT NULL,
  until       INTEGER NOT NULL,
  fence       INTEGER NOT NULL,
  attempts    INTEGER NOT NULL,
  first_at    INTEGER NOT NULL
);

-- The exact bytes, frozen at the first attempt: a retry sends the same ones.
CREATE TABLE outbox (
  delivery_id INTEGER PRIMARY KEY REFERENCES delivery (id),
  recipient   TEXT NOT NULL,
  raw         BLOB NOT NULL
);

-- What happened to people. `key` makes a repeated report count once.
CREATE TABLE event (
  id          INTEGER PRIMARY KEY,
  contact_id  INTEGER NOT NULL REFERENCES contact (id),
  type        TEXT NOT NULL,
  at          INTEGER NOT NULL,
  key         TEXT NOT NULL UNIQUE,
  delivery_id INTEGER REFERENCES delivery (id)
);
CREATE INDEX event_by_contact ON event (contact_id, type);
