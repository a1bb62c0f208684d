"""The PostgreSQL that comes along: started where asked, shared, found again, clear about what is wrong."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest
from reaper import server_of, stopped

from grantflow import embedded
from grantflow.embedded import DatabaseBroken

if TYPE_CHECKING:
    from pathlib import Path

USE = """
import sys
from pathlib import Path
from grantflow import embedded
print(embedded.start(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def user_of(home: Path) -> subprocess.Popen[str]:
    """Start another process that uses the server of a folder until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", USE, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("host=")
    return process


def test_processes_that_start_at_once_share_one_server_and_the_last_stops_it(own_home: Path) -> None:
    users = [user_of(own_home) for _ in range(2)]
    server = server_of(own_home)
    assert server is not None
    users[0].communicate()
    assert not stopped(server)
    users[1].communicate()
    assert stopped(server)


def test_a_server_outlives_a_killed_user_and_stops_with_the_next(own_home: Path) -> None:
    killed = user_of(own_home)
    server = server_of(own_home)
    assert server is not None
    killed.kill()
    killed.communicate()
    assert not stopped(server)
    user_of(own_home).communicate()
    assert stopped(server)


@pytest.mark.parametrize("name", ["Mine søknader & planar, 100 %41", "x" * 110])
def test_it_works_in_folders_with_any_name(own_home: Path, name: str) -> None:
    address = embedded.start(own_home / name)
    with psycopg.connect(embedded.database(address, "åpen")) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("åpen",)


def test_a_note_left_by_a_server_whose_number_another_program_got_is_seen_through(own_home: Path) -> None:
    user_of(own_home).communicate()
    with user_of(own_home) as another_program:
        note = own_home / "postgres" / "postmaster.pid"
        left = note.read_text()
        another_program.communicate()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as sleeper:
        note.write_text(left.replace(left.splitlines()[0], str(sleeper.pid), 1))
        try:
            embedded.start(own_home)
        finally:
            sleeper.kill()
    server = server_of(own_home)
    assert server is not None
    assert server.pid != sleeper.pid


def test_a_folder_that_cannot_be_used_is_named_in_one_sentence(own_home: Path) -> None:
    data = own_home / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("18\n")
    with pytest.raises(DatabaseBroken, match="did not start") as refusal:
        embedded.start(own_home)
    assert str(data) in refusal.value.detail
    assert "\n" not in refusal.value.detail


def test_a_folder_of_another_major_version_is_left_alone(own_home: Path) -> None:
    data = own_home / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("12\n")
    with pytest.raises(DatabaseBroken, match="expecting version 18 but found version 12"):
        embedded.start(own_home)
    assert [file.name for file in data.iterdir()] == ["PG_VERSION"]


def test_a_database_is_made_once_in_utf8_with_an_order_that_does_not_depend_on_the_machine(
    server: str,
) -> None:
    try:
        address = embedded.database(server, "made-once")
        assert embedded.database(server, "made-once") == address
        with psycopg.connect(address) as connection:
            row = connection.execute(
                "SELECT pg_encoding_to_char(encoding), datlocprovider, datlocale, "
                "array(SELECT n FROM unnest(array['å', 'b', 'B', 'a']) n ORDER BY n), upper('å') "
                "FROM pg_database WHERE datname = current_database()"
            ).fetchone()
        assert row == ("UTF8", "b", "C.UTF-8", ["B", "a", "b", "å"], "Å")
    finally:
        embedded.drop(server, "made-once")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(address)


def test_an_address_is_shown_without_its_password() -> None:
    shown = embedded.described("postgresql://me:hemmelig@db.example:5433/grants?sslmode=verify-full")
    assert "hemmelig" not in shown
    assert "db.example" in shown
