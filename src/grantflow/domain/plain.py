"""Content from outside is plain JSON of a size that can be handled, or it is refused before anything looks at it."""

from __future__ import annotations

import re
from typing import Any

DEEPEST = 40
"""How many levels deep content may be nested."""
MOST_VALUES = 100_000
MOST_CHARACTERS = 2_000_000
"""How much content one form, or one section of it, may have in all."""
LARGEST_NUMBER = 2**53
"""Beyond this, other programs that read JSON take one whole number for another."""

_UNSTORABLE = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f\\ud800-\\udfff]")

Words = dict[str, str]
"""A sentence by language: `nb`, `nn`, `en`."""

_DEEP = {
    "nb": f"Innholdet har flere enn {DEEPEST} nivåer i hverandre.",
    "nn": f"Innhaldet har fleire enn {DEEPEST} nivå i kvarandre.",
    "en": f"the content is nested deeper than {DEEPEST} levels",
}
_LARGE = {
    "nb": "Innholdet er for stort.",
    "nn": "Innhaldet er for stort.",
    "en": f"the content has more than {MOST_VALUES} values or {MOST_CHARACTERS} characters",
}
_FRACTION = {
    "nb": "Tall skal være hele; beløp skrives som tekst med to desimaler, for eksempel 250000.00.",
    "nn": "Tal skal vere heile; beløp blir skrivne som tekst med to desimalar, til dømes 250000.00.",
    "en": "numbers are whole; an amount is a text with two decimals, such as 250000.00",
}
_NUMBER = {
    "nb": "Tallet er for stort.",
    "nn": "Talet er for stort.",
    "en": "a number is too large",
}
_TEXT = {
    "nb": "Teksten har tegn som ikke kan lagres.",
    "nn": "Teksten har teikn som ikkje kan lagrast.",
    "en": "a text holds characters that can't be stored (control characters, or half of a surrogate pair)",
}
_KIND = {
    "nb": "Innholdet er ikke JSON.",
    "nn": "Innhaldet er ikkje JSON.",
    "en": "the content is not JSON",
}


def oddity(content: Any) -> Words | None:  # noqa: ANN401 - anything at all
    """What makes the content unfit to be looked at further, in words; None for plain JSON of a fair size."""
    values = characters = depth = 0
    level: list[Any] = [content]
    while level:
        values += len(level)
        characters += sum(map(len, (value for value in level if isinstance(value, str))))
        if depth > DEEPEST:
            return _DEEP
        if values > MOST_VALUES or characters > MOST_CHARACTERS:
            return _LARGE
        below: list[Any] = []
        for value in level:
            odd = _odd(value, below)
            if odd is not None:
                return odd
        level, depth = below, depth + 1
    return None


def _odd(value: Any, below: list[Any]) -> Words | None:  # noqa: ANN401 - anything at all
    """What is wrong with one value by itself; what it holds is put with what is looked at next."""
    if isinstance(value, str):
        return _TEXT if _UNSTORABLE.search(value) else None
    if isinstance(value, dict):
        below.extend(value)
        below.extend(value.values())
        return None if all(isinstance(key, str) for key in value) else _KIND
    if isinstance(value, list):
        below.extend(value)
        return None
    return _odd_figure(value)


def _odd_figure(value: Any) -> Words | None:  # noqa: ANN401 - anything at all
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return None if abs(value) <= LARGEST_NUMBER else _NUMBER
    return _FRACTION if isinstance(value, float) else _KIND


def storable(text: str) -> bool:
    """Whether a text can be stored and shown: no control characters but tab and line breaks, no half of a pair."""
    return _UNSTORABLE.search(text) is None
