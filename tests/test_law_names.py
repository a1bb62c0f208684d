"""Names: two called Herøy and two called Våler, and Sámi names; never keyed on a name (L22)."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from given import MUNICIPAL, Given, Step
from steps import call_2023, drafted, edited, granted, started

from grantflow.cli.asking import content
from grantflow.definitions import text_of
from grantflow.domain.drafting import DocumentAttached
from grantflow.domain.errors import NotYourCase
from grantflow.rooms import room

MICROSECOND = timedelta(microseconds=1)
HEROEY = {"964978840": "1515", "872417982": "1818"}
VAALER = {"959272581": "3018", "871034222": "3419"}
"""Two municipalities of one name each: their organisation numbers, and their numbers in 2023."""
NEW_YEAR = datetime(2023, 12, 31, 23, 0, tzinfo=UTC)
"""The first instant of 2024 in Oslo."""


def of(organisation: str, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The same steps with another municipality as the applicant."""
    return tuple(step.of(organisation) if step.role in MUNICIPAL else step for step in steps)


@pytest.mark.parametrize("towns", [HEROEY, VAALER], ids=["Herøy", "Våler"])
def test_l22_two_municipalities_of_one_name_are_two(towns: dict[str, str]) -> None:
    cases = [Given(call_2023(), started().of(organisation)).case for organisation in towns]
    assert len({case.applicant.name for case in cases}) == 1
    assert [(case.applicant.number, case.applicant.municipality) for case in cases] == list(towns.items())
    own, other = towns
    given = Given(call_2023(), *of(own, drafted()))
    given.when(edited("project", title="Annet").of(other)).refused(NotYourCase)


def test_l22_the_register_can_be_asked_by_number_and_not_by_name() -> None:
    register = call_2023().register
    for rows in (register.municipalities, register.counties, register.language_forms):
        assert all(key.isdecimal() and len(key) == 9 for key in rows)
    assert all(key.isdecimal() for key in register.districts)
    for name in ("Herøy", "Våler", "Oslo"):
        assert register.municipality(name, NEW_YEAR) is None
        assert register.language_form(name, NEW_YEAR) == "neutral"


def test_l22_number_and_county_are_those_of_the_day_in_oslo_and_a_case_keeps_those_it_began_with() -> None:
    vaaler = next(iter(VAALER))
    register = call_2023().register
    before, after = (register.municipality(vaaler, at) for at in (NEW_YEAR - MICROSECOND, NEW_YEAR))
    assert before is not None
    assert after is not None
    assert [(town.number, town.county) for town in (before, after)] == [
        ("3018", "Viken"),
        ("3114", "Østfold"),
    ]
    given = Given(call_2023(), *of(vaaler, granted()))
    given = given.and_then(Step("issue-letter", role="decider").when(NEW_YEAR))
    assert (given.case.applicant.municipality, given.case.applicant.county) == ("3018", "Viken")


@pytest.mark.parametrize("name", ["Guovdageaidnu", "Kárášjohka", "Unjárga", "Snåase", "Láhppi ŋ đ ŧ"])
def test_l22_a_name_is_taken_in_composed_form_and_kept_letter_by_letter(name: str, tmp_path: Path) -> None:
    path = tmp_path / "content.json"
    spelt_apart = unicodedata.normalize("NFD", name)
    path.write_text(json.dumps({"title": spelt_apart}, ensure_ascii=False), "utf-8")
    assert content(str(path)) == {"title": unicodedata.normalize("NFC", name)}
    path.write_text(spelt_apart, "utf-8")
    assert text_of(path) == unicodedata.normalize("NFC", name)
    given = Given(call_2023(), started(), edited("project", title=name))
    assert given.case.content["project"]["title"] == name


def test_l22_a_documents_name_is_kept_in_composed_form() -> None:
    spelt_apart = unicodedata.normalize("NFD", "Søknad Kárášjohka.pdf")
    attach = Step(
        "attach", {"filename": spelt_apart, "media_type": "application/pdf", "content": "JVBERi0xLjcK"}
    )
    case = Given(call_2023(), *drafted()).when(attach).then(DocumentAttached)
    assert case.attachments[0].filename == "Søknad Kárášjohka.pdf"


def test_l22_what_ships_is_utf_8_in_composed_form() -> None:
    for path in room("workflows").rglob("*.*"):
        text = path.read_text("utf-8")
        assert unicodedata.is_normalized("NFC", text), path
