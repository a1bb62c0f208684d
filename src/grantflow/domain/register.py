"""The register of municipalities and districts, as it was on the day in question."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import msgspec

from grantflow.domain.calendar import oslo_date

if TYPE_CHECKING:
    from collections.abc import Callable

_Row = dict[str, str]

_ORGANISATION_WEIGHTS = (3, 2, 7, 6, 5, 4, 3, 2)
_ACCOUNT_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


class Municipality(msgspec.Struct, frozen=True):
    """A municipality between two dates (`valid_to` is the first day it no longer was this)."""

    number: str
    name: str
    county: str
    orgnr: str
    valid_from: date
    valid_to: date | None = None


class District(msgspec.Struct, frozen=True):
    """A city district (bydel) of a municipality, between two dates."""

    number: str
    name: str
    municipality: str
    valid_from: date
    valid_to: date | None = None


class County(msgspec.Struct, frozen=True):
    """A county authority (fylkeskommune) between two dates."""

    number: str
    name: str
    orgnr: str
    valid_from: date
    valid_to: date | None = None


class LanguageForm(msgspec.Struct, frozen=True):
    """Which form of Norwegian an organisation has decided to be written to in (språklova § 15): nb, nn or neutral."""

    orgnr: str
    form: str
    valid_from: date
    valid_to: date | None = None


_Dated = TypeVar("_Dated", Municipality, District, County, LanguageForm)

NEUTRAL = "neutral"


class Register(msgspec.Struct, frozen=True):
    """Who was a municipality, a district or a county, and how it is written to, on any day.

    Never keyed on a name: two municipalities are called Herøy.
    """

    municipalities: dict[str, tuple[Municipality, ...]]
    districts: dict[str, tuple[District, ...]]
    counties: dict[str, tuple[County, ...]]
    language_forms: dict[str, tuple[LanguageForm, ...]]

    def municipality(self, orgnr: str, at: datetime) -> Municipality | None:
        """The municipality with this organisation number on the day of `at` in Oslo, or None."""
        return _in_force(self.municipalities.get(orgnr, ()), oslo_date(at))

    def county(self, orgnr: str, at: datetime) -> County | None:
        """The county authority with this organisation number on the day of `at` in Oslo, or None."""
        return _in_force(self.counties.get(orgnr, ()), oslo_date(at))

    def district(self, number: str, at: datetime) -> District | None:
        """The district with this number on the day of `at` in Oslo, or None."""
        return _in_force(self.districts.get(number, ()), oslo_date(at))

    def language_form(self, orgnr: str, at: datetime) -> str:
        """The form an organisation is written to in on the day of `at`: nb, nn, or neutral when it has not decided."""
        row = _in_force(self.language_forms.get(orgnr, ()), oslo_date(at))
        return row.form if row else NEUTRAL

    @classmethod
    def read(cls, municipalities: str, districts: str, counties: str, language_forms: str) -> Register:
        """The register from its CSV files. Raises ValueError or KeyError when a row is not as it should be."""
        return cls(
            _by_key(municipalities, "orgnr", _municipality),
            _by_key(districts, "number", _district),
            _by_key(counties, "orgnr", _county),
            _by_key(language_forms, "orgnr", _language_form),
        )


def _by_key(text: str, key: str, read: Callable[[_Row], _Dated]) -> dict[str, tuple[_Dated, ...]]:
    found: dict[str, list[_Dated]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        if key == "orgnr" and not valid_orgnr(row["orgnr"]):
            msg = f"{row['orgnr']} is not an organisation number"
            raise ValueError(msg)
        found.setdefault(row[key], []).append(read(row))
    return {name: tuple(rows) for name, rows in found.items()}


def _municipality(row: _Row) -> Municipality:
    return Municipality(row["number"], row["name"], row["county"], row["orgnr"], *_period(row))


def _district(row: _Row) -> District:
    return District(row["number"], row["name"], row["municipality"], *_period(row))


def _county(row: _Row) -> County:
    return County(row["number"], row["name"], row["orgnr"], *_period(row))


def _language_form(row: _Row) -> LanguageForm:
    if row["form"] not in ("nb", "nn", NEUTRAL):
        msg = f"{row['form']} is no form of Norwegian: nb, nn or {NEUTRAL}"
        raise ValueError(msg)
    return LanguageForm(row["orgnr"], row["form"], *_period(row))


def valid_orgnr(number: str) -> bool:
    """Whether the text is an organisation number: 9 digits, the last one the check digit (mod 11)."""
    return (
        len(number) == len(_ORGANISATION_WEIGHTS) + 1
        and _digits(number)
        and _mod_11(number, _ORGANISATION_WEIGHTS)
    )


def valid_account(number: str) -> bool:
    """Whether the text is a Norwegian account number: 11 digits, the last one the check digit (mod 11)."""
    return len(number) == len(_ACCOUNT_WEIGHTS) + 1 and _digits(number) and _mod_11(number, _ACCOUNT_WEIGHTS)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


@lru_cache(maxsize=4_096)
def _mod_11(number: str, weights: tuple[int, ...]) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))
    return -total % 11 == int(number[-1])


def _period(row: _Row) -> tuple[date, date | None]:
    last = row["valid_to"]
    return date.fromisoformat(row["valid_from"]), date.fromisoformat(last) if last else None


def _in_force(rows: tuple[_Dated, ...], day: date) -> _Dated | None:
    for row in rows:
        if row.valid_from <= day and (row.valid_to is None or day < row.valid_to):
            return row
    return None
