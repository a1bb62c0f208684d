"""`call check` names file and line of what is wrong with a definition, all of it at once."""

import shutil
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from steps import CALL_FOLDER, call_2023

from grantflow.definitions import definition_files, process_path
from grantflow.domain.call import APPLICATION_FORM, CALL, KEPT_CHARACTERS, PROCESS, Call
from grantflow.domain.process import Process, Step
from grantflow.domain.step_roles import ROLES_OF
from grantflow.inspection import Finding, inspect
from grantflow.inspection.liveness import life_of
from grantflow.inspection.process_file import STEPS
from grantflow.inspection.safety import proofs
from grantflow.inspection.ways import Ways

CASES = tomllib.loads(Path(__file__).with_name("broken_definitions.toml").read_text(encoding="utf-8"))


def test_a_definition_is_read_once_unless_it_is_larger_than_any_that_is_meant() -> None:
    files = definition_files(CALL_FOLDER)
    assert Call.read(files) is Call.read({**files})
    registers = "registers/municipalities.csv"
    large = {**files, registers: files[registers] + "\n" * KEPT_CHARACTERS}
    assert Call.read(large) is not Call.read(large)
    assert Call.read(large).id == Call.read(files).id


def folder(tmp_path: Path) -> Path:
    """A copy of the 2023 call, with its process beside it."""
    copy = tmp_path / "call"
    shutil.copytree(CALL_FOLDER, copy)
    text = (CALL_FOLDER / CALL).read_text()
    shutil.copy(process_path(CALL_FOLDER, text), copy / PROCESS)
    return copy


def edited(copy: Path, file: str, old: str, new: str) -> str:
    """Put something else in the place of its first occurrence; the text afterwards."""
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert old in text, old
    text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return text


@pytest.mark.parametrize("case", CASES["broken"], ids=lambda case: case["says"])
def test_a_broken_definition_is_told_with_its_line(tmp_path: Path, case: dict[str, str]) -> None:
    copy = folder(tmp_path)
    if "process = " in case["old"]:
        (copy / PROCESS).unlink()
    text = edited(copy, case["file"], case["old"], case["new"])
    found = [finding for finding in inspect(copy) if case["says"] in finding.message]
    assert found, [str(finding) for finding in inspect(copy)]
    line = text[: text.index(case["at"])].count("\n") + 1
    assert (found[0].file, found[0].line) == (str(copy / case["file"]), line), found[0]


@pytest.mark.parametrize("case", CASES["told"], ids=lambda case: case["findings"][0])
def test_a_broken_definition_is_told_so_and_nothing_else(tmp_path: Path, case: dict[str, Any]) -> None:
    copy = folder(tmp_path)
    edited(copy, case["file"], case["old"], case["new"])
    assert [str(finding).removeprefix(f"{copy}/") for finding in inspect(copy)] == case["findings"]


def test_a_rule_that_comes_near_to_a_broken_one_is_not_told(tmp_path: Path) -> None:
    copy = folder(tmp_path)
    with (copy / CALL).open("a", encoding="utf-8") as call:
        for number, case in enumerate(CASES["legal"]):
            call.write(
                f'[[rules]]\nid = "legal-{number}"\nrule = "none"\nsource = "made up"\nwhen = ["submit"]\n'
                f"require = '''{case['require']}'''\nmessage = {{ nb = 'Nei.', nn = 'Nei.' }}\n"
            )
    assert inspect(copy) == []


def test_an_item_of_a_list_may_lack_a_field(tmp_path: Path) -> None:
    copy = folder(tmp_path)
    edited(
        copy, APPLICATION_FORM, '"required": ["text", "class", "amount", "year"]', '"required": ["amount"]'
    )
    edited(copy, CALL, "l.year == facts.year", "!has(l.year) || l.year == facts.year")
    found = [str(finding).removeprefix(f"{copy}/") for finding in inspect(copy)]
    assert found == [
        f"call.toml:{line}:1: 'l.class' need not be filled in; ask has(l.class) first" for line in (20, 211)
    ]


@pytest.mark.parametrize("case", CASES["unsafe"], ids=lambda case: case["story"])
def test_an_unsafe_process_is_told_by_the_shortest_path_that_breaks_the_rule(
    tmp_path: Path, case: dict[str, str]
) -> None:
    copy = folder(tmp_path)
    edited(copy, PROCESS, case["old"], case["new"])
    messages = [finding.message for finding in inspect(copy)]
    assert f"{case['rule']}, but: {case['story']}" in messages, messages


@pytest.mark.parametrize(
    "steps", ['["grant", "attest-payment", "authorise-payment"]', '["sign-accounts", "countersign-accounts"]']
)
def test_people_who_must_differ_must_be_declared_apart(tmp_path: Path, steps: str) -> None:
    copy = folder(tmp_path)
    edited(copy, PROCESS, f"steps = {steps}", "steps = []")
    assert any("one person could take both" in finding.message for finding in inspect(copy))


def test_all_mistakes_are_told_in_one_run_in_the_order_of_the_lines(tmp_path: Path) -> None:
    copy = folder(tmp_path)
    for file, old, new in (
        (CALL, "assessors = 1", "assessors = 0"),
        (CALL, "weight = 35", "weight = 30"),
        (CALL, "project.participants >= 10", "project.participant >= 10"),
        (PROCESS, 'roles = ["superior"]', 'roles = ["superiour"]'),
        (APPLICATION_FORM, '"required": ["project",', '"required": ["projects",'),
    ):
        edited(copy, file, old, new)
    found = inspect(copy)
    assert len(found) >= 5
    assert found == sorted(found)


def test_a_folder_without_files_is_told_by_the_one_that_names_the_others(tmp_path: Path) -> None:
    (message,) = [finding.message for finding in inspect(tmp_path)]
    assert "call.toml can't be read" in message


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    copy = folder(tmp_path)
    (copy / CALL).write_bytes(b"\xff\xfe")
    assert [finding.message for finding in inspect(copy) if "is not UTF-8" in finding.message]


def test_the_shipped_call_has_nothing_wrong() -> None:
    assert inspect(CALL_FOLDER) == []


def test_a_finding_reads_as_compilers_write_it() -> None:
    assert str(Finding("call.toml", 7, 3, "what is wrong")) == "call.toml:7:3: what is wrong"


def test_each_of_the_engines_steps_says_whose_it_is_and_the_shared_process_keeps_to_it() -> None:
    assert set(ROLES_OF) == STEPS
    for step in call_2023().process.steps.values():
        assert set(step.roles) <= ROLES_OF[step.id], step.id


def enlarged(**moves: dict[str, str]) -> Process:
    """The shared process with steps of its own until it has sixty, each after the one before; `moves` of some added."""
    shared = call_2023().process.declared
    own: list[Step] = []
    while len(shared.steps) + len(own) < 60:
        arrows = {state: state for state in ("draft", "submitted", "assessed")}
        after = tuple(step.id for step in own[-1:])
        own.append(
            Step(f"own-{len(own)}", {}, arrows, ("case-officer",), impartial=True, after=after, form="f")
        )
    waiting = {"submit": own[3].id, "grant": own[-1].id}
    steps = [
        msgspec.structs.replace(
            step,
            moves={**step.moves, **moves.get(step.id, {})},
            after=(*step.after, *([waiting[step.id]] if step.id in waiting else [])),
        )
        for step in (*shared.steps, *own)
    ]
    return Process(msgspec.structs.replace(shared, steps=tuple(steps)))


@pytest.mark.parametrize(
    "moves",
    [
        {},
        {"edit": {"submitted": "submitted"}},
        {"grant": {"submitted": "granted", "draft": "granted"}},
        {"reverse": {"paid": "draft"}},
        {"confirm-payment": {"paid": "paid"}},
    ],
    ids=str,
)
def test_the_work_of_a_walk_is_bounded(moves: dict[str, dict[str, str]]) -> None:
    """Counted, not timed: how many situations are looked at in a process of sixty steps, sound or broken."""
    ways = Ways(enlarged(**moves))
    proved = list(proofs(ways))
    assert len(ways.process.steps) == 60
    assert bool(moves) == any(proof.path for proof in proved)
    assert life_of(ways).situations + sum(proof.situations for proof in proved) < 20_000
