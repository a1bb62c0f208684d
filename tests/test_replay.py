"""A call's year played again: every event of the call in words, how it stood after each, at the pace that is asked."""

from __future__ import annotations

import io
import os
import pty
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import ledger_keys
from rich.console import Console
from spoken import speaking
from steps import CALL_FOLDER

from grantflow.app import App
from grantflow.cli.replay import Step, how_it_stands, play, speed_for, steps_of
from grantflow.definitions import definition_files
from grantflow.demo import Story, play_areas
from grantflow.demo import play as play_year
from grantflow.domain.money import kroner
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spoken import Answer

CALL, AREAS = "imdi-2023-tillegg", "eksempel-2025-omrader"
COMMAND = str(Path(sys.executable).parent / "grantflow")


@pytest.fixture(scope="module")
def app(module_database_url: str) -> Iterator[App]:
    """Two calls, played in one log."""
    with Store(module_database_url) as store:
        app = App.on(store, ledger_keys())
        play_year(app, definition_files(CALL_FOLDER), Story(12))
        play_areas(app, definition_files(CALL_FOLDER.parent / AREAS), Story(seed=7))
        app.projector.catch_up()
        yield app


@pytest.fixture
def say(
    app: App, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Give what runs one command on those."""
    return speaking(app.store.database_url, monkeypatch, capsys)


def steps(app: App) -> list[Step]:
    return list(steps_of(iter(app.store.read(0, 100_000)), CALL))


@pytest.mark.parametrize("call", [CALL, AREAS])
def test_every_event_of_the_call_is_a_step_and_the_last_says_how_the_call_stands(
    app: App, say: Callable[..., Answer], call: str
) -> None:
    told = say("replay", "--call", call, "--json").json
    counted = app.projector.rows(
        "SELECT count(*)::int AS n FROM audit_trail"
        " WHERE stream IN (SELECT case_id FROM case_list WHERE call = %(call)s)",
        {"call": call},
    )
    cases = app.projector.rows("SELECT number, state FROM case_list WHERE call = %(call)s", {"call": call})
    assert len([step for step in told["steps"] if step["case"]]) == counted[0]["n"]
    assert {step["case"] for step in told["steps"]} - {""} == {row["number"] for row in cases}
    positions = [step["position"] for step in told["steps"]]
    assert positions == sorted(set(positions))
    last, frame = told["steps"][-1], app.service.states.frame(call)
    assert last["cases"] == Counter(row["state"] for row in cases)
    assert (last["used"], last["frame"]) == (kroner(frame.committed_ore), kroner(frame.limit_ore))


def test_piped_it_is_plain_lines_without_waiting_and_at_last_how_it_stands(
    app: App, say: Callable[..., Answer]
) -> None:
    begun = time.monotonic()
    out = say("replay", "--call", CALL, "--speed", "1").out
    assert time.monotonic() - begun < 10
    lines = out.splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == [step.line.split(":")[0] for step in steps(app)]
    assert "Began an application for" in out
    assert "closed" in lines[-1]
    assert "granted" in lines[-1]
    assert "\x1b" not in out


def test_a_part_of_the_year_begins_with_how_the_call_stood_by_then(say: Callable[..., Answer]) -> None:
    part = say("replay", "--call", CALL, "--from", "2023-08-28", "--until", "2023-08-28", "--json").json[
        "steps"
    ]
    assert part
    assert all("2023-08-27T22:00:00Z" <= step["at"] < "2023-08-28T22:00:00Z" for step in part)
    assert sum(part[0]["cases"].values()) > 1
    assert say("replay", "--call", CALL, "--from", "2030-01-01").out == "Nothing happened.\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--call", "nothing"), "No call 'nothing' is published"),
        (("--call", CALL, "--from", "2023-09-01", "--until", "2023-08-01"), "lies before --from"),
        (("--call", CALL, "--from", "soon"), "is not an instant"),
        (("--call", CALL, "--until", "9999-12-31"), "no calendar goes that far"),
    ],
)
def test_what_cannot_be_played_is_refused(
    say: Callable[..., Answer], words: tuple[str, ...], says: str
) -> None:
    answer = say("replay", *words)
    assert (answer.code, answer.out) == (1, "")
    assert says in answer.err


def test_on_a_terminal_time_runs_at_the_speed_that_is_asked_and_the_last_line_stands_below(app: App) -> None:
    all_of_it = steps(app)
    order = list(app.service.states.call(CALL, app.service.states.announcement(CALL).digest).process.states)
    span = (all_of_it[-1].at - all_of_it[0].at).total_seconds()
    assert speed_for(all_of_it) == pytest.approx(span / 30)
    screen = io.StringIO()
    begun = time.monotonic()
    play(Console(file=screen, force_terminal=True, width=200), all_of_it, span / 1.5, order)
    assert 1.5 <= time.monotonic() - begun < 6
    shown = screen.getvalue()
    assert [shown.count(step.line) > 0 for step in all_of_it] == [True] * len(all_of_it)
    assert how_it_stands(all_of_it[-1], order).partition("  |")[0] in shown[-400:]


def test_an_interrupt_ends_it_quietly(app: App) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "GRANTFLOW_DATABASE_URL": app.store.database_url, "TERM": "xterm"}
    words = [COMMAND, "replay", "--call", CALL, "--speed", "1"]
    with subprocess.Popen(
        words, env=environment, stdout=theirs, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as process:
        seen = b""
        while b"granted" not in seen:
            seen += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    os.close(theirs)
    os.close(ours)
    assert (process.returncode, err) == (130, b"")
