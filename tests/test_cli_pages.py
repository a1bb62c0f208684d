"""What people and scripts read at the command line, on a year that was played: in this process, to be quick."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import typer
from conftest import ledger_keys
from steps import CALL_FOLDER
from structlog.testing import capture_logs

from grantflow import logs
from grantflow.app import App
from grantflow.cli.commands import app, run
from grantflow.cli.output import console, visible
from grantflow.definitions import definition_files
from grantflow.demo import Story, play
from grantflow.domain.decision import ApplicationGranted
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typer.models import CommandInfo

CALL = "imdi-2023-tillegg"
FIRST = f"{CALL}-0001"
IMDI = "987879696"
LEAD = ("--as", "imdi-lead", "--org", IMDI)
OFFICER = ("--as", "imdi-clerk-9", "--role", "case-officer", "--org", IMDI)


class Answer(NamedTuple):
    """How a command ended: its exit code, and what it said where."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(scope="module")
def year(module_database_url: str) -> str:
    """Give the address of a database in which a small year was played."""
    with Store(module_database_url) as store:
        opened = App.on(store, ledger_keys())
        play(opened, definition_files(CALL_FOLDER), Story(12))
        opened.projector.catch_up()
    return module_database_url


@pytest.fixture
def say(
    year: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Give what runs one command on that year, as the process would."""
    monkeypatch.setenv("GRANTFLOW_DATABASE_URL", year)
    monkeypatch.setattr(logs, "set_up", lambda *_, **__: None)

    def say(*words: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["grantflow", *words])
        with capture_logs(), pytest.raises(SystemExit) as end:
            run()
        told = capsys.readouterr()
        return Answer(int(end.value.code or 0), told.out, told.err)

    return say


def examples() -> Iterator[tuple[str, list[str]]]:
    """Every command there is, with the examples its help gives."""

    def of(group: typer.Typer, before: tuple[str, ...]) -> Iterator[tuple[CommandInfo, tuple[str, ...]]]:
        for command in group.registered_commands:
            assert command.callback is not None
            yield command, (*before, command.name or command.callback.__name__)
        for inner in group.registered_groups:
            assert inner.typer_instance is not None
            yield from of(inner.typer_instance, (*before, str(inner.name)))

    for command, words in of(app, ()):
        assert command.callback is not None
        assert inspect.getdoc(command.callback), words
        told = (command.epilog or "").partition(": ")[2].split(" / ")
        yield " ".join(words), [example.partition("grantflow ")[2] for example in told]


@pytest.mark.parametrize(("command", "told"), list(examples()))
def test_each_example_in_the_help_is_one_that_the_command_takes(command: str, told: list[str]) -> None:
    assert told
    for example in told:
        assert example.startswith(command), "the example is of this command"
        words = shlex.split(example)
        parsed: Any = typer.main.get_command(app)
        while hasattr(parsed, "commands"):
            parsed = parsed.commands[words.pop(0)]
        parsed.make_context(command, words)


def test_a_case_is_a_page_with_amounts_and_hours_as_people_write_them(say: Callable[..., Answer]) -> None:
    page = say("case", "show", FIRST).out.replace("\N{NO-BREAK SPACE}", " ")
    assert "Closed (avsluttet)" in page
    assert "application deadline  before 29.08.2023 00.00" in page
    assert "00 000 kr" in page or "0 000 kr" in page
    assert "_ore" not in page


def test_a_page_tells_what_can_be_done_then_and_by_whom(say: Callable[..., Answer]) -> None:
    page = say("case", "show", FIRST, "--at", "2023-09-18").out
    assert "Submitted (innsendt)" in page
    possible = page[page.index("Possible now") :]
    assert "request-information" in possible
    assert "applicant, director" in possible


def test_a_list_and_its_json_hold_the_same_cases(say: Callable[..., Answer]) -> None:
    cases = say("case", "list", "--json").json
    assert cases["next"] is None
    assert len(cases["items"]) == 12
    page = say("case", "list").out
    assert all(case["number"] in page for case in cases["items"])


def test_a_history_says_who_did_what_on_what_authority(say: Callable[..., Answer]) -> None:
    page = say("case", "history", FIRST).out
    events = say("case", "history", FIRST, "--json").json["items"]
    (granted,) = (event for event in events if event["topic"] == ApplicationGranted.topic)
    assert granted["authority"].startswith("IMDi-2023-0")
    assert granted["authority"] in page
    assert "Declared no conflict" in page
    assert [event["version"] for event in events] == list(range(1, len(events) + 1))
    assert {"recorded_at", "person", "role", "authority", "state", "facts"} <= set(events[-1])


def test_what_changed_between_two_instants_is_told_in_kroner_and_by_the_clock_in_oslo(
    say: Callable[..., Answer],
) -> None:
    asked = ("case", "diff", FIRST, "--from", "2023-09-22", "--to", "2023-10-20")
    page = say(*asked).out
    assert re.search(r"decision\.amount +[\d\s]+\skr", page)
    assert "25.09.2023 09.0" in page
    assert "_ore" not in page
    found = say(*asked, "--json").json
    assert {"path": "decision.outcome", "before": None, "after": "granted"} in found["changes"]
    assert found["events"]
    quiet = say("case", "diff", FIRST, "--from", "2025-01-01", "--to", "2025-01-02")
    assert (quiet.code, quiet.out) == (0, "Nothing happened.\n")


def test_two_instants_the_wrong_way_round_are_refused(say: Callable[..., Answer]) -> None:
    swapped = say("case", "diff", FIRST, "--from", "2023-10-20", "--to", "2023-09-22")
    assert swapped.code == 1
    assert "lies before --from" in swapped.err


def test_an_answer_to_all_is_read_on_the_calls_page_with_its_rules(say: Callable[..., Answer]) -> None:
    told = say(
        "call", "answer", CALL, "--question", "Kan vi søke sammen?", "--answer", "Ja, én søker.", *LEAD
    )
    assert told.code == 0, told.err
    page = say("call", "show", CALL).out
    assert "Kan vi søke sammen?" in page
    assert "min-participants" in page
    assert say("call", "show", CALL, "--json").json["answers"][-1]["answer"] == "Ja, én søker."


def test_only_the_directorate_behind_a_call_answers_for_it(say: Callable[..., Answer]) -> None:
    other = ("--as", "x", "--org", "958935420")
    assert "not-the-authority" in say("call", "answer", CALL, "--question", "A?", "--answer", "B", *other).err


def test_what_somebody_wrote_can_neither_break_a_page_nor_steer_a_terminal(
    say: Callable[..., Answer], tmp_path: Path
) -> None:
    hostile = "[/b] [red]x[/red] \x9b2J \u202edecalper"
    asked = tmp_path / "declaration.json"
    asked.write_text(json.dumps({"conflict": True, "reason": hostile}))
    rejected = say("case", "list", "--state", "rejected", "--json").json["items"][0]["id"]
    taken = say("case", "do", rejected, "declare-impartiality", "--data", str(asked), *OFFICER)
    assert taken.code == 0, taken.err
    page = say("case", "history", rejected).out
    assert r"[/b] [red]x[/red] \x9b2J \u202edecalper" in page
    assert {"\x9b", "\u202e"} & set(page) == set()


def test_text_is_printed_as_it_stands_and_what_a_terminal_would_obey_is_spelt_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console().print("[/b] [link=https://example.org]her[/link] :smile: Sørøya \x1b[2J")
    assert capsys.readouterr().out == "[/b] [link=https://example.org]her[/link] :smile: Sørøya \\x1b[2J\n"
    assert visible("a\x1b[2Jb\x9bc\u202ed\nå") == "a\\x1b[2Jb\\x9bc\\u202ed\nå"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("case", "list", "--state", "grnted"), "Did you mean granted?"),
        (("case", "list", "--call", "imdi-2022"), "`grantflow call list` names those that are"),
        (("case", "list", "--applicant", "958935421"), "nine digits"),
        (("case", "show", "nowhere"), "`grantflow case list` names those there are"),
        (("case", "show", FIRST, "--at", "yesterday"), "2023-08-28T23:59:59+02:00"),
        (("case", "show", FIRST, "--at", "0001-01-01"), "no such case at that instant"),
        (("case", "do", FIRST, "grnt", *OFFICER), "Did you mean grant?"),
        (("case", "do", FIRST, "grant", *OFFICER[:3], "decidr", *OFFICER[4:]), "Did you mean decider?"),
        (("case", "do", FIRST, "grant", *OFFICER[:3], "clock", *OFFICER[4:]), "There is no role 'clock'"),
        (("case", "do", FIRST, "grant", *OFFICER[:5], "987879697"), "check digit"),
        (("case", "do", FIRST, "grant", "--as", "", *OFFICER[2:]), "1 to 200 printable characters"),
        (("case", "do", FIRST, "grant", "--key", "k" * 201, *OFFICER), "1 to 200 printable characters"),
        (("case", "do", FIRST, "grant", "--key", "a\nb", *OFFICER), "1 to 200 printable characters"),
        (("case", "do", FIRST, "edit", "--data", "/nowhere.json", *OFFICER), "/nowhere.json can't be read"),
        (("case", "do", FIRST, "edit", "--data", "/", *OFFICER), "Is a directory"),
        (("case", "do", FIRST, "edit", "--attach", "/plan.pdf", *OFFICER), "leave --data out"),
        (("call", "draw", str(CALL_FOLDER), "--output", "/nowhere/a.svg"), "can't be written"),
        (("call", "show", "nothing"), "No call 'nothing' is published"),
        (("demo", "--until", "9999-12-31"), "no calendar goes on"),
        (("projections", "check", "case_lst"), "There are: "),
    ],
)
def test_a_refusal_is_one_sentence_that_tells_the_next_step(
    say: Callable[..., Answer], asked: tuple[str, ...], says: str
) -> None:
    answer = say(*asked)
    assert answer.code == 1
    assert says in answer.err
    assert answer.err.startswith("Refused (")
    assert answer.err.count("\n") == 1
    assert answer.out == ""


def test_a_refusal_is_a_document_for_machines(say: Callable[..., Answer]) -> None:
    refused = say("case", "show", "nowhere", "--json")
    assert refused.code == 1
    assert refused.json["code"] == "not-found"
    assert set(refused.json) == {"code", "status", "detail", "failures"}


def test_a_document_is_attached_by_its_name_alone(say: Callable[..., Answer], tmp_path: Path) -> None:
    plan = tmp_path / "plan.pdf"
    plan.write_bytes(b"%PDF-1.7\n")
    late = say("case", "do", FIRST, "attach", "--attach", str(plan), *OFFICER)
    assert "role-not-allowed" in late.err, "the content was taken, and the step judged"


def test_an_empty_list_for_a_name_that_exists_is_an_answer(say: Callable[..., Answer]) -> None:
    nobody = say("case", "list", "--state", "assessed")
    assert (nobody.code, nobody.out) == (0, "There is no such case.\n")
    assert say("case", "list", "--state", "assessed", "--json").json == {"items": [], "next": None}


def test_a_read_model_that_was_tampered_with_is_told_row_by_row(
    say: Callable[..., Answer], year: str
) -> None:
    assert say("projections", "check", "recipients").out == "recipients: no differences\n"
    rebuilt = say("projections", "rebuild", "recipients", "--json").json["items"]
    assert [row["name"] for row in rebuilt] == ["recipients"]
    with Store(year) as store, store.connection() as connection:
        connection.execute("UPDATE read.recipients SET paid_ore = paid_ore + 1")
    found = say("projections", "check", "recipients")
    assert found.code == 3
    assert "live" in found.out
    assert "rebuilt" in found.out
    assert say("projections", "rebuild", "recipients").code == 0
    assert say("projections", "check", "--json").code == 0


def test_settings_tell_what_holds_and_hide_what_is_secret(
    say: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRANTFLOW_DATABASE_URL", "postgresql://me:hemmelig@db.example/grantflow")
    page = say("settings").out
    assert "hemmelig" not in page
    assert "environment" in page
    rows = {row["name"]: row for row in say("settings", "--json").json["items"]}
    assert rows["GRANTFLOW_HOME"]["source"] == "default"
