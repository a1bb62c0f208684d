"""Texts that are written out in an expression, and that what they are compared with can never be."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from grantflow.inspection.amounts import is_amount
from grantflow.inspection.expression import Literal, written
from grantflow.inspection.finding import nearest

if TYPE_CHECKING:
    from grantflow.inspection.amounts import Side
    from grantflow.inspection.expression import Node
    from grantflow.inspection.values import Value

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_BEGINNING = re.compile(r"\d{4}(-\d{2})?")
"""A year or a month, which orders dates as well as a whole date does."""
_NORWEGIAN = re.compile(r"(?P<day>\d{1,2})[./-](?P<month>\d{1,2})[./-](?P<year>\d{4})")


def never(sign: str, asked: Side, other: Node) -> str:
    """What is wrong with a text that is written out beside what it is compared with; empty when nothing is."""
    said = other.said if isinstance(other, Literal) else None
    value, path = asked.value, written(asked.node)
    ordered = sign in ("<", "<=", ">", ">=")
    if said is not None and value.choices:
        return _unlisted(said, value, path)
    if not said:
        return ""
    if value.date and not is_day(said) and not (ordered and _BEGINNING.fullmatch(said)):
        return f"'{path}' is a date, and '{said}' is none; write {_as_day(said)}"
    if value.written_amount and not ordered and not is_amount(said):
        return f"'{path}' is never '{said}': amounts are filled in like '100000.00'"
    return ""


def _unlisted(said: str, value: Value, path: str) -> str:
    if said in value.choices:
        return ""
    known = nearest(said, [one for one in value.choices if one])
    return (
        f"there is no {value.named} '{said}'{known}" if value.named else f"'{path}' is never '{said}'{known}"
    )


def is_day(text: str) -> bool:
    """Whether a text is a date like 2027-01-31."""
    try:
        return bool(_DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _as_day(said: str) -> str:
    found = _NORWEGIAN.fullmatch(said.strip())
    day = f"{found['year']}-{found['month']:0>2}-{found['day']:0>2}" if found else ""
    return f"'{day}'" if is_day(day) else "dates like '2027-01-31'"
