"""National identity numbers stand nowhere in a case: participants are counted, never named (GDPR; arkivlova)."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

from grantflow.domain.errors import IdentityNumber

if TYPE_CHECKING:
    from collections.abc import Iterator

_GAP = "[ ./\\-\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]"
_CANDIDATE = re.compile(
    rf"(\d(?<![\dA-Fa-f]\d)\d){_GAP}?(\d\d){_GAP}?(\d\d){_GAP}{{0,2}}(\d{{5}})(?![\dA-Za-z])"
)
"""Eleven digits as people write them; not a part of a longer number, of a reference, or of a digest."""
_FIRST, _SECOND = (3, 7, 6, 1, 8, 9, 4, 5, 2), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_D_NUMBER_DAYS = 40
_MADE_UP_MONTHS = (0, 40, 65, 80)
"""What is added to the month in numbers made for tests (NAV, Skatteetaten): those are turned away too."""


def refuse_identity_numbers(content: Any, where: str = "") -> None:  # noqa: ANN401 - any JSON
    """IdentityNumber when a text in the content holds a national identity number or D-number; says where, not which."""
    if holds_one("\n".join(_texts(content))):
        raise IdentityNumber(next(path for path, text in _placed(content, where) if holds_one(text)))


def holds_one(text: str) -> bool:
    """Whether eleven digits in the text are a birth date with an individual number and both check digits (mod 11)."""
    return any(map(_is_one, _CANDIDATE.findall(text)))


def _is_one(parts: tuple[str, ...]) -> bool:
    digits = "".join(parts)
    numbers = [int(digit) for digit in digits]
    first = -sum(weight * digit for weight, digit in zip(_FIRST, numbers, strict=False)) % 11
    second = -sum(weight * digit for weight, digit in zip(_SECOND, numbers, strict=False)) % 11
    return (first, second) == (numbers[9], numbers[10]) and _has_a_date(digits)


def _has_a_date(digits: str) -> bool:
    day, month, year = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    days = (day, day - _D_NUMBER_DAYS)
    months = (month - added for added in _MADE_UP_MONTHS)
    return any(_exists(d, m, century + year) for m in months for d in days for century in (1900, 2000))


def _exists(day: int, month: int, year: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _texts(content: Any) -> list[str]:  # noqa: ANN401 - any JSON
    """Every text in the content, in no order."""
    texts: list[str] = []
    waiting = [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple)):
            waiting.extend(value)
    return texts


def _placed(value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON
    """Every text in the content, and where it stands."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _placed(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _placed(inner, f"{path}[{number}]")
