"""An audit table rebuilt from a log in two other ways: one transaction an event, and one INSERT ... SELECT."""

from __future__ import annotations

import json
import time
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from benchmarks.driving import asked, tell

TABLES = """
    DROP SCHEMA IF EXISTS peer CASCADE;
    CREATE SCHEMA peer;
    CREATE TABLE peer.audit_trail (
        position bigint PRIMARY KEY, event text NOT NULL, stream uuid NOT NULL, version bigint NOT NULL,
        topic text NOT NULL, step text NOT NULL, state text NOT NULL,
        person text NOT NULL, organisation text NOT NULL, role text NOT NULL,
        authority text, channel text NOT NULL, command text NOT NULL, recorded_at timestamptz NOT NULL,
        effective_at timestamptz, facts jsonb NOT NULL
    );
    CREATE INDEX ON peer.audit_trail (stream, version);
    CREATE INDEX ON peer.audit_trail (person);
    CREATE INDEX ON peer.audit_trail (topic);
    CREATE TABLE peer.position (position bigint NOT NULL);
    INSERT INTO peer.position VALUES (0);
"""
READ = (
    "SELECT originator_id, originator_version, topic, state, notification_id FROM stored_events "
    "ORDER BY notification_id LIMIT %s"
)
INSERT = f"INSERT INTO peer.audit_trail VALUES ({', '.join(['%s'] * 16)})"  # noqa: S608 - sixteen times %s
SELECT = """
    INSERT INTO peer.audit_trail
    SELECT position, stream || '.' || version, stream, version, topic, stamp->>'step', stamp->>'state',
           stamp->>'person', stamp->>'organisation', stamp->>'role', stamp->>'authority',
           stamp->>'channel', stamp->>'command',
           (stamp->>'recorded_at')::timestamptz, (stamp->>'effective_at')::timestamptz, body - 'stamp'
    FROM (
        SELECT notification_id AS position, originator_id AS stream, originator_version AS version, topic, body,
               body->'stamp' AS stamp
        FROM stored_events, LATERAL (SELECT convert_from(state, 'UTF8')::jsonb AS body OFFSET 0) read
    ) log
"""


def main() -> None:
    """Measure, and answer."""
    parser = asked(__doc__)
    parser.add_argument("--how", choices=["one", "select"], required=True)
    given = parser.parse_args()
    with psycopg.connect(given.address, autocommit=True) as connection:
        connection.execute(TABLES)
        events, took = (one_by_one if given.how == "one" else selected)(connection, given.seconds)
        connection.execute("DROP SCHEMA peer CASCADE")
    tell({"events": events, "seconds": took, "per_second": events / took})


def one_by_one(connection: psycopg.Connection[Any], seconds: float) -> tuple[int, float]:
    """A row and the position in a transaction of their own, for as long as there is time."""
    events = connection.execute(READ, (200_000,)).fetchall()
    begun = time.perf_counter()
    done = 0
    for stream, version, topic, state, position in events:
        body = json.loads(state)
        stamp = body.pop("stamp")
        with connection.transaction():
            connection.execute(
                INSERT,
                (
                    position,
                    f"{stream}.{version}",
                    stream,
                    version,
                    topic,
                    *(stamp[name] for name in ("step", "state", "person", "organisation", "role")),
                    stamp.get("authority"),
                    stamp["channel"],
                    stamp["command"],
                    stamp["recorded_at"],
                    stamp.get("effective_at"),
                    Jsonb(body),
                ),
            )
            connection.execute("UPDATE peer.position SET position = %s", (position,))
        done += 1
        if time.perf_counter() - begun > seconds:
            break
    return done, time.perf_counter() - begun


def selected(connection: psycopg.Connection[Any], _: float) -> tuple[int, float]:
    """The whole log in one statement."""
    begun = time.perf_counter()
    events = connection.execute(SELECT).rowcount
    return events, time.perf_counter() - begun


if __name__ == "__main__":
    main()
