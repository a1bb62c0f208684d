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
        texts, keys, below, odd = _spread(level)
        values += len(level) + len(keys)
        try:
            text = "".join(texts + keys)
        except TypeError:
            return _KIND
        characters += len(text)
        if depth > DEEPEST:
            return _DEEP
        if values > MOST_VALUES or characters > MOST_CHARACTERS:
            return _LARGE
        if odd or not storable(text):
            return odd or _TEXT
        level, depth = below, depth + 1
    return None


def _spread(level: list[Any]) -> tuple[list[str], list[Any], list[Any], Words | None]:
    """The texts at one level, the keys, what lies a level below, and what is wrong with the other values."""
    texts: list[str] = []
    keys: list[Any] = []
    below: list[Any] = []
    odd = None
    for value in level:
        if isinstance(value, str):
            texts.append(value)
        elif isinstance(value, dict):
            keys += value
            below += value.values()
        elif isinstance(value, list):
            below += value
        else:
            odd = odd or _odd_figure(value)
    return texts, keys, below, odd


def _odd_figure(value: Any) -> Words | None:  # noqa: ANN401 - anything at all
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return None if abs(value) <= LARGEST_NUMBER else _NUMBER
    return _FRACTION if isinstance(value, float) else _KIND


def storable(text: str) -> bool:
    """Whether a text can be stored and shown: no control characters but tab and line breaks, no half of a pair."""
    return text.isprintable() or _UNSTORABLE.search(text) is None
