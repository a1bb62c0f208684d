"""The commands of evidence and of the auditor, through the real process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import psycopg
import pytest
from conftest import ledger_keys
from steps import CALL_FOLDER

from grantflow.app import App
from grantflow.definitions import definition_files
from grantflow.demo import Story, play
from grantflow.store import Store

CALL = "imdi-2023-tillegg"
COMMAND = [str(Path(sys.executable).parent / "grantflow")]


@pytest.fixture(scope="module")
def played(module_database_url: str) -> dict[str, str]:
    """Give the environment of a database in which a small year was played."""
    with Store(module_database_url) as store:
        play(App.on(store, ledger_keys()), definition_files(CALL_FOLDER), Story(12, seed=5))
    return {**os.environ, "GRANTFLOW_DATABASE_URL": module_database_url}


def run(played: dict[str, str], *arguments: str, ends: int = 0, said: str = "") -> str:
    """Run a command to the end; gives what it printed."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=played,
        input=said,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == ends, done.stderr
    return done.stdout if ends in (0, 3) else done.stderr


def test_a_checkpoint_is_kept_and_the_log_is_verified_against_it(
    played: dict[str, str], tmp_path: Path
) -> None:
    note = run(played, "ledger", "checkpoint")
    (tmp_path / "kept.txt").write_text(note)
    keys = json.loads(run(played, "ledger", "keys", "--json"))["items"]
    assert [key["signs"] for key in keys] == ["now"]
    told = run(played, "ledger", "verify", "--key", keys[0]["key"], "--against", str(tmp_path / "kept.txt"))
    assert "Nothing is wrong." in told
    assert "keys that this database names itself" not in told
    verdict = json.loads(run(played, "ledger", "verify", "--log-only", "--json"))
    assert verdict["faults"] == []
    assert verdict["events"] == verdict["sealed"] > 300


def test_the_log_is_verified_where_nothing_can_be_written(played: dict[str, str]) -> None:
    """As on a streaming replica: docs/scale.md says that each night's verification may be done there."""
    run(played, "ledger", "checkpoint")
    reading = psycopg.conninfo.make_conninfo(
        played["GRANTFLOW_DATABASE_URL"], options="-c default_transaction_read_only=on"
    )
    environment = {**played, "GRANTFLOW_DATABASE_URL": reading}
    verdict = json.loads(run(environment, "ledger", "verify", "--log-only", "--json"))
    assert verdict["faults"] == []
    assert verdict["events"] == verdict["sealed"] > 300


def test_a_fault_is_named_and_ends_with_3(played: dict[str, str]) -> None:
    run(played, "ledger", "checkpoint")
    with psycopg.connect(played["GRANTFLOW_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT * FROM read.case_list")
        connection.execute("UPDATE read.case_list SET granted_ore = granted_ore + 1")
        try:
            told = run(played, "ledger", "verify", ends=3)
        finally:
            connection.execute("TRUNCATE read.case_list")
            connection.execute("INSERT INTO read.case_list SELECT * FROM kept")
            connection.execute("DROP TABLE kept")
    assert "read-model" in told
    assert "look at the first one first" in told


def test_a_receipt_is_exchanged_for_a_proof(played: dict[str, str]) -> None:
    listed = json.loads(run(played, "case", "list", "--json"))["items"]
    case = listed[0]["id"]
    proof = json.loads(run(played, "ledger", "prove", f"{case}.1", "--json"))
    receipt = json.dumps({"event": proof["event"], "digest": proof["digest"]})
    again = json.loads(run(played, "ledger", "prove", f"{case}.1", "--receipt", "-", "--json", said=receipt))
    assert again["leaf"] == proof["leaf"]
    other = json.dumps({"digest": "0" * 64})
    assert "the receipt says" in run(
        played, "ledger", "prove", f"{case}.1", "--receipt", "-", ends=1, said=other
    )
    assert "There is no event" in run(played, "ledger", "prove", "999999", ends=1)


def test_a_pack_is_written_once_and_verifies_with_python_alone(
    played: dict[str, str], tmp_path: Path
) -> None:
    pack = tmp_path / "call.zip"
    run(played, "ledger", "pack", "--call", CALL, "-o", str(pack))
    assert "call.zip" in run(played, "ledger", "pack", "--call", CALL, "-o", str(pack), ends=1)
    with ZipFile(pack) as opened:
        opened.extract("verify.py", tmp_path)
        assert {"pack.json", "events.jsonl", "checkpoint.txt", "verify.html"} <= set(opened.namelist())
    alone = [sys.executable, "-I", "-S", str(tmp_path / "verify.py"), str(pack)]
    assert subprocess.run(alone, capture_output=True, check=False).returncode == 0
    assert "Name a call" in run(played, "ledger", "pack", "-o", str(tmp_path / "none.zip"), ends=1)


def test_every_question_is_asked_and_says_what_it_examined(played: dict[str, str]) -> None:
    questions = json.loads(run(played, "audit", "list", "--json"))["items"]
    assert [one["number"] for one in questions] == list(range(1, 28))
    for one in questions[:3]:
        answer = json.loads(run(played, "audit", "ask", one["question"], "--call", CALL, "--json"))
        assert answer["question"] == one["question"]
        assert "12 cases" in answer["scope"]
    assert "No breach found among 12 cases" in run(played, "audit", "ask", "four-eyes", "--call", CALL)


def test_a_question_is_asked_as_of_an_instant_and_written_as_a_spreadsheet(
    played: dict[str, str], tmp_path: Path
) -> None:
    into = tmp_path / "frame.csv"
    run(played, "audit", "ask", "frame", "--csv", str(into))
    assert into.read_text("utf-8-sig").splitlines()[0].count(";") > 3
    assert "frame.csv" in run(played, "audit", "ask", "frame", "--csv", str(into), ends=1)
    early = json.loads(run(played, "audit", "ask", "recipients", "--at", "2023-08-20", "--json"))
    assert early["items"] == []
    assert "as of 2023-08-20" in early["scope"]
    assert "Did you mean four-eyes?" in run(played, "audit", "ask", "four-eye", ends=1)
    assert "No call 'none'" in run(played, "audit", "ask", "frame", "--call", "none", ends=1)


def test_other_rules_are_tried_on_the_real_cases_and_nothing_is_written(
    played: dict[str, str], tmp_path: Path
) -> None:
    changed = tmp_path / "changed"
    for name, text in definition_files(CALL_FOLDER).items():
        path = changed / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace('frame = "7900000.00"', 'frame = "900000.00"'))
    before = run(played, "ledger", "checkpoint")
    told = run(played, "audit", "whatif", "--definition", str(changed), "--call", CALL)
    assert "would have come out otherwise" in told
    assert "Nothing was written." in told
    assert run(played, "ledger", "checkpoint") == before
