"""`grantflow import` as scripts meet it: the real process, what it answers, how it ends, and when it is killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
from conftest import fresh_database
from imported import edit, facts, start, whole_cases
from steps import CALL_FOLDER
from variants import by_lead

from grantflow.cli.importing import bring_in
from grantflow.definitions import definition_files
from grantflow.domain.errors import BadRequest
from grantflow.service import Service
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [str(Path(sys.executable).parent / "grantflow"), "import"]
LONG = os.environ.get("GRANTFLOW_LONG_TESTS") == "1"
LINES, KILLS = (100_000, 12) if LONG else (2_000, 3)
MOST_MEMORY = 150_000_000


def begun(url: str, *words: str, **pipes: Any) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "GRANTFLOW_LONG_TESTS"}
    return subprocess.Popen(
        [*COMMAND, *words],
        env={**inherited, "GRANTFLOW_DATABASE_URL": url},
        text=True,
        **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes},
    )


def ended(url: str, *words: str, **pipes: Any) -> tuple[int, str, str]:
    with begun(url, *words, **pipes) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def published(module_database_url: str) -> str:
    """The address of a database in which the 2023 call is published, for all the tests of this module."""
    publish(module_database_url)
    return module_database_url


def publish(url: str) -> None:
    with Store(url) as store:
        Service(store).calls.publish(definition_files(CALL_FOLDER), by_lead("publish"))


def test_it_says_what_became_of_the_lines_to_people_and_to_machines(published: str, tmp_path: Path) -> None:
    file, refused = tmp_path / "commands.jsonl", tmp_path / "refused.jsonl"
    bad = b'{"key": "bad", "step": "edit"}\n'
    file.write_bytes(start("a") + edit("k1", "a") + bad * 1_100)
    code, out, err = ended(published, str(file), "--dry-run")
    assert (code, err) == (3, "")
    assert "1102 lines: 2 would be done, 0 done before, 1100 would be refused." in out
    assert "The first 20 of 1100" in out
    code, out, err = ended(published, str(file), "--json", "--refused", str(refused))
    assert (code, err) == (3, "")
    report = json.loads(out)
    first = report.pop("refused")
    assert report == {
        "dry_run": False,
        "lines": 1_102,
        "last_line": 1_102,
        "done": 2,
        "repeated": 0,
        "untold": 0,
        "refused_lines": 1_100,
        "steps": {"start": {"done": 1}, "edit": {"done": 1}},
        "codes": {"bad-request": 1_100},
        "stopped": None,
    }
    assert len(first) == 1_000
    assert first[0] == {
        "line": 3,
        "key": "bad",
        "step": "edit",
        "code": "bad-request",
        "detail": "The line does not fit: Object missing required field `person`.",
        "failures": [],
    }
    told = [json.loads(one) for one in refused.read_text().splitlines()]
    assert [one["line"] for one in told] == list(range(3, 1_103))
    file.write_bytes(start("a") + edit("k1", "a"))
    code, out, err = ended(published, str(file))
    assert (code, err) == (0, "")
    assert "2 lines: 0 done, 2 done before, 0 refused." in out


def test_standard_input_and_a_pipe_are_read_to_their_end(published: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(start("fifo") + edit("f1", "fifo")))
    writer.start()
    code, out, _ = ended(published, str(pipe), "--json")
    writer.join()
    assert (code, json.loads(out)["done"]) == (0, 2)
    source = tmp_path / "commands.jsonl"
    source.write_bytes(start("stdin") + edit("s1", "stdin"))
    with source.open("rb") as file:
        code, out, _ = ended(published, "-", "--json", stdin=file)
    assert (code, json.loads(out)["done"]) == (0, 2)


def test_what_can_not_be_read_or_written_is_told_before_anything_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "commands.jsonl"
    file.write_bytes(start("b"))
    for words, says in (
        ((str(tmp_path),), "can't be read: Is a directory"),
        ((str(tmp_path / "none"),), "can't be read: No such file"),
        ((str(file), str(tmp_path)), "can't be written: Is a directory"),
        ((str(file), str(file)), "is the file that is imported"),
    ):
        with pytest.raises(BadRequest, match=says):
            bring_in(*words)
    assert file.read_bytes() == start("b")


def test_a_file_with_nothing_in_it_and_one_that_fails_while_it_is_read(
    published: str, tmp_path: Path
) -> None:
    file = tmp_path / "commands.jsonl"
    file.write_bytes(b"")
    assert ended(published, str(file)) == (0, "There is no line in it.\n", "")
    if Path("/proc/self/mem").exists():
        code, out, err = ended(published, "/proc/self/mem", "--json")
        assert (code, json.loads(out)["stopped"]["code"]) == (1, "bad-request")
        assert "can be read no further: Input/output error. Everything to line 0 is answered" in err


def test_a_database_that_goes_away_stops_it_and_it_says_how_far_it_came(
    published: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "commands.jsonl"
    file.write_bytes(start("c") + b"".join(edit(f"c{n}", "c", contact_role=f"Rolle {n}") for n in range(600)))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    monkeypatch.setenv("GRANTFLOW_DATABASE_URL", published)
    program = [sys.executable, "-c", "import away; away.main()", "import", str(file), "--json"]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert (report["lines"], report["done"], report["last_line"]) == (512, 512, 512)
    assert report["stopped"]["code"] == "database-unavailable"
    assert "Everything to line 512 is answered; the same again goes on from there." in done.stderr
    code, out, _ = ended(published, str(file), "--json")
    assert (code, json.loads(out)["repeated"], json.loads(out)["done"]) == (0, 512, 89)


@pytest.mark.timeout(1_800 if LONG else 120)
def test_an_import_that_is_killed_again_and_again_comes_to_what_one_clean_run_gives(
    server: str, template: str, tmp_path: Path
) -> None:
    chosen = random.Random(LINES)  # noqa: S311 - no secret
    file = tmp_path / "commands.jsonl"
    with file.open("wb") as writing:
        writing.writelines(whole_cases(chosen, LINES))
    with fresh_database(server, template) as clean, fresh_database(server, template) as cut:
        publish(clean)
        publish(cut)
        first = _to_the_end(clean, file)
        with psycopg.connect(cut, autocommit=True) as looking:
            for kill_at in sorted(chosen.sample(range(LINES // 10, LINES * 9 // 10), KILLS)):
                _killed(cut, file, looking, kill_at)
        last = _to_the_end(cut, file)
        assert (first["repeated"], last["done"] + last["repeated"]) == (0, first["done"])
        assert last["repeated"] > LINES // 10
        assert first["done"] > LINES * 0.9
        assert last["codes"] == first["codes"]
        assert set(first["codes"]) == {"bad-request", "not-found", "rules-failed"}
        again = _to_the_end(cut, file)
        assert (again["done"], again["repeated"]) == (0, first["done"])
        with Store(clean) as one, Store(cut) as other:
            assert _same(facts(one), facts(other))


def _same(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    """Whether they are equal, without telling at length how they differ."""
    return one == other


def _killed(url: str, file: Path, looking: psycopg.Connection[Any], kill_at: int) -> None:
    """Import until so many events are in the log, and kill it there."""
    with begun(url, str(file)) as process:
        for _ in _watched(process):
            row = looking.execute("SELECT coalesce(max(notification_id), 0) FROM stored_events").fetchone()
            if row is not None and row[0] >= kill_at:
                break
        process.kill()
        process.communicate()


def _to_the_end(url: str, file: Path) -> dict[str, Any]:
    answer = file.with_name("report.json")
    with answer.open("w") as out, begun(url, str(file), "--json", stdout=out) as process:
        for _ in _watched(process):
            pass
        _, err = process.communicate()
    assert (process.returncode, err) == (3, "")
    report: dict[str, Any] = json.loads(answer.read_text())
    assert report["lines"] == sum(report[what] for what in ("done", "repeated", "refused_lines"))
    return report


def _watched(process: subprocess.Popen[str]) -> Iterator[None]:
    """Every few milliseconds until it has something to say at its end; its memory is looked at each time."""
    known = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            assert known.memory_info().rss < MOST_MEMORY
        except psutil.NoSuchProcess:
            return
        yield
        time.sleep(0.005)
