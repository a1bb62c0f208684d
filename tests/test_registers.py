"""The reference data that ships: municipalities, county authorities and language forms, day by day."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta

import pytest

from grantflow import rooms
from grantflow.domain.register import valid_orgnr

BEGINNING = date(2020, 1, 1)
LAST_OF_2023 = date(2023, 12, 31)
FIRST_OF_2024 = date(2024, 1, 1)
REGISTERS = ("municipalities", "counties", "language-forms")

DRAMMEN = "921234554"
OSLO = "958935420"
RINDAL = "940138051"
STAVANGER = "964965226"
TYSVAER = "964979812"
VESTFOLD = "929882385"
VIKEN = "921693230"
AALESUND = "920415288"

Row = dict[str, str]


def rows_of(register: str) -> list[Row]:
    path = rooms.room("workflows") / "registers" / f"{register}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def in_force(row: Row, day: date) -> bool:
    return date.fromisoformat(row["valid_from"]) <= day and (
        not row["valid_to"] or day < date.fromisoformat(row["valid_to"])
    )


def on(register: str, day: date, orgnr: str | None = None) -> list[Row]:
    return [row for row in rows_of(register) if in_force(row, day) and orgnr in (None, row["orgnr"])]


def days() -> list[date]:
    """The beginning, each day on which any row begins or ends, the day before it, and a day long after."""
    changes = {
        date.fromisoformat(row[edge])
        for register in REGISTERS
        for row in rows_of(register)
        for edge in ("valid_from", "valid_to")
        if row[edge]
    }
    around = changes | {change - timedelta(days=1) for change in changes} | {date(2100, 1, 1)}
    return sorted(day for day in around if day >= BEGINNING)


DAYS = days()


@pytest.mark.parametrize("register", REGISTERS)
def test_each_organisation_number_is_valid(register: str) -> None:
    assert [row["orgnr"] for row in rows_of(register) if not valid_orgnr(row["orgnr"])] == []


@pytest.mark.parametrize("register", REGISTERS)
def test_no_row_begins_before_2020_or_ends_before_it_begins(register: str) -> None:
    for row in rows_of(register):
        begins = date.fromisoformat(row["valid_from"])
        assert begins >= BEGINNING, row
        assert not row["valid_to"] or begins < date.fromisoformat(row["valid_to"]), row


@pytest.mark.parametrize("register", REGISTERS)
def test_no_two_rows_of_one_organisation_overlap(register: str) -> None:
    for day in DAYS:
        assert [
            orgnr for orgnr, n in Counter(row["orgnr"] for row in on(register, day)).items() if n > 1
        ] == []


@pytest.mark.parametrize("register", ["municipalities", "counties"])
def test_no_number_belongs_to_two_organisations(register: str) -> None:
    for day in DAYS:
        assert max(Counter(row["number"] for row in on(register, day)).values()) == 1
    ever = {(row["number"], row["orgnr"]) for row in rows_of(register)}
    assert len(ever) == len({number for number, _ in ever})


def test_each_municipality_has_exactly_one_row_each_day() -> None:
    everyone = Counter({row["orgnr"]: 1 for row in rows_of("municipalities")})
    for day in DAYS:
        assert Counter(row["orgnr"] for row in on("municipalities", day)) == everyone


def test_a_municipality_that_changed_nothing_has_one_row_with_an_open_end() -> None:
    assert [
        (row["number"], row["valid_to"]) for row in rows_of("municipalities") if row["orgnr"] == STAVANGER
    ] == [("1103", "")]
    rows = rows_of("municipalities")
    assert len({(row["orgnr"], row["number"], row["name"], row["county"]) for row in rows}) == len(rows)


def test_there_are_356_municipalities_before_and_after_new_year_2024_as_haram_is_not_in_yet() -> None:
    assert len(on("municipalities", LAST_OF_2023)) == 356
    assert len(on("municipalities", FIRST_OF_2024)) == 356
    assert "Haram" not in {row["name"] for row in rows_of("municipalities")}


@pytest.mark.parametrize(
    ("day", "numbers"),
    [
        (LAST_OF_2023, {"Herøy": ["1515", "1818"], "Våler": ["3018", "3419"]}),
        (FIRST_OF_2024, {"Herøy": ["1515", "1818"], "Våler": ["3114", "3419"]}),
    ],
)
def test_two_are_called_heroy_and_two_vaaler_and_no_other_name_is_shared(
    day: date, numbers: dict[str, list[str]]
) -> None:
    named: dict[str, list[str]] = {}
    for row in on("municipalities", day):
        named.setdefault(row["name"], []).append(row["number"])
    assert {name: found for name, found in named.items() if len(found) > 1} == numbers


def test_numbers_and_counties_changed_between_two_deadlines_and_the_organisations_did_not() -> None:
    before = {row["orgnr"]: row for row in on("municipalities", LAST_OF_2023)}
    after = {row["orgnr"]: row for row in on("municipalities", FIRST_OF_2024)}
    assert before.keys() == after.keys()
    assert (before[DRAMMEN]["number"], before[DRAMMEN]["county"]) == ("3005", "Viken")
    assert (after[DRAMMEN]["number"], after[DRAMMEN]["county"]) == ("3301", "Buskerud")
    assert (before[AALESUND]["number"], after[AALESUND]["number"]) == ("1507", "1508")
    assert (before[RINDAL], before[STAVANGER]) == (after[RINDAL], after[STAVANGER])
    assert {orgnr: row["name"] for orgnr, row in before.items()} == {
        orgnr: row["name"] for orgnr, row in after.items()
    }


def test_a_dissolved_county_left_its_municipalities_to_its_successors() -> None:
    after = {row["orgnr"]: row["county"] for row in on("municipalities", FIRST_OF_2024)}
    moved = Counter(
        (row["county"], after[row["orgnr"]])
        for row in on("municipalities", LAST_OF_2023)
        if row["county"] != after[row["orgnr"]]
    )
    assert moved == {
        ("Viken", "Østfold"): 12,
        ("Viken", "Akershus"): 21,
        ("Viken", "Buskerud"): 18,
        ("Vestfold og Telemark", "Vestfold"): 6,
        ("Vestfold og Telemark", "Telemark"): 17,
        ("Troms og Finnmark", "Troms"): 21,
        ("Troms og Finnmark", "Finnmark"): 18,
    }


def test_there_are_11_counties_until_2024_and_15_from_then_on() -> None:
    assert len(on("counties", BEGINNING)) == len(on("counties", LAST_OF_2023)) == 11
    assert len(on("counties", FIRST_OF_2024)) == 15
    assert on("counties", LAST_OF_2023, VIKEN)
    assert not on("counties", FIRST_OF_2024, VIKEN)


def test_each_municipality_lies_each_day_in_a_county_of_that_day_with_that_countys_number() -> None:
    for day in DAYS:
        counties = {row["name"]: row["number"] for row in on("counties", day)}
        towns = on("municipalities", day)
        assert {row["number"]: counties[row["county"]] for row in towns} == {
            row["number"]: row["number"][:2] for row in towns
        }
        assert {row["county"] for row in towns} == set(counties)


def test_oslo_is_one_organisation_municipality_and_county() -> None:
    both = set.intersection(*({row["orgnr"] for row in rows_of(name)} for name in REGISTERS[:2]))
    assert both == {OSLO}


def test_every_organisation_has_one_language_form_each_day_of_its_life_and_none_before_or_after() -> None:
    for day in DAYS:
        alive = {row["orgnr"] for name in REGISTERS[:2] for row in on(name, day)}
        assert Counter(row["orgnr"] for row in on("language-forms", day)) == Counter(alive)


def test_a_language_form_is_nb_nn_or_neutral() -> None:
    assert {row["form"] for row in rows_of("language-forms")} == {"nb", "nn", "neutral"}


@pytest.mark.parametrize(
    ("orgnr", "day", "form"),
    [
        (AALESUND, LAST_OF_2023, "nn"),
        (AALESUND, FIRST_OF_2024, "neutral"),
        (TYSVAER, date(2023, 6, 26), "nn"),
        (TYSVAER, date(2023, 6, 27), "neutral"),
        (VESTFOLD, FIRST_OF_2024, "neutral"),
        (VESTFOLD, date(2024, 5, 2), "nb"),
        (OSLO, FIRST_OF_2024, "neutral"),
        (STAVANGER, LAST_OF_2023, "neutral"),
    ],
)
def test_a_language_form_is_the_one_of_the_day(orgnr: str, day: date, form: str) -> None:
    assert [row["form"] for row in on("language-forms", day, orgnr)] == [form]


def test_the_municipalities_of_2024_add_up_to_the_language_councils_own_count_less_haram() -> None:
    towns = {row["orgnr"] for row in on("municipalities", FIRST_OF_2024)}
    forms = Counter(row["form"] for row in on("language-forms", FIRST_OF_2024) if row["orgnr"] in towns)
    assert forms == {"nb": 119, "nn": 88, "neutral": 149}
