"""Bare psycopg: INSERT and commit, nothing read, nothing checked: what PostgreSQL and the driver leave room for."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg

from benchmarks.driving import CONTENT, TRANSITIONS, asked, by_threads, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = """
    CREATE TABLE bare (
        case_id uuid NOT NULL, version bigint NOT NULL, topic text NOT NULL, state bytea NOT NULL,
        PRIMARY KEY (case_id, version)
    )
"""
INSERT = "INSERT INTO bare VALUES (%b, %b, %b, %b)"


def main() -> None:
    """Measure, and answer."""
    given = asked(__doc__).parse_args()
    with psycopg.connect(given.address) as connection:
        connection.execute(TABLE)

    def client() -> Iterator[None]:
        body = json.dumps(CONTENT, ensure_ascii=False).encode()
        # autocommit: one round trip, in which the server begins, inserts and commits
        with closing(psycopg.connect(given.address, autocommit=True)) as connection:
            connection.prepare_threshold = 0
            while True:
                case = uuid4()
                for version, (name, _, _) in enumerate(TRANSITIONS, start=1):
                    connection.execute(INSERT, (case, version, name, body))
                    yield

    tell(by_threads([client] * given.clients, given.seconds, given.warm))


if __name__ == "__main__":
    main()
