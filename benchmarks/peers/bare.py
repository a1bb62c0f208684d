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
    parser = asked(__doc__)
    parser.add_argument("--how", choices=["transaction", "autocommit"], default="transaction")
    given = parser.parse_args()
    autocommit = given.how == "autocommit"
    with psycopg.connect(given.address) as connection:
        connection.execute(TABLE)

    def client() -> Iterator[None]:
        body = json.dumps(CONTENT, ensure_ascii=False).encode()
        with closing(psycopg.connect(given.address, autocommit=autocommit)) as connection:
            connection.prepare_threshold = 0
            while True:
                case = uuid4()
                for version, (name, _, _) in enumerate(TRANSITIONS, start=1):
                    connection.execute(INSERT, (case, version, name, body))
                    if not autocommit:  # else the server begins, inserts and commits in that one round trip
                        connection.commit()
                    yield

    tell(by_threads([client] * given.clients, given.seconds, given.warm))


if __name__ == "__main__":
    main()
