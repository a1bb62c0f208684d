-- The log, the commands it has answered, and the documents beside it. Run when its text has changed; changes nothing
-- that was recorded.

CREATE TABLE IF NOT EXISTS stored_events (
    originator_id       uuid   NOT NULL,
    originator_version  bigint NOT NULL,
    topic               text   NOT NULL,
    state               bytea  NOT NULL,
    notification_id     bigint NOT NULL UNIQUE,
    PRIMARY KEY (originator_id, originator_version)
);

-- Half a SHA-256, as the type that takes its 16 bytes and no more. What is shorter is filled up with zeros.
CREATE OR REPLACE FUNCTION grantflow_half(digest bytea) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT encode(substr(digest || decode(repeat('00', 16), 'hex'), 1, 16), 'hex')::uuid
$$;

-- Half the SHA-256 of a command's key, and half that of what was asked: the key itself is in its events.
CREATE TABLE IF NOT EXISTS commands (
    key             uuid   PRIMARY KEY,
    body            uuid   NOT NULL,
    first_position  bigint NOT NULL,
    last_position   bigint NOT NULL
);

-- Until version 2 both stood there whole. This writes the table anew, and changes nothing of what it answers.
DO $$
BEGIN
    IF (SELECT atttypid = 'text'::regtype FROM pg_attribute WHERE attrelid = 'commands'::regclass AND attname = 'key') THEN
        ALTER TABLE commands
            ALTER COLUMN key TYPE uuid USING grantflow_half(sha256(convert_to(key, 'UTF8'))),
            ALTER COLUMN body TYPE uuid USING grantflow_half(body);
    END IF;
END $$;

CREATE TABLE IF NOT EXISTS documents (
    digest      text  PRIMARY KEY,
    media_type  text  NOT NULL,
    size        int   NOT NULL,
    content     bytea NOT NULL
);
ALTER TABLE documents ALTER COLUMN content SET STORAGE EXTERNAL;  -- what people attach is compressed already

-- What was booked stays as it was booked. A superuser, or whoever owns the tables, can take these triggers away: they
-- stop accidents and careless programs. What proves that nothing was changed is a ledger that others keep a copy of.
CREATE OR REPLACE FUNCTION grantflow_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: what was recorded is corrected by a new event', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stored_events
    FOR EACH STATEMENT EXECUTE FUNCTION grantflow_append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON commands
    FOR EACH STATEMENT EXECUTE FUNCTION grantflow_append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON documents
    FOR EACH STATEMENT EXECUTE FUNCTION grantflow_append_only();
ALTER TABLE stored_events ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE commands ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE documents ENABLE ALWAYS TRIGGER append_only;

-- A payload as JSON; null when it is compressed or encrypted.
CREATE OR REPLACE FUNCTION grantflow_json(state bytea) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    IF length(state) = 0 OR get_byte(state, 0) <> ascii('{') THEN
        RETURN NULL;
    END IF;
    RETURN convert_from(state, 'UTF8')::jsonb;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END $$;

-- The log, for reading with psql.
CREATE OR REPLACE VIEW events AS
    SELECT position, stream, version, topic, (body #>> '{stamp,recorded_at}')::timestamptz AS recorded_at, body
    FROM (
        SELECT notification_id AS position, originator_id AS stream, originator_version AS version, topic,
               grantflow_json(state) AS body
        FROM stored_events
        OFFSET 0
    ) log;

-- Stores many commands in the order given, each whole or not at all, as if each had come alone.
--
-- Every command has a key (or an empty one: then nothing is kept to answer it by), the digest of its body, perhaps the
-- key of a command it builds on (`afters`), the versions it expects to be the next ones of its streams (`heads`), and its
-- events. Outcome: 0 stored, 1 answered before, 2 key used for something else, 3 another writer was first.
--
-- One lock for all writers, held until the commit is visible, makes positions gapless and visible in their order: a
-- follower that reads on from the last position it saw misses nothing. The lock is taken before anything is read.
-- A plan made while the tables were empty would be kept, and must not be a scan: hence the setting.
CREATE OR REPLACE FUNCTION grantflow_append(
    keys text[], bodies bytea[], afters text[], head_counts int[], event_counts int[],
    head_streams uuid[], head_versions bigint[],
    streams uuid[], versions bigint[], topics text[], states bytea[]
) RETURNS TABLE (outcome int, first_position bigint, last_position bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET search_path FROM CURRENT AS $$
DECLARE
    start bigint;   -- the last position before this
    here bigint;    -- and the last one now
    head int := 0;
    event int := 0;
    name uuid;      -- what the command's key is on record as
    asked uuid;
    known record;
    newest record;
    fits boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(7200);
    SELECT coalesce(max(s.notification_id), 0) INTO start FROM stored_events s;
    here := start;
    FOR command IN 1 .. cardinality(keys) LOOP
        name := grantflow_half(sha256(convert_to(keys[command], 'UTF8')));
        asked := grantflow_half(bodies[command]);
        SELECT c.body, c.first_position, c.last_position INTO known FROM commands c WHERE c.key = name;
        IF FOUND THEN
            outcome := CASE WHEN known.body = asked THEN 1 ELSE 2 END;
            first_position := known.first_position;
            last_position := known.last_position;
        ELSE
            fits := true;
            FOR h IN head + 1 .. head + head_counts[command] LOOP
                SELECT s.originator_version AS version, s.notification_id AS position INTO newest
                    FROM stored_events s WHERE s.originator_id = head_streams[h]
                    ORDER BY s.originator_version DESC LIMIT 1;
                fits := fits AND head_versions[h] = coalesce(newest.version, 0) + 1;
            END LOOP;
            IF fits AND afters[command] <> '' THEN
                fits := EXISTS (
                    SELECT FROM commands c
                    WHERE c.key = grantflow_half(sha256(convert_to(afters[command], 'UTF8')))
                    AND c.last_position = newest.position);
            END IF;
            outcome := CASE WHEN fits THEN 0 ELSE 3 END;
            first_position := 0;
            last_position := 0;
            IF fits THEN
                first_position := here + 1;
                FOR e IN event + 1 .. event + event_counts[command] LOOP
                    here := here + 1;
                    INSERT INTO stored_events (originator_id, originator_version, topic, state, notification_id)
                        VALUES (streams[e], versions[e], topics[e], states[e], here);
                END LOOP;
                last_position := here;
                IF keys[command] <> '' THEN
                    INSERT INTO commands VALUES (name, asked, first_position, last_position);
                END IF;
            END IF;
        END IF;
        head := head + head_counts[command];
        event := event + event_counts[command];
        RETURN NEXT;
    END LOOP;
    IF here > start THEN
        NOTIFY stored_events;
    END IF;
END $$;

-- The ledger: a leaf for each event, the inner nodes over tiles of 256 leaves and those above, and the signed checkpoints.
-- It is computed from the log, but for the salts; what makes it worth anything are the copies that others keep. A leaf's
-- digest of the event's bytes is not kept: the event and the salt lead to it, and the hash says whether they are right.
CREATE TABLE IF NOT EXISTS ledger_leaves (
    position  bigint PRIMARY KEY,
    stream    uuid   NOT NULL,
    version   bigint NOT NULL,
    topic     text   NOT NULL,
    salt      bytea  NOT NULL,
    fields    bytea  NOT NULL,
    hash      bytea  NOT NULL
);

CREATE TABLE IF NOT EXISTS ledger_nodes (
    level  smallint NOT NULL CONSTRAINT over_tiles CHECK (level >= 8),
    index  bigint   NOT NULL,
    hash   bytea    NOT NULL,
    PRIMARY KEY (level, index)
);

CREATE TABLE IF NOT EXISTS ledger_checkpoints (
    number     bigint PRIMARY KEY,
    size       bigint NOT NULL,
    note       text   NOT NULL,
    sealed_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS ledger_checkpoints_size ON ledger_checkpoints (size);

CREATE TABLE IF NOT EXISTS ledger_cosignatures (
    size  bigint NOT NULL,
    name  text   NOT NULL,
    line  text   NOT NULL,
    PRIMARY KEY (size, name, line)
);

-- The origin (one row), and every public key the ledger has been signed or witnessed with.
CREATE TABLE IF NOT EXISTS ledger_keys (
    kind      text NOT NULL CHECK (kind IN ('origin', 'signer', 'witness')),
    key       text NOT NULL,
    known_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, key)
);

-- Until version 2, leaves had their digest of the event's bytes beside them, and nodes of every level were kept. What
-- goes here follows from what stays. The room that the digests took in old rows comes back with VACUUM FULL.
DO $$
BEGIN
    ALTER TABLE ledger_leaves DROP COLUMN IF EXISTS body;
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'ledger_nodes'::regclass AND conname = 'over_tiles') THEN
        CREATE TEMPORARY TABLE nodes_over_tiles ON COMMIT DROP AS SELECT * FROM ledger_nodes WHERE level >= 8;
        DROP TRIGGER IF EXISTS append_only ON ledger_nodes;  -- made again below
        TRUNCATE ledger_nodes;
        INSERT INTO ledger_nodes SELECT * FROM nodes_over_tiles;
        ALTER TABLE ledger_nodes ADD CONSTRAINT over_tiles CHECK (level >= 8);
    END IF;
END $$;

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['ledger_leaves', 'ledger_nodes', 'ledger_checkpoints', 'ledger_cosignatures', 'ledger_keys'] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION grantflow_append_only()', kept);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', kept);
    END LOOP;
END $$;

-- Who looked at which case. No event: a looking changes nothing, and an event is for ever in the ledger. A row is of one
-- case, of those in `cases` (a page of a list), or it is of a whole call, or of all calls.
CREATE TABLE IF NOT EXISTS access_log (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL,
    person        text   NOT NULL,
    organisation  text   NOT NULL,
    role          text   NOT NULL,
    channel       text   NOT NULL,
    did           text   NOT NULL,
    what          text   NOT NULL,
    case_id       uuid,
    call          text,
    request_id    text,
    cases         uuid[] NOT NULL,
    count         int    NOT NULL,
    whole         boolean NOT NULL GENERATED ALWAYS AS (case_id IS NULL AND cases = '{}' AND count > 0) STORED
);
CREATE INDEX IF NOT EXISTS access_log_at ON access_log (at);
CREATE INDEX IF NOT EXISTS access_log_case ON access_log (case_id, at);
CREATE INDEX IF NOT EXISTS access_log_cases ON access_log USING gin (cases) WHERE cases <> '{}';
CREATE INDEX IF NOT EXISTS access_log_whole ON access_log (at) WHERE whole;
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION grantflow_append_only();
ALTER TABLE access_log ENABLE ALWAYS TRIGGER append_only;

-- What names a person is sealed, in the log, under a key of that person's own. To erase it is to destroy the key, so
-- this is the one table that forgets.
CREATE TABLE IF NOT EXISTS person_keys (
    person  text        PRIMARY KEY,
    stream  uuid        NOT NULL UNIQUE,
    key     bytea       NOT NULL,
    since   timestamptz NOT NULL DEFAULT now()
);

-- The key is gone in the same transaction that stores the erasure, whoever stores it.
CREATE OR REPLACE FUNCTION grantflow_forget_person() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM person_keys WHERE stream = NEW.originator_id;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER forget_person AFTER INSERT ON stored_events
    FOR EACH ROW WHEN (NEW.topic LIKE 'person-erased@%') EXECUTE FUNCTION grantflow_forget_person();
ALTER TABLE stored_events ENABLE ALWAYS TRIGGER forget_person;

-- Webhooks: who has events sent to them, and each sending. Nothing here is history: it may be forgotten, and is, when a
-- subscriber is removed. What is sent is made from the log each time. `position` is how far the log has been looked
-- through for a subscriber; it and the deliveries that come of it are written together.
CREATE TABLE IF NOT EXISTS webhook_subscribers (
    id             uuid        PRIMARY KEY,
    organisation   text        NOT NULL,
    role           text        NOT NULL,
    registered_by  text        NOT NULL,
    url            text        NOT NULL,
    types          text[]      NOT NULL,
    call           text        NOT NULL,
    state          text        NOT NULL CHECK (state IN ('active', 'paused')),
    reason         text        NOT NULL DEFAULT '',
    since          timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    position       bigint      NOT NULL,
    secret         text        NOT NULL,
    old_secret     text,
    old_until      timestamptz,
    rotation_key   text        NOT NULL DEFAULT '',
    asked          bytea       NOT NULL,
    failures       int         NOT NULL DEFAULT 0,
    failing_since  timestamptz,
    rests_until    timestamptz
);
CREATE INDEX IF NOT EXISTS webhook_subscribers_organisation ON webhook_subscribers (organisation, created_at);

CREATE TABLE IF NOT EXISTS webhook_deliveries (
    subscriber    uuid        NOT NULL REFERENCES webhook_subscribers ON DELETE CASCADE,
    position      bigint      NOT NULL,
    stream        uuid        NOT NULL,
    state         text        NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts      int         NOT NULL DEFAULT 0,
    first_at      timestamptz,
    next_at       timestamptz NOT NULL,
    status        int,
    reason        text        NOT NULL DEFAULT '',
    delivered_at  timestamptz,
    PRIMARY KEY (subscriber, position)
);
CREATE INDEX IF NOT EXISTS webhook_deliveries_waiting ON webhook_deliveries (subscriber, stream, position)
    WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS webhook_deliveries_delivered ON webhook_deliveries (delivered_at) WHERE state = 'delivered';

-- The calls that were published: few among many events, and what tells which organisations are behind one.
CREATE INDEX IF NOT EXISTS stored_events_calls ON stored_events (notification_id) WHERE topic LIKE 'call-published@%';

-- Who keeps which duty just now, and how it goes. No history: each row is written over and over by whoever holds the
-- duty's lock. `forced` counts holders that were ended for silence, one soon after the other, with no turn finished.
CREATE TABLE IF NOT EXISTS duties (
    name        text        PRIMARY KEY,
    holder      text        NOT NULL,
    backend     int         NOT NULL,
    since       timestamptz NOT NULL DEFAULT clock_timestamp(),
    beat_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_run    timestamptz,
    last_error  text,
    next_at     timestamptz,
    forced      int         NOT NULL DEFAULT 0
);

-- Which connection holds which duty's lock.
CREATE OR REPLACE VIEW duty_locks AS
    SELECT l.objid AS number, l.pid AS backend FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 7203 AND l.objsubid = 2
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database());
