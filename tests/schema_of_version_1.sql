-- Log, commands and ledger as version 1 made them, word for word: what test_older_tables.py begins with.

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

CREATE TABLE IF NOT EXISTS commands (
    key             text   PRIMARY KEY,
    body            bytea  NOT NULL,
    first_position  bigint NOT NULL,
    last_position   bigint NOT NULL
);

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
-- Every command has a key, the digest of its body, perhaps the key of a command it builds on (`afters`), the versions it
-- expects to be the next ones of its streams (`heads`), and its events. Outcome: 0 stored, 1 answered before, 2 key used
-- for something else, 3 another writer was first.
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
    known record;
    newest record;
    fits boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(7200);
    SELECT coalesce(max(s.notification_id), 0) INTO start FROM stored_events s;
    here := start;
    FOR command IN 1 .. cardinality(keys) LOOP
        SELECT c.body, c.first_position, c.last_position INTO known FROM commands c WHERE c.key = keys[command];
        IF FOUND THEN
            outcome := CASE WHEN known.body = bodies[command] THEN 1 ELSE 2 END;
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
                    SELECT FROM commands c WHERE c.key = afters[command] AND c.last_position = newest.position);
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
                    INSERT INTO commands VALUES (keys[command], bodies[command], first_position, last_position);
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

-- The ledger: a leaf for each event, the inner nodes over whole powers of two of leaves, and the signed checkpoints.
-- It is computed from the log, but for the salts; what makes it worth anything are the copies that others keep.
CREATE TABLE IF NOT EXISTS ledger_leaves (
    position  bigint PRIMARY KEY,
    stream    uuid   NOT NULL,
    version   bigint NOT NULL,
    topic     text   NOT NULL,
    salt      bytea  NOT NULL,
    body      bytea  NOT NULL,
    fields    bytea  NOT NULL,
    hash      bytea  NOT NULL
);

CREATE TABLE IF NOT EXISTS ledger_nodes (
    level  smallint NOT NULL,
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
