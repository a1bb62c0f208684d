"""How the real process ends when the world around it is not as it should be: quietly, or in one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import psycopg
import pytest
from steps import CALL_FOLDER

from grantflow.cli import main

COMMAND = [str(Path(sys.executable).parent / "grantflow")]
NOWHERE = "postgresql://nobody:hemmelig@127.0.0.1:1/nothing"


def started(url: str, *words: str | bytes, **how: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "GRANTFLOW_DATABASE_URL": url}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
    return subprocess.Popen([*COMMAND, *words], env=environment, text=True, **pipes)  # type: ignore[call-overload,no-any-return]


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out or "", err or ""


def test_a_reader_who_has_seen_enough_ends_it_quietly() -> None:
    with started(NOWHERE, "call", "draw", str(CALL_FOLDER), "--format", "svg") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        assert ended(process) == (0, "", "")


@pytest.mark.usefixtures("stage")
def test_an_interrupt_ends_it_quietly(database_url: str) -> None:
    with started(database_url, "demo", "--applications", "2000") as process:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        code, _, err = ended(process)
    assert (code, err) == (130, "")


def test_an_interrupt_while_it_starts_is_as_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "grantflow.cli.commands", ModuleType("commands"))
    monkeypatch.setattr(sys.modules["grantflow.cli.commands"], "run", interrupted, raising=False)
    monkeypatch.setattr(sys, "argv", ["grantflow", "case", "list"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130


@pytest.mark.parametrize("words", [("case", "list"), ("demo",), ("work", "--once")])
def test_a_database_that_does_not_answer_is_told_in_one_sentence(words: tuple[str, ...]) -> None:
    code, out, err = ended(started(NOWHERE, *words))
    assert (code, out) == (1, "")
    assert err.startswith("Refused (database-unavailable): The database does not answer: ")
    assert "Connection refused" in err
    assert "grantflow settings" in err
    assert "hemmelig" not in err
    assert err.count("\n") == 1


def test_a_right_that_is_missing_in_the_database_is_told_in_one_sentence(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as owner:
        owner.execute("CREATE ROLE cli_reader LOGIN")
        reader = psycopg.conninfo.make_conninfo(empty_database_url, user="cli_reader")
        code, _, err = ended(started(reader, "call", "list"))
        owner.execute("DROP ROLE cli_reader")
    assert code == 1
    assert err.startswith("Refused (database-refused): The database refused: permission denied")
    assert err.count("\n") == 1


def test_an_argument_that_is_no_text_is_wrong_usage() -> None:
    code, _, err = ended(started(NOWHERE, "case", "show", b"\xff-0001"))
    assert code == 2
    assert err == "Argument 3, '\\udcff-0001', is not text in UTF-8.\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_disk_that_is_full_is_told() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        code, _, err = ended(started(NOWHERE, "settings", stdout=full.fileno()))
    assert (code, err) == (1, "The answer can't be written: No space left on device.\n")


def test_closed_standard_streams_are_told() -> None:
    closed = ["/bin/sh", "-c", '"$0" settings >&-', *COMMAND]
    done = subprocess.run(closed, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Standard output is closed")
    asked = '"$0" case do X edit --data - --as a --role applicant --org 958935420 <&-'
    done = subprocess.run(["/bin/sh", "-c", asked, *COMMAND], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "The content of standard input is not JSON" in done.stderr
