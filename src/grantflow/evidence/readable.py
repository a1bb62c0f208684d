"""Values as one reads them on a printed page: short, by the clock in Oslo, in letters that the page's font has."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec

from grantflow.domain.calendar import clock

LONGEST = 160
"""The most characters of one value that a table shows; the answers' files have it whole."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*(?:Z|[+-]\d\d:\d\d)")
_LONG_WORD = re.compile(r"[^\s\-\u200b]{25,}")
_SHOWN = (
    (0x20, 0x7E), (0xA0, 0xAC), (0xAE, 0x4FF), (0x1E00, 0x1FFF), (0x2010, 0x2027), (0x2030, 0x2040), (0x20AC, 0x20AC),
    (0x2116, 0x2116), (0x2122, 0x2122), (0x2190, 0x22FF), (0xFFFD, 0xFFFD),
)  # fmt: skip
"""The characters that Typst's own fonts have; a test sets them all."""
_YES = {True: "ja", False: "nei"}


def readable(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """One value of an answer, short."""
    if isinstance(value, list | tuple):
        text = "; ".join(filter(None, map(readable, value)))
    elif isinstance(value, dict):
        text = ", ".join(f"{printable(str(key))} {readable(one)}".strip() for key, one in value.items())
    elif isinstance(value, bool):
        text = _YES[value]
    elif isinstance(value, str):
        text = _short(value)
    else:
        text = "" if value is None else msgspec.json.encode(value).decode()
    cut = text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"
    return _LONG_WORD.sub(lambda word: "\u200b".join(re.findall(r".{1,12}", word[0])), cut)


def _short(text: str) -> str:
    """A digest by its beginning, a date and an instant as they are said in Norway, and else what it is."""
    if _DIGEST.fullmatch(text):
        return f"{text[:12]}…"
    if date := _DATE.fullmatch(text):
        return f"{date[3]}.{date[2]}.{date[1]}"
    if _INSTANT.fullmatch(text):
        with suppress(ValueError):
            return clock(datetime.fromisoformat(text))
    return printable(text)


def printable(text: str) -> str:
    """A text with what the font lacks named instead; a place where a long word may break stays one."""
    return "".join(map(_shown, unicodedata.normalize("NFC", text)))


def _shown(character: str) -> str:
    code = ord(character)
    if character == "\u200b":
        return character
    if character in "\t\n\r\u2028\u2029":
        return " "
    if any(first <= code <= last for first, last in _SHOWN) and unicodedata.category(character) != "Cn":
        return character
    return f"[U+{code:04X}]"
