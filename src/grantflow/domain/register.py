"""The register of municipalities and districts, as it was on the day in question."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from typing import TypeVar

import msgspec

from grantflow.domain.calendar import oslo_date

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


_Dated = TypeVar("_Dated", Municipality, District)


class Register(msgspec.Struct, frozen=True):
    """Who was a municipality, and which districts it had, on any day. Never keyed on a name: two are called Herøy."""

    municipalities: dict[str, tuple[Municipality, ...]]
    districts: dict[str, tuple[District, ...]]

    def municipality(self, orgnr: str, at: datetime) -> Municipality | None:
        """The municipality with this organisation number on the day of `at` in Oslo, or None."""
        return _in_force(self.municipalities.get(orgnr, ()), oslo_date(at))

    def district(self, number: str, at: datetime) -> District | None:
        """The district with this number on the day of `at` in Oslo, or None."""
        return _in_force(self.districts.get(number, ()), oslo_date(at))

    @classmethod
    def read(cls, municipalities: str, districts: str) -> Register:
        """The register from its two CSV files. Raises ValueError or KeyError when a row is not as it should be."""
        towns: dict[str, list[Municipality]] = {}
        for row in csv.DictReader(io.StringIO(municipalities)):
            if not valid_orgnr(row["orgnr"]):
                msg = f"{row['orgnr']} is not an organisation number"
                raise ValueError(msg)
            towns.setdefault(row["orgnr"], []).append(
                Municipality(row["number"], row["name"], row["county"], row["orgnr"], *_period(row))
            )
        parts: dict[str, list[District]] = {}
        for row in csv.DictReader(io.StringIO(districts)):
            parts.setdefault(row["number"], []).append(
                District(row["number"], row["name"], row["municipality"], *_period(row))
            )
        return cls(
            {key: tuple(rows) for key, rows in towns.items()},
            {key: tuple(rows) for key, rows in parts.items()},
        )


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


def _mod_11(number: str, weights: tuple[int, ...]) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))
    return -total % 11 == int(number[-1])


def _period(row: dict[str, str]) -> tuple[date, date | None]:
    return date.fromisoformat(row["valid_from"]), date.fromisoformat(row["valid_to"]) if row[
        "valid_to"
    ] else None


def _in_force(rows: tuple[_Dated, ...], day: date) -> _Dated | None:
    for row in rows:
        if row.valid_from <= day and (row.valid_to is None or day < row.valid_to):
            return row
    return None
