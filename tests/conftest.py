"""One PostgreSQL for all tests that need one, a fresh database for each, and nothing left running."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
import structlog
from noted import Noted
from psycopg import sql
from reaper import clear

from grantflow import embedded
from grantflow.domain.event import EVENT_TYPES
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = pytest.StashKey[Path]()
REAPER = pytest.StashKey["subprocess.Popen[bytes]"]()
TEMPLATE = "grantflow_template"
MEMORY = Path("/dev/shm")  # noqa: S108 - not guessed at: a folder of its own is made in it
ROOM = 6 * 1024**3
"""Bytes: much more than the 200 MB that the tests' server was seen to have, and the 1 GB that its log may grow to."""


def pytest_configure(config: pytest.Config) -> None:
    """Choose the server's folder, once for all workers; it starts with the first test that asks for it.

    Interrupts are heeded, also where these tests were begun in the background: what they start would ignore them too.
    And bytecode is kept, whatever else is said about it: hundreds of processes would compile all the same anew.
    """
    os.environ["PYTHONDONTWRITEBYTECODE"], sys.dont_write_bytecode = "", False
    signal.signal(signal.SIGINT, signal.default_int_handler)
    given = getattr(config, "workerinput", None)
    home = Path(given["home"] if given else tempfile.mkdtemp(prefix="grantflow-tests-", dir=_in_memory()))
    config.stash[HOME] = home
    os.environ["GRANTFLOW_LEDGER_KEYS"] = str(home / "ledger.keys")  # of whatever process a test starts
    if given:
        return
    reaper = [sys.executable, str(Path(__file__).with_name("reaper.py")), str(config.stash[HOME])]
    config.stash[REAPER] = subprocess.Popen(reaper, stdin=subprocess.PIPE, start_new_session=True)


def _in_memory() -> Path | None:
    """A folder in memory, where there is one with room: on a disk, files take a fifth of all the tests' time.

    What the tests kill are processes, never the machine, and what those have handed over outlives them here as there.
    """
    with suppress(OSError):
        room = min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available)
        if os.access(MEMORY, os.W_OK) and room > ROOM:
            return MEMORY
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the server is."""
    node.workerinput["home"] = str(node.config.stash[HOME])


def pytest_collection_finish() -> None:
    """Spare what is there for good from being looked over again and again for rubbish."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let the reaper stop what was started. It also does so when it is left behind by a killed run."""
    if REAPER in config.stash:
        config.stash[REAPER].communicate()


def ledger_keys() -> Path:
    """The file of the ledger's keys, for all tests and whatever processes they start."""
    return Path(os.environ["GRANTFLOW_LEDGER_KEYS"])


@pytest.fixture(autouse=True, scope="module")
def log_of_ones_own() -> Iterator[None]:
    """Let each module begin with a log that leaves nothing out, whatever those before it have set up."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> str:
    """Give the address of the tests' PostgreSQL."""
    return embedded.start(request.config.stash[HOME])


@pytest.fixture(scope="session")
def template(server: str, request: pytest.FixtureRequest) -> str:
    """Give the name of a database with all tables and nothing in them."""
    with (request.config.stash[HOME] / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with psycopg.connect(server, autocommit=True) as connection:
            known = connection.execute("SELECT FROM pg_database WHERE datname = %s", (TEMPLATE,)).fetchone()
            if known is None:
                embedded.drop(server, "unfinished")
                Store(embedded.database(server, "unfinished")).close()
                rename = sql.SQL("ALTER DATABASE unfinished RENAME TO {}").format(sql.Identifier(TEMPLATE))
                connection.execute(rename)
    return TEMPLATE


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let one test at a time play the demo: its databases have names of their own, and are made anew each time."""
    with (request.config.stash[HOME] / "stage.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def fresh_database(server: str, template: str) -> Iterator[str]:
    """Lend a database of one's own."""
    name = f"test_{uuid4().hex}"
    address = embedded.database(server, name, template=template)
    try:
        yield address
    finally:
        embedded.drop(server, name)


@pytest.fixture
def database_url(server: str, template: str) -> Iterator[str]:
    """Give the address of a database with all tables and nothing in them, for one test."""
    with fresh_database(server, template) as address:
        yield address


@pytest.fixture(scope="module")
def module_database_url(server: str, template: str) -> Iterator[str]:
    """Give the same, for all the tests of a module."""
    with fresh_database(server, template) as address:
        yield address


@pytest.fixture
def empty_database_url(server: str) -> Iterator[str]:
    """Give the address of a database without any tables."""
    with fresh_database(server, "template0") as address:
        yield address


@pytest.fixture
def own_home(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Give a folder for a server of one's own, which is stopped afterwards."""
    home = request.config.stash[HOME] / uuid4().hex
    home.mkdir()
    yield home
    clear(home)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """Give a store on a fresh database."""
    with Store(database_url) as store:
        yield store


@pytest.fixture
def noted_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the tests' own event known, as the domain's are, for one test."""
    monkeypatch.setitem(EVENT_TYPES, Noted.topic, Noted)
