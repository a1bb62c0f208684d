"""What the command line writes down of those who look, what the auditor is told of them, and what a pack says."""

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import psycopg
import pytest
from conftest import fresh_database, ledger_keys
from looking import CALL, listed
from psycopg.conninfo import conninfo_to_dict
from pypdf import PdfReader
from spoken import speaking
from steps import CALL_FOLDER
from structlog.testing import capture_logs

from grantflow.accesses import read
from grantflow.app import App
from grantflow.cli.noting import noted
from grantflow.definitions import definition_files
from grantflow.demo import Story, play
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from spoken import Answer

FIRST, SECOND = f"{CALL}-0001", f"{CALL}-0002"


@pytest.fixture(scope="module")
def played(server: str, template: str) -> Iterator[str]:
    """Give the name of a database in which a small year was played, to be copied."""
    with fresh_database(server, template) as address:
        with Store(address) as store:
            opened = App.on(store, ledger_keys())
            play(opened, definition_files(CALL_FOLDER), Story(4))
            opened.projector.catch_up()
        yield str(conninfo_to_dict(address)["dbname"])


@pytest.fixture
def year(server: str, played: str) -> Iterator[str]:
    with fresh_database(server, played) as address:
        yield address


@pytest.fixture
def say(
    year: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    return speaking(year, monkeypatch, capsys)


def told(say: Callable[..., Answer], *more: str) -> list[dict[str, Any]]:
    """What the question of who looked finds."""
    answer = say("audit", "ask", "access", "--json", *more).json
    assert all(row["events"] == [] for row in answer["items"])
    return [row["found"] for row in answer["items"]]


def test_whoever_looks_at_the_command_line_is_told_of(say: Callable[..., Answer], tmp_path: Path) -> None:
    assert told(say) == []
    for command in ("show", "history", "letter"):
        assert say("case", command, FIRST).code == 0
    say("case", "diff", SECOND, "--from", "2023-08-15", "--to", "2023-09-15")
    say("audit", "ask", "four-eyes", "--call", CALL)
    say("ledger", "pack", "--call", CALL, "-o", str(tmp_path / "call.zip"))
    say("ledger", "pack", "--case", SECOND, "-o", str(tmp_path / "case.zip"))
    rows = told(say, "--call", CALL)
    assert [(row["did"], row["what"], row["call"], row["cases"], row["count"]) for row in rows] == [
        ("asked", "question access", None, [], 4),
        ("read", "case", CALL, [FIRST], 1),
        ("read", "history", CALL, [FIRST], 1),
        ("read", "letters", CALL, [FIRST], 1),
        ("read", "changes", CALL, [SECOND], 1),
        ("asked", "question four-eyes", CALL, [], 4),
        ("exported", "pack", CALL, [], 4),
        ("exported", "pack", None, [SECOND], 1),
    ]
    assert {(row["person"], row["organisation"], row["role"], row["channel"]) for row in rows} == {
        ("console", "-", "operator", "cli")
    }
    page = say("audit", "ask", "access").out
    assert "not in the ledger" in page


def test_who_had_looked_by_an_instant_is_asked_too(say: Callable[..., Answer]) -> None:
    say("case", "show", FIRST)
    (row,) = told(say)
    assert told(say, "--at", row["at"])[:1] == [row]
    assert told(say, "--at", "2023-12-31", "--call", CALL) == []


def test_what_is_refused_has_shown_nothing(say: Callable[..., Answer], tmp_path: Path) -> None:
    (tmp_path / "there.zip").touch()
    assert say("ledger", "pack", "--call", CALL, "-o", str(tmp_path / "there.zip")).code == 1
    assert say("case", "show", FIRST, "--at", "2020-01-01").code == 1
    assert say("case", "letter", "00000000-0000-0000-0000-00000000000a").code == 0
    assert told(say) == []


def test_a_pack_tells_who_looked_at_its_cases_and_verifies_as_before(
    say: Callable[..., Answer], year: str, tmp_path: Path
) -> None:
    ids = {one["number"]: one["id"] for one in say("case", "list", "--json").json["items"]}
    with Store(year) as store:
        App.on(store, ledger_keys()).accesses.note(listed(*ids.values()))
    say("case", "show", FIRST)
    say("case", "show", SECOND)
    for number, scope in ((FIRST, "--case"), (CALL, "--call")):
        say("ledger", "pack", scope, number, "-o", str(tmp_path / f"{number}.zip"))
    answer = json.loads(ZipFile(tmp_path / f"{FIRST}.zip").read("answers/23-access.json"))
    assert answer["source"] == "the access log, which stands in no event and is not in the ledger"
    assert [(row["found"]["did"], row["found"]["cases"], row["events"]) for row in answer["rows"]] == [
        ("listed", [FIRST], []),
        ("read", [FIRST], []),
    ]
    alone = b"".join(
        map(ZipFile(tmp_path / f"{FIRST}.zip").read, ("answers/23-access.json", "answers/23-access.csv"))
    )
    assert not any(str(other).encode() in alone for number, other in ids.items() if number != FIRST)
    whole = ZipFile(tmp_path / f"{CALL}.zip")
    assert json.loads(whole.read("answers/23-access.json"))["count"] == 4
    pages = PdfReader(BytesIO(whole.read("report.pdf"))).pages
    assert "tilgangsloggen" in "".join(page.extract_text() for page in pages)
    whole.extract("verify.py", tmp_path)
    for number in (FIRST, CALL):
        command = [sys.executable, "-I", str(tmp_path / "verify.py"), str(tmp_path / f"{number}.zip")]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    say("ledger", "pack", "--case", FIRST, "--without", "persons", "-o", str(tmp_path / "less.zip"))
    less = json.loads(ZipFile(tmp_path / "less.zip").read("answers/23-access.json"))
    assert (less["count"], "rows" in less) == (4, False)


def test_where_a_row_cannot_be_written_the_command_answers_and_the_log_warns(
    say: Callable[..., Answer], year: str, tmp_path: Path
) -> None:
    with psycopg.connect(year, autocommit=True) as owner:
        owner.execute(
            "CREATE FUNCTION standby() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE 'cannot execute INSERT in a read-only transaction' USING ERRCODE = 'read_only_sql_transaction'; "
            "END $$; CREATE TRIGGER standby BEFORE INSERT ON access_log EXECUTE FUNCTION standby()"
        )
    for command in (
        ("case", "show", FIRST),
        ("case", "history", FIRST),
        ("case", "letter", FIRST),
        ("audit", "ask", "four-eyes"),
        ("ledger", "pack", "--case", FIRST, "-o", str(tmp_path / "case.zip")),
    ):
        answer = say(*command)
        assert (answer.code, answer.err) == (0, "")
        assert answer.out
    with Store(year) as store:
        with capture_logs() as lines:
            noted(App.on(store, ledger_keys()), "read", "history")
        assert read(store) == []
    (line,) = lines
    assert (line["event"], line["log_level"], line["what"]) == ("access not noted", "warning", "history")
    assert "read-only" in line["because"]
