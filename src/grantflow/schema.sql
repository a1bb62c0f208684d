-- The log, the commands it has answered, and the documents beside it. Run at every start; changes nothing that stands.

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

-- What was booked stays as it was booked. Whoever owns the database can take these triggers away: they stop accidents,
-- and are no proof.
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

-- For reading with psql. Payloads that are compressed or encrypted are not JSON here, and have a null body.
CREATE OR REPLACE VIEW events AS
    SELECT notification_id AS position,
           originator_id AS stream,
           originator_version AS version,
           topic,
           CASE WHEN get_byte(state, 0) = 123 THEN convert_from(state, 'UTF8')::jsonb END AS body
    FROM stored_events;

-- Many commands, each stored whole or not at all. `owners` says, per event, which command it belongs to (from 1).
-- One lock for all writers makes positions gapless and visible in their order, so that a follower that reads on from
-- the last position it saw misses nothing. Outcome: 0 stored, 1 answered before, 2 key used for something else,
-- 3 another writer was first.
CREATE OR REPLACE FUNCTION grantflow_append(
    keys text[], bodies bytea[], owners int[], streams uuid[], versions bigint[], topics text[], states bytea[]
) RETURNS TABLE (outcome int, first_position bigint, last_position bigint)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    head bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7200);
    SELECT coalesce(max(notification_id), 0) INTO head FROM stored_events;
    NOTIFY grantflow;
    RETURN QUERY
    WITH command AS MATERIALIZED (
        SELECT c.key, c.body, c.number::int AS number, k.key IS NOT NULL AS seen, k.body = c.body AS same,
               k.first_position, k.last_position
        FROM unnest(keys, bodies) WITH ORDINALITY AS c(key, body, number)
        LEFT JOIN LATERAL (SELECT * FROM commands WHERE commands.key = c.key) k ON true
    ), event AS MATERIALIZED (
        SELECT * FROM unnest(owners, streams, versions, topics, states)
            WITH ORDINALITY AS e(owner, stream, version, topic, state, number)
    ), late AS MATERIALIZED (
        SELECT DISTINCT f.owner
        FROM (SELECT owner, stream, min(version) AS first FROM event GROUP BY owner, stream) f
        WHERE f.first <> 1 + coalesce(
            (SELECT max(s.originator_version) FROM stored_events s WHERE s.originator_id = f.stream), 0)
    ), placed AS MATERIALIZED (
        SELECT e.owner, e.stream, e.version, e.topic, e.state, head + row_number() OVER (ORDER BY e.number) AS position
        FROM event e JOIN command c ON c.number = e.owner AND NOT c.seen
        WHERE NOT EXISTS (SELECT 1 FROM late WHERE late.owner = e.owner)
    ), stored AS (
        INSERT INTO stored_events SELECT p.stream, p.version, p.topic, p.state, p.position FROM placed p
    ), span AS MATERIALIZED (
        SELECT p.owner, min(p.position) AS first, max(p.position) AS last FROM placed p GROUP BY p.owner
    ), answered AS (
        INSERT INTO commands SELECT c.key, c.body, span.first, span.last
        FROM command c JOIN span ON span.owner = c.number WHERE c.key <> ''
    )
    SELECT CASE WHEN c.same THEN 1 WHEN c.seen THEN 2 WHEN span.owner IS NULL THEN 3 ELSE 0 END,
           coalesce(c.first_position, span.first), coalesce(c.last_position, span.last)
    FROM command c LEFT JOIN span ON span.owner = c.number
    ORDER BY c.number;
END $$;
