"""docs/calls.md is held against the engine: its tables, its rules, its commands."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest
from given import STAVANGER
from structlog.testing import capture_logs

from grantflow import logs
from grantflow.cli.commands import app, run
from grantflow.domain import call_file, notice_rules, occasions, parts, process, rules
from grantflow.domain import decision as deciding
from grantflow.domain import lifecycle as _with_every_command  # noqa: F401
from grantflow.domain.command import COMMANDS
from grantflow.domain.forms import Form
from grantflow.domain.guards import GUARDS, VOIDS
from grantflow.domain.letters import PLACEHOLDERS
from grantflow.domain.register import valid_account
from grantflow.domain.roles import DIRECTORATE, MUNICIPAL
from grantflow.domain.rules import FACTS, FUNCTIONS, Condition, context_of
from grantflow.domain.step_roles import ROLES_OF
from grantflow.inspection import inspect
from grantflow.inspection.roles import WITHOUT_DECLARATION
from grantflow.inspection.safety import RULES
from grantflow.inspection.walks import APART

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

from calls_page import BARE, PAGE, WORKED, Block, at, blocks, in_ticks, rows, section, worked, written

TABLES: tuple[tuple[str, type[msgspec.Struct]], ...] = (
    ("`[application]`", call_file.ApplicationFacts),
    ("`[[areas]]`", call_file.Area),
    ("`[[stages]]`", call_file.Stage),
    ("`[[deadlines]]`", call_file.DeadlineFile),
    ("`[[criteria]]`", call_file.Criterion),
    ("`[[themes]]`", call_file.Theme),
    ("`[[rules]]`", rules.Rule),
    ("`[attachments]`", call_file.AttachmentLimits),
    ("`[letter]`", call_file.LetterRules),
    ("`[legal_regime]`", call_file.LegalRegime),
    ("`[retention]`", call_file.Retention),
    ("`[reporting]`", call_file.Reporting),
    ("`[consultation]`", call_file.ConsultationFile),
    ("`[payments]`", call_file.Payments),
    ("`[state_aid]`", call_file.StateAid),
    ("`[[assumptions]]`", call_file.Assumption),
    ("`[[states]]`", process.State),
    ("`[[steps]]`", process.Step),
    ("`[[apart]]`", process.Apart),
    ("One letter in one language: `[grant.nb]`", call_file.LetterText),
    ("`[[notices]]`", notice_rules.NoticeRule),
    ('One block: `purpose = { heading = "…", text = "…" }`', call_file.Block),
)
OF_FILES: tuple[type[msgspec.Struct], ...] = (call_file.CallFile, process.ProcessFile, call_file.LettersFile)
"""What the tables under `The file itself` show, in the page's order."""


def tables() -> Iterator[tuple[str, type[msgspec.Struct], dict[str, list[str]]]]:
    """Each table of keys: its heading, the struct that the file is read into, and its rows."""
    for heading, kind in TABLES:
        yield heading, kind, rows(section(heading))
    texts = re.findall(r"^### The file itself\n(.*?)(?=^#+ |\Z)", BARE, re.MULTILINE | re.DOTALL)
    for kind, text in zip(OF_FILES, texts, strict=True):
        yield kind.__name__, kind, rows(text)


def test_every_key_of_every_table_stands_on_the_page_and_no_other() -> None:
    for heading, kind, told in tables():
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        assert list(told) == list(fields), heading
        for key, field in fields.items():
            assert (told[key][2] == "yes") is field.required, f"{heading} {key}"
            if isinstance(field.default, str | int) and not told[key][1].startswith("CEL"):
                shown = told[key][2].strip('"')
                assert shown in (str(field.default), str(field.default).lower()), f"{heading} {key}"


def choices(kind: Any) -> Iterator[str]:
    """The texts that a type allows, where it lists them."""
    if get_origin(kind) is Literal:
        yield from (str(one) for one in get_args(kind))
    for inner in get_args(kind):
        yield from choices(inner)


def test_every_choice_of_a_key_stands_in_its_row() -> None:
    for heading, kind, told in tables():
        for name, hint in get_type_hints(kind).items():
            key = {field.name: field.encode_name for field in msgspec.structs.fields(kind)}[name]
            for one in choices(hint):
                assert f'"{one}"' in told[key][3] or kind is call_file.LettersFile, f"{heading} {key}: {one}"


def steps() -> dict[str, list[str]]:
    return rows(section("Every step of the engine").partition("Groups of fields")[0])


def test_every_step_stands_on_the_page_with_its_content_its_guards_and_what_it_undoes() -> None:
    told = steps()
    assert set(told) == {*COMMANDS, "close"}
    for step, (_, _, content, before, undoes, _) in told.items():
        fields = msgspec.structs.fields(COMMANDS[step]) if step in COMMANDS else ()
        shown = re.findall(r"(?:^|; )(\*\*)?`(\w+)`", content)
        assert shown == [("**" if field.required else "", field.encode_name) for field in fields], step
        alternatives = tuple(frozenset(in_ticks(one)) for one in before.split(" or ") if one != "—")
        assert alternatives == GUARDS.get(step, ()), step
        assert set(in_ticks(undoes)) == VOIDS.get(step, frozenset()), step


def test_every_choice_of_a_step_stands_in_its_row() -> None:
    told = steps()
    for step, kind in COMMANDS.items():
        for name, hint in get_type_hints(kind).items():
            if name in kind.__struct_fields__:
                assert set(choices(hint)) <= set(in_ticks(told[step][2])), step


def test_every_group_of_fields_is_told_whole() -> None:
    groups: dict[str, type[msgspec.Struct]] = {
        "grounds": parts.Grounds,
        "confirmations": deciding.Confirmations,
        "conditions": parts.SpecialCondition,
        "instalments": deciding.PlannedInstalment,
        "later_years": deciding.Intention,
        "exemption": parts.Exemption,
    }
    told = rows(section("Every step of the engine").partition("Groups of fields")[2])
    assert set(told) == set(groups)
    for group, kind in groups.items():
        shown = re.findall(r"(\*\*)?`(\w+)`", told[group][1])
        fields = [("**" if f.required else "", f.encode_name) for f in msgspec.structs.fields(kind)]
        assert [one for one in shown if one[1] != "true"] == fields, group


def test_the_shared_process_is_told_as_it_is() -> None:
    shared = worked("sprakkafe-2027").process
    for step, row in steps().items():
        assert in_ticks(row[5]) == list(shared.steps[step].roles), step
    text = section("The shared process `tilskudd`")
    told = rows(text)
    assert list(told) == list(shared.states)
    for state, (first, name, from_there) in told.items():
        assert ("(final)" in first) is shared.states[state].final
        assert name == shared.states[state].name["nb"]
        arrows = {
            step: target or state for step, target in re.findall(r"`([\w-]+)`(?: → ([\w-]+))?", from_there)
        }
        assert arrows == {step: shared.target(step, state) for step in shared.steps_from(state)}, state
    apart = [tuple(in_ticks(line)) for line in text.splitlines() if line.startswith("- ")]
    assert apart == [one.steps for one in shared.apart]


def test_every_role_fact_function_and_placeholder_is_told() -> None:
    whose = {
        "the applicant's": MUNICIPAL,
        "the directorate's": DIRECTORATE - {"clock", "integration"},
        "the machine's": {"clock", "integration"},
    }
    told = rows(section("Roles"))
    assert {role: row[1] for role, row in told.items()} == {
        role: owner for owner, owned in whose.items() for role in owned
    }
    facts = rows(section("What a rule can name"))
    assert [name for name in facts if name.startswith("facts.")] == [f"facts.{fact}" for fact in FACTS]
    language = rows(section("The language, as far as you need it"))
    assert {name.partition("(")[0] for name in language} == FUNCTIONS
    assert set(rows(section("What is filled in"))) == {f"${name}" for name in PLACEHOLDERS}


def test_every_step_is_told_with_the_roles_it_can_have() -> None:
    told: dict[str, set[str]] = {}
    for steps, roles in rows(section("Which roles a step can have")).values():
        whose = set(MUNICIPAL) if "the applicant's" in roles else set()
        told |= dict.fromkeys(in_ticks(steps), whose | set(in_ticks(roles)))
    assert told == ROLES_OF


def test_every_event_that_a_notice_can_tell_of_stands_on_the_page_with_what_it_fills_in() -> None:
    text = section("What a notice can tell of")
    told = {kind: (frozenset(in_ticks(row[1])), tuple(in_ticks(row[2]))) for kind, row in rows(text).items()}
    assert told == occasions.EVENTS
    named = in_ticks(text.partition("Always:")[2].partition("| event")[0])
    assert {*occasions.ALWAYS, *occasions.TIMED} <= set(named)


def test_every_safety_rule_and_every_pair_that_must_differ_is_told() -> None:
    proved = section("What `call check` proves")
    assert [line[2:] for line in proved.splitlines() if line.startswith("- ")] == [one.says for one in RULES]
    pairs = [tuple(in_ticks(line)) for line in section("`[[apart]]`").splitlines() if line.startswith("- ")]
    assert pairs == list(APART)


def test_the_story_on_the_page_is_what_check_tells(tmp_path: Path) -> None:
    shutil.copytree(WORKED / "samarbeid-2027", tmp_path / "call")
    file = tmp_path / "call" / "process.toml"
    arrows = 'moves = { draft = "draft", approved = "draft" }'
    text = file.read_text(encoding="utf-8")
    assert text.count(arrows) == 1
    file.write_text(text.replace(arrows, arrows.replace(" }", ', submitted = "draft" }')), encoding="utf-8")
    assert [str(one).removeprefix(f"{file.parent}/") + "\n" for one in inspect(file.parent)] == [
        block.text for block in blocks() if block.text.startswith("process.toml:")
    ]


# The rules


def holds(expression: str, content: dict[str, Any]) -> Any:
    context = context_of(content, worked("sprakkafe-2027").register, at(1))
    return Condition(expression).value(context)


def test_each_line_of_the_language_gives_what_the_page_says() -> None:
    (content,) = (json.loads(block.text) for block in blocks("json", "content"))
    (block,) = blocks("cel", "cel: values")
    lines = [line.rpartition(" // ") for line in block.text.splitlines() if not line.startswith("//")]
    assert len(lines) > 40
    for expression, _, gives in lines:
        assert holds(expression, content) == json.loads(gives), expression


@pytest.mark.parametrize("rule", blocks("cel", "cel: rule"), ids=lambda block: block.text.splitlines()[-1])
def test_a_rule_to_copy_is_true_and_false_where_the_page_says(rule: Block) -> None:
    said = re.findall(r"^// (true|false): +(\{.*\})$", rule.text, re.MULTILINE)
    assert {verdict for verdict, _ in said} == {"true", "false"}
    for verdict, content in said:
        truth = holds(rule.text, json.loads(content))
        assert (truth is True) is (verdict == "true"), content


def test_there_are_at_least_ten_rules_to_copy() -> None:
    assert len(blocks("cel", "cel: rule")) >= 10


# The commands


def expected(text: str) -> str:
    """A pattern for a command's output: `…` stands for anything on its line, and spaces for any spaces.

    Alone on its line it stands for any number of lines.
    """
    if text.strip() == "…":
        return r"(?s).*"
    lines = [re.sub(r"─+", "", line).split() for line in text.splitlines()]
    patterns = [
        r"(?s:.*?)" if line == ["…"] else r"\s+".join(re.escape(word).replace("…", r"\S.*?") for word in line)
        for line in lines
    ]
    return r"\s*" + r"\s+".join(line for line in patterns if line) + r"\s*"


def played(command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> str:
    """What a command prints, on both channels. Ours run in this process, to be quick."""
    words = shlex.split(command)
    if words[0] != "grantflow":
        subprocess.run(["bash", "-c", command], check=True, timeout=60)  # noqa: S607 - as people type it
    else:
        monkeypatch.setattr(sys, "argv", words)
        with capture_logs(), pytest.raises(SystemExit):
            run()
    said = capfd.readouterr()
    return re.sub(r"─+", "", said.out + said.err)


def test_every_command_of_the_page_prints_what_the_page_says(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(WORKED, tmp_path / "docs" / "calls")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRANTFLOW_DATABASE_URL", database_url)
    monkeypatch.setattr(logs, "set_up", lambda *_, **__: None)
    typed = 0
    for block in blocks():
        written(tmp_path, block)
        if block.kind == "console":
            for command in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                line, _, output = command.partition("\n")
                printed = played(line, monkeypatch, capfd)
                assert re.fullmatch(expected(output), printed), f"$ {line}\n{printed}"
                typed += 1
    assert typed >= 50


def test_every_command_about_calls_cases_and_authority_stands_on_the_page() -> None:
    for group in app.registered_groups:
        assert group.typer_instance is not None
        for command in group.typer_instance.registered_commands:
            assert command.callback is not None
            words = f"{group.name} {command.name or command.callback.__name__}"
            assert group.name not in {"call", "case", "authority"} or words in PAGE, words


def test_the_numbers_to_try_with_are_what_the_page_says() -> None:
    register, told = worked("sprakkafe-2027").register, rows(section("10.4 How do I test my call?"))
    for number, (_, says) in told.items():
        if "account" in says:
            assert valid_account(number)
            continue
        assert (register.municipality(number, at(1)) is not None) is ("municipality" in says), says
        assert (register.county(number, at(1)) is not None) is ("county" in says), says
        assert (register.language_form(number, at(1)) == "nn") is ("nynorsk" in says), says
    oslo = register.municipality("958935420", at(1))
    district = register.district("030101", at(1))
    assert oslo is not None
    assert district is not None
    assert district.municipality == oslo.number


def test_the_steps_that_need_no_declaration_are_told() -> None:
    told = [line for line in section("What must be there").splitlines() if line.startswith("- ")]
    assert {line.strip("- `") for line in told} == WITHOUT_DECLARATION


def test_the_blocks_to_copy_are_a_schema() -> None:
    (block,) = (one for one in blocks("json") if one.text.startswith('{\n  "$defs"') and not one.note)
    form = {"properties": {"all": {"properties": {}}}, **json.loads(block.text)}
    names = form["$defs"]
    form["properties"]["all"]["properties"] = {name: {"$ref": f"#/$defs/{name}"} for name in names}
    good = {"money": "250000.00", "day": "2027-03-01", "orgnr": STAVANGER, "must_be_confirmed": True}
    assert Form("f", json.dumps(form)).check({"all": good}, complete=True, section=None) == ()


def test_links_lead_to_headings() -> None:
    headings = re.findall(r"^#+ (.*)$", BARE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert not {link for link in re.findall(r"\]\(#([^)]+)\)", BARE) if link not in anchors}
