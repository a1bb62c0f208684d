"""How the store reaches PostgreSQL: connections set up alike, that notice when the server has left them."""

from __future__ import annotations

import select
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from eventsourcing.postgres import ConnectionPool, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row, tuple_row

if TYPE_CHECKING:
    from collections.abc import Iterator

Connection: TypeAlias = psycopg.Connection[Any]

_DEFAULTS = {
    "application_name": "grantflow",
    "connect_timeout": "5",
    "keepalives_idle": "30",
    "tcp_user_timeout": "15000",
}
"""Where the address says nothing: a server that went away without a word is noticed within seconds."""


def connect(address: str) -> Connection:
    """Open a connection in autocommit that gives rows as tuples."""
    connection = psycopg.connect(_completed(address), autocommit=True)
    _settle(connection)
    return connection


def pool(address: str, *, most: int, least: int = 1) -> ConnectionPool[Connection]:
    """Open a pool of such connections; one that died while it was idle is never given out."""
    return ConnectionPool(
        _completed(address),
        kwargs={"autocommit": True},
        configure=_settle,
        check=_check,
        min_size=least,
        max_size=most,
        num_workers=1,
        open=True,
    )


class Datastore(PostgresDatastore):
    """The library's datastore on our pool: what the address says (TLS, several hosts) holds for it too."""

    def __init__(self, connections: ConnectionPool[Connection]) -> None:
        super().__init__(dbname="", host="", port="", user="", password="")
        self.pool = connections

    def register_type_adapters(self) -> None:
        """Do nothing: our statements need no composite types."""

    @contextmanager
    def get_connection(self) -> Iterator[Connection]:
        """Lend a connection that gives rows as the library reads them, by name."""
        with super().get_connection() as connection:
            connection.row_factory = dict_row
            try:
                yield connection
            finally:
                connection.row_factory = tuple_row  # type: ignore[assignment]


def _completed(address: str) -> str:
    given = conninfo_to_dict(address)
    return make_conninfo(address, **{key: value for key, value in _DEFAULTS.items() if key not in given})


def _settle(connection: Connection) -> None:
    """Set what the append relies on, to see what was committed before it got its lock; and instants are read in UTC."""
    connection.execute(
        "SET default_transaction_isolation = 'read committed'; SET search_path = public; SET timezone = 'UTC'"
    )


def _check(connection: Connection) -> None:
    """Ask the server only when there is something to read: that it has closed the connection, for one."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    if waiting.poll(0):
        ConnectionPool.check_connection(connection)
