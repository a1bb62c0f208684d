"""Bokmål and nynorsk at the same time, and pictures that everybody can read (L21, L23)."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from given import CASE, MUNICIPAL, STAVANGER, Given, Step
from steps import call_2023, edited, granted, started

from grantflow.domain.errors import IdentityNumber, NotAllowed
from grantflow.domain.event import Entry
from grantflow.domain.letters import LetterIssued
from grantflow.drawing import picture_of, svg
from grantflow.rooms import call_folders

MICROSECOND = timedelta(microseconds=1)
EIGERSUND, KLEPP, HAUGESUND = "944496394", "864969682", "944073787"
"""A municipality that writes bokmål, one that writes nynorsk, and one that decided anew on 9 February 2026."""
DECIDED_ANEW = datetime(2026, 2, 8, 23, 0, tzinfo=UTC)
"""The first instant of 9 February 2026 in Oslo."""
TITLE = {"nb": "Tilskuddsbrev", "nn": "Tilskotsbrev"}
SVG = "{http://www.w3.org/2000/svg}"
XML = "{http://www.w3.org/XML/1998/namespace}"


def of(organisation: str, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The same steps with another municipality as the applicant."""
    return tuple(step.of(organisation) if step.role in MUNICIPAL else step for step in steps)


def told(organisation: str, language: str | None = None, at: datetime | None = None) -> Any:
    """What comes of the standard letter about a grant to this municipality."""
    given = Given(call_2023(), *of(organisation, granted()))
    return given.when(Step("issue-letter", {"language": language}, role="decider", at=at))


def written(outcome: Any) -> LetterIssued:
    outcome.then(LetterIssued)
    event = outcome.events[0]
    assert isinstance(event, LetterIssued)
    return event


@pytest.mark.parametrize(("organisation", "form", "other"), [(EIGERSUND, "nb", "nn"), (KLEPP, "nn", "nb")])
def test_l21_a_municipality_is_written_to_in_the_form_it_has_decided_on(
    organisation: str, form: str, other: str
) -> None:
    for chosen in (None, form):
        event = written(told(organisation, chosen))
        assert (event.language, event.text.partition("\n")[0]) == (form, TITLE[form])
    assert "§ 15" in told(organisation, other).refused(NotAllowed).detail


@pytest.mark.parametrize(("chosen", "form"), [(None, "nb"), ("nb", "nb"), ("nn", "nn")])
def test_l21_for_a_municipality_that_has_decided_on_none_it_may_be_chosen(
    chosen: str | None, form: str
) -> None:
    event = written(told(STAVANGER, chosen))
    assert (event.language, event.text.partition("\n")[0]) == (form, TITLE[form])


def test_l21_the_form_is_the_one_of_the_day_of_the_letter_in_oslo() -> None:
    last = DECIDED_ANEW - MICROSECOND
    assert written(told(HAUGESUND, at=last)).language == "nb"
    told(HAUGESUND, "nn", last).refused(NotAllowed)
    assert written(told(HAUGESUND, "nn", DECIDED_ANEW)).language == "nn"


def test_l21_each_letter_of_each_call_is_there_in_both_forms_with_the_same_parts() -> None:
    letters = call_2023().letters
    assert letters is not None
    for kind, forms in msgspec.structs.asdict(letters).items():
        assert set(forms) == {"nb", "nn"}, kind
        nb, nn = forms["nb"], forms["nn"]
        assert nb.title != nn.title
        assert (list(nb.blocks), list(nb.reservations)) == (list(nn.blocks), list(nn.reservations))
        for name, block in nb.blocks.items():
            names = [re.findall(r"\$\w+", text) for text in (block.text, nn.blocks[name].text)]
            assert sorted(names[0]) == sorted(names[1]), f"{kind}.{name}"


def named(value: Any, path: str = "") -> list[tuple[str, dict[str, str]]]:
    """Every text by language in a declaration, with where it stands."""
    if isinstance(value, dict):
        if {"nb", "nn"} & set(value) and all(isinstance(text, str) for text in value.values()):
            return [(path, value)]
        return [found for key, inner in value.items() for found in named(inner, f"{path}.{key}")]
    if isinstance(value, list | tuple):
        return [found for number, inner in enumerate(value) for found in named(inner, f"{path}[{number}]")]
    return []


def test_l21_every_name_and_message_of_the_call_and_its_process_is_in_both_forms() -> None:
    call = call_2023()
    texts = named(msgspec.to_builtins(call.declared)) + named(msgspec.to_builtins(call.process.declared))
    assert len(texts) > 80
    for where, words in texts:
        assert words.get("nb", "").strip(), where
        assert words.get("nn", "").strip(), where
    declared_ = call.declared
    for one in (*declared_.rules, *declared_.deadlines, *declared_.criteria, *declared_.themes):
        words = getattr(one, "message", None) or getattr(one, "name", {})
        assert {"nb", "nn"} <= set(words), one


@pytest.mark.parametrize("folder", call_folders(None), ids=lambda folder: folder.name)
def test_l21_each_field_of_each_form_has_its_label_in_both_forms(folder: Path) -> None:
    found = list(folder.rglob("*.schema.json"))
    assert found
    for path in found:
        for where, field in fields(json.loads(path.read_text("utf-8"))):
            labels = field.get("x-label", {})
            assert labels.get("nb", "").strip(), f"{path.name}: {where}"
            assert labels.get("nn", "").strip(), f"{path.name}: {where}"


def fields(schema: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every property that a schema describes, at whatever depth, with where it stands."""
    if isinstance(schema, list):
        return [one for inner in schema for one in fields(inner, path)]
    if not isinstance(schema, dict):
        return []
    own = [(f"{path}.{name}", field) for name, field in schema.get("properties", {}).items()]
    deeper = [
        one
        for key, inner in schema.items()
        for name, part in (inner.items() if key in ("properties", "$defs") else [("", inner)])
        for one in fields(part, f"{path}.{name}" if key == "properties" else path)
    ]
    return own + deeper


def test_l21_what_is_wrong_with_a_form_is_told_in_both_forms_with_the_fields_own_label() -> None:
    given = Given(call_2023(), started())
    refusal = given.when(edited("project", participants="mange", measure_kind="annet")).refusal
    assert refusal is not None
    for failure in refusal.failures:
        assert set(failure.message) >= {"nb", "nn"}
        assert failure.message["nb"] != failure.message["en"]
        assert failure.message["nn"]
    number = given.when(edited("project", title="Om 01819050062")).refused(IdentityNumber)
    assert set(number.failures[0].message) >= {"nb", "nn"}


@pytest.fixture(params=["nb", "nn", "en"])
def drawing(request: pytest.FixtureRequest) -> tuple[str, ET.Element]:
    """Give a language, and the drawing of the process in it with the path of a case."""
    events = Given(call_2023(), *granted()).events
    history = [Entry(CASE, n, event) for n, event in enumerate(events, start=1)]
    picture = picture_of(call_2023(), request.param, history)
    return request.param, ET.fromstring(svg(picture))  # noqa: S314 - our own drawing


def test_l23_a_drawing_is_an_image_with_a_title_and_a_description_that_a_reader_finds(
    drawing: tuple[str, ET.Element],
) -> None:
    language, root = drawing
    labels = {
        element.get("id"): element.text for element in root if element.tag in (f"{SVG}title", f"{SVG}desc")
    }
    assert root.get("role") == "img"
    assert set(str(root.get("aria-labelledby")).split()) == set(labels)
    assert labels["title"] == call_2023().names[language]
    assert re.search(r"\d+", labels["desc"] or "")


def test_l23_a_drawing_says_which_language_it_is_in_and_describes_itself_in_it(
    drawing: tuple[str, ET.Element],
) -> None:
    language, root = drawing
    assert (root.get("lang") or root.get(f"{XML}lang")) == language
    assert ("states" in str(root.findtext(f"{SVG}desc"))) is (language == "en")


def test_l23_text_and_lines_stand_out_from_what_is_behind_them(drawing: tuple[str, ET.Element]) -> None:
    _, root = drawing
    inks = set(re.findall(r"fill:(#\w{6})", str(root.findtext(f"{SVG}style"))))
    lines = {str(e.get("stroke")) for e in root.iter() if str(e.get("stroke")).startswith("#")}
    papers = {str(e.get("fill")) for e in root.iter(f"{SVG}rect") if str(e.get("fill")).startswith("#")}
    assert inks
    assert lines
    assert papers
    assert min(contrast(ink, paper) for ink in inks for paper in papers) >= 4.5
    assert min(contrast(line, paper) for line in lines for paper in papers) >= 3


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2.1 reckons it."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
