"""docs/calls.md is held against the engine: its tables, its rules, its commands, and its three worked calls."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest
from given import FRAME, OWN, STAVANGER, Given, Step

from grantflow.definitions import definition_files
from grantflow.domain import call_file, parts, process, rules
from grantflow.domain import decision as deciding
from grantflow.domain import lifecycle as _with_every_command  # noqa: F401
from grantflow.domain.call import CALL, Call, DefinitionError
from grantflow.domain.command import COMMANDS
from grantflow.domain.errors import NotReady, PastDeadline, RulesFailed, SamePerson
from grantflow.domain.forms import Form
from grantflow.domain.frame import Frame
from grantflow.domain.guards import GUARDS, VOIDS
from grantflow.domain.letters import PLACEHOLDERS
from grantflow.domain.roles import DIRECTORATE, MUNICIPAL
from grantflow.domain.rules import FACTS, FUNCTIONS, Condition, context_of
from grantflow.inspection import inspect
from grantflow.inspection.safety import RULES
from grantflow.inspection.walks import APART

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parent.parent
WORKED = CHECKOUT / "docs" / "calls"
NAMES = ("sprakkafe-2027", "samarbeid-2027", "skisser-2027")
PAGE = (CHECKOUT / "docs" / "calls.md").read_text(encoding="utf-8")
ROGALAND = "971045698"
GROUNDS = {"rule": "Utlysningen.", "facts": "Planen er god.", "considerations": "Blant de beste."}
CONFIRMED = {"legal_basis": True, "budget_cover": True, "economically_sound": True}
_FENCED = re.compile(
    r"^(?:<!-- (?P<note>[^\n]*) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


class Block(msgspec.Struct, frozen=True):
    """A fenced block of the page: what kind it is, what the invisible note above it says, and its text."""

    kind: str
    note: str
    text: str


def blocks(kind: str = "", note: str = "") -> list[Block]:
    """The page's blocks of a kind whose note begins so, in order."""
    found = [Block(one["kind"], one["note"] or "", one["text"]) for one in _FENCED.finditer(PAGE)]
    return [one for one in found if kind in ("", one.kind) and one.note.startswith(note)]


@cache
def worked(name: str) -> Call:
    """A worked call, read from its folder once."""
    return Call.read(definition_files(WORKED / name))


# The worked calls


def test_the_page_shows_every_file_of_the_worked_calls_as_it_is() -> None:
    shown = {block.note: block.text for block in blocks(note="docs/calls/")}
    files = {
        str(path.relative_to(CHECKOUT)): path.read_text(encoding="utf-8")
        for path in WORKED.rglob("*")
        if path.is_file()
    }
    assert {name.split("/")[2] for name in files} == set(NAMES)
    assert shown == files


@pytest.mark.parametrize("name", NAMES)
def test_a_worked_call_has_no_findings(name: str) -> None:
    assert inspect(WORKED / name) == []
    assert worked(name).id == name


def at(day: int, month: int = 2, hour: int = 8) -> datetime:
    return datetime(2027, month, day, hour, tzinfo=UTC)


def drafted(*sections: tuple[str, dict[str, Any]], on: datetime, area: str = "") -> tuple[Step, ...]:
    """Begun, each section filled in, approved."""
    return (
        Step("start", {"area": area} if area else {}).when(on),
        *(Step("edit", {"section": name, "content": content}) for name, content in sections),
        Step("approve", {"capacity": "municipal-director"}, role="director"),
    )


def declared(role: str) -> Step:
    return Step("declare-impartiality", {"conflict": False}, role=role)


def scored(*criteria: str) -> tuple[Step, ...]:
    return tuple(
        Step("score", {"criterion": one, "points": 5, "grounds": "Godt begrunnet."}, role="case-officer")
        for one in criteria
    )


def assessed(amount: str, *criteria: str) -> tuple[Step, ...]:
    closing = {"recommendation": "grant", "amount": amount, "grounds": "Blant de beste."}
    return declared("case-officer"), *scored(*criteria), Step("assess", closing, role="case-officer")


def granted(amount: str) -> Step:
    data = {
        "amount": amount,
        "grounds": GROUNDS,
        "confirmations": CONFIRMED,
        "authority": OWN["imdi-decider"],
    }
    return Step("grant", data, role="decider")


def paid(amount: str, on: datetime) -> tuple[Step, ...]:
    """The letter, the account, and the money, each by whom it is for; `on` is after the application deadline."""
    return (
        Step("issue-letter", role="decider").when(on),
        Step("register-account", {"account": "12345678903"}, role="case-officer"),
        declared("attestant"),
        Step("attest-payment", {"amount": amount}, role="attestant"),
        declared("payer"),
        Step("authorise-payment", role="payer"),
        Step("confirm-payment", {"bank_reference": "BANK-1"}, role="integration"),
    )


CAFE = ("project", {"title": "Kafé", "plan": "Hver onsdag.", "asked": "150000.00"})


def test_a_cafe_is_applied_for_granted_paid_reported_and_closed() -> None:
    call = worked("sprakkafe-2027")
    given = Given(
        call,
        *drafted(CAFE, on=at(1)),
        Step("submit"),
        *assessed("150000.00", "need"),
        declared("decider"),
        granted("150000.00"),
        *paid("150000.00", at(8, 3)),
    )
    assert given.case.state == "paid"
    expense = {"text": "Lokaler", "amount": "150000.00"}
    said = {"report": {"results": "40 deltakere."}, "accounts": {"expenses": [expense]}}
    report = given.and_then(Step("submit-report", said, role="project-lead").when(at(10, 12)))
    digest = {"digest": report.case.report.digest if report.case.report else ""}
    signed = report.and_then(
        Step("sign-accounts", digest, role="project-lead"),
        Step("countersign-accounts", digest, role="superior"),
        Step("accept-report", {"assessment": "I orden."}, role="case-officer"),
    )
    assert signed.case.state == "closed"


def test_a_cafe_can_not_cost_more_than_the_call_says() -> None:
    dear = ("project", {**CAFE[1], "asked": "200000.01"})
    draft = Given(worked("sprakkafe-2027"), *drafted(dear, on=at(1)))
    draft.when(Step("submit")).refused(RulesFailed, "at-most-200000")
    Given(worked("sprakkafe-2027")).when(Step("start").of("987879696")).refused(
        RulesFailed, "applicant-is-a-municipality"
    )


def regional(participants: int) -> tuple[tuple[str, dict[str, Any]], ...]:
    project = {"title": "Sammen", "plan": "Vi deler.", "participants": 60, "asked": "900000.00"}
    partner = {"organisation": STAVANGER, "participants": participants}
    return ("project", project), ("partners", {"organisations": [partner]})


def in_rogaland(*steps: Step) -> tuple[Step, ...]:
    """The same steps, those of the county on behalf of Rogaland."""
    municipal = ("applicant", "director")
    return tuple(step.of(ROGALAND) if step.role in municipal else step for step in steps)


def framed(call: Call) -> Frame:
    parts = {area: call.sub_frame(area) or 0 for area in call.areas}
    return Frame(id=FRAME, version=1, limit_ore=call.frame, areas=parts)


def test_a_county_applies_together_with_others_up_to_noon_and_is_granted() -> None:
    call = worked("samarbeid-2027")
    ready = in_rogaland(*drafted(*regional(40), on=at(1), area="regionalt"))
    submit = in_rogaland(Step("submit"))[0]
    noon = datetime(2027, 3, 1, 11, tzinfo=UTC)
    draft = Given(call, *ready, frame=framed(call))
    draft.when(submit.when(noon)).refused(PastDeadline)
    life = draft.and_then(
        submit.when(noon.replace(hour=10, minute=59)),
        *assessed("900000.00", "quality", "cooperation"),
        declared("decider"),
        granted("900000.00"),
        *paid("900000.00", at(8, 3)),
    )
    assert life.case.state == "paid"
    assert life.frame.left_in("regionalt") == 310_000_000
    assert life.frame.left_in("lokalt") == 600_000_000


def test_the_parties_jointly_need_a_hundred_participants_in_one_area_only() -> None:
    call = worked("samarbeid-2027")
    few = Given(call, *in_rogaland(*drafted(*regional(39), on=at(1), area="regionalt")))
    few.when(in_rogaland(Step("submit"))[0]).refused(RulesFailed, "jointly-100")
    local = Given(call, *drafted(*regional(0), on=at(1), area="lokalt"), Step("submit"), frame=framed(call))
    given = local.and_then(
        *assessed("900000.00", "quality", "local-need"), declared("decider"), granted("900000.00")
    )
    assert given.case.state == "granted"


def test_the_promised_answer_is_overdue_when_the_authority_is_late() -> None:
    call = worked("samarbeid-2027")
    submitted = Given(call, *drafted(*regional(0), on=at(1), area="lokalt"), Step("submit"))
    clock = Step("mark-overdue", {"deadline": "answer"}, role="clock", person="clock")
    marked = submitted.and_then(clock.when(datetime(2027, 5, 3, 22, tzinfo=UTC)))
    assert marked.case.state == "submitted"
    assert "answer" in marked.case.overdue


SKETCH = ("project", {"title": "Ny metode", "summary": "Slik gjør vi det.", "asked": "500000.00"})
FULL = ("project", {**SKETCH[1], "own": "100000.00"})


def invited() -> Given:
    """A sketch that was submitted, assessed and invited; the whole application is not filled in yet."""
    return Given(
        worked("skisser-2027"),
        *drafted(SKETCH, on=at(1, 1)),
        Step("submit"),
        *assessed("500000.00", "idea"),
        Step("invite", {"advice": "Vis budsjettet."}, role="case-officer"),
    )


def test_a_sketch_becomes_an_application_that_is_endorsed_and_granted() -> None:
    approve = Step("approve", {"capacity": "municipal-director"}, role="director")
    edit = Step("edit", {"section": FULL[0], "content": FULL[1]})
    closing = {"recommendation": "grant", "amount": "500000.00", "grounds": "Blant de beste."}
    full = invited().and_then(
        edit.when(at(1, 4)),
        approve,
        Step("submit"),
        *scored("quality"),
        Step("assess", closing, role="case-officer"),
        declared("decider"),
    )
    full.when(granted("500000.00")).refused(NotReady)
    endorse = Step("endorse", {"grounds": "Innstillingen er god."}, role="decider")
    full.and_then(endorse).when(granted("500000.00")).refused(SamePerson)
    head = "imdi-head"
    life = full.and_then(
        declared("decider").by(head),
        endorse.by(head),
        granted("500000.00"),
        *paid("500000.00", at(10, 5)),
    )
    assert life.case.state == "paid"


def test_the_rule_of_the_second_stage_is_not_asked_of_a_sketch() -> None:
    small = ("project", {**FULL[1], "own": "99999.99"})
    approve = Step("approve", {"capacity": "municipal-director"}, role="director")
    edit = Step("edit", {"section": small[0], "content": small[1]})
    invited().and_then(edit.when(at(1, 4)), approve).when(Step("submit")).refused(RulesFailed, "own-fifth")


# The tables


def section(heading: str) -> str:
    """The page's text from a heading to the next of any level."""
    found = re.findall(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", _BARE, re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"{len(found)} sections are called {heading}"
    return str(found[0])


_BARE = _FENCED.sub("", PAGE)
"""The page without its blocks, where lines may begin with anything."""


def rows(text: str) -> dict[str, list[str]]:
    """The rows of the tables in a text, by what stands in backticks in their first cell."""
    cells = (
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text.splitlines()
        if line.startswith("| `")
    )
    return {re.split("`", one[0])[1]: [cell.strip(" |") for cell in one] for one in cells}


def in_ticks(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


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
    ('One block: `purpose = { heading = "…", text = "…" }`', call_file.Block),
)
OF_FILES: tuple[type[msgspec.Struct], ...] = (call_file.CallFile, process.ProcessFile, call_file.LettersFile)
"""What the tables under `The file itself` show, in the page's order."""


def tables() -> Iterator[tuple[str, type[msgspec.Struct], dict[str, list[str]]]]:
    """Each table of keys: its heading, the struct that the file is read into, and its rows."""
    for heading, kind in TABLES:
        yield heading, kind, rows(section(heading))
    texts = re.findall(r"^### The file itself\n(.*?)(?=^#+ |\Z)", _BARE, re.MULTILINE | re.DOTALL)
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


def test_what_can_not_be_read_at_one_stage_refuses_the_submission_there(tmp_path: Path) -> None:
    """As the page warns of [application]: `has` asks about a field, and its section must be there."""
    shutil.copytree(WORKED / "skisser-2027", tmp_path / "call")
    file = tmp_path / "call" / CALL
    text = file.read_text(encoding="utf-8").replace("has(project.own)", "has(budget.own)")
    file.write_text(text, encoding="utf-8")
    call = Call.read(definition_files(file.parent))
    Given(call, *drafted(SKETCH, on=at(1, 1))).when(Step("submit")).refused(DefinitionError)


# The commands


def expected(text: str) -> str:
    """A pattern for a command's output: `…` stands for anything on its line, and spaces for any spaces."""
    if text.strip() == "…":
        return r"(?s).*"
    lines = [re.sub(r"─+", "", line).split() for line in text.splitlines()]
    patterns = [r"\s+".join(re.escape(word).replace("…", r"\S.*?") for word in line) for line in lines]
    return r"\s*" + r"\s+".join(line for line in patterns if line) + r"\s*"


def played(url: str, folder: Path, command: str) -> str:
    """What a command prints, on both channels."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-c", command],  # noqa: S607 - as people type it
        cwd=folder,
        env={**os.environ, "PATH": path, "GRANTFLOW_DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return re.sub(r"─+", "", ran.stdout)


def changed(folder: Path, diff: str) -> None:
    """Change a file as a `diff` block of the page says: each line that goes out is there once."""
    (name,) = re.findall(r"^--- (.*)$", diff, re.MULTILINE)
    text = (folder / name).read_text(encoding="utf-8")
    for old, new in re.findall(r"^-(?!-)(.*)\n\+(.*)$", diff, re.MULTILINE):
        assert text.count(f"{old}\n") == 1, old
        text = text.replace(f"{old}\n", f"{new}\n")
    (folder / name).write_text(text, encoding="utf-8")


def test_every_command_of_the_page_prints_what_the_page_says(database_url: str, tmp_path: Path) -> None:
    shutil.copytree(WORKED, tmp_path / "docs" / "calls")
    typed = 0
    for block in blocks():
        if block.kind == "diff":
            changed(tmp_path, block.text)
        elif block.note.startswith("file: "):
            (tmp_path / block.note.removeprefix("file: ")).write_text(block.text, encoding="utf-8")
        elif block.kind == "console":
            for command in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                line, _, output = command.partition("\n")
                printed = played(database_url, tmp_path, line)
                assert re.fullmatch(expected(output), printed), f"$ {line}\n{printed}"
                typed += 1
    assert typed >= 12


def test_the_blocks_to_copy_are_a_schema() -> None:
    (block,) = (one for one in blocks("json") if one.text.startswith('{\n  "$defs"') and not one.note)
    form = {"properties": {"all": {"properties": {}}}, **json.loads(block.text)}
    names = form["$defs"]
    form["properties"]["all"]["properties"] = {name: {"$ref": f"#/$defs/{name}"} for name in names}
    good = {"money": "250000.00", "day": "2027-03-01", "orgnr": STAVANGER, "must_be_confirmed": True}
    assert Form("f", json.dumps(form)).check({"all": good}, complete=True, section=None) == ()


def test_links_lead_to_headings() -> None:
    headings = re.findall(r"^#+ (.*)$", _BARE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert not {link for link in re.findall(r"\]\(#([^)]+)\)", _BARE) if link not in anchors}
