"""Typical slips in TOML, told in plain words beside what the parser says."""

from __future__ import annotations

import re

_DAY = re.compile(r"=\s*(?P<day>\d{1,2})[./](?P<month>\d{1,2})[./](?P<year>\d{4})\b")
_CLOCK = re.compile(r"=\s*(?P<hour>\d{1,2})[:.](?P<minute>\d{2})\s*(#.*)?$")
_NOTHING = re.compile(r"=\s*(#.*)?$")
_BARE = re.compile(r"=\s*(?P<word>[^\W\d][^\s,#]*)")
_KEY = re.compile(r"^\s*(?P<key>[^=]*?)\s*=")


def hint(reason: str, line: str) -> str:
    """What was probably meant, from the parser's reason and the line it stopped in; empty where that can't be told."""
    words = _of_time(line) or _of_text(reason) or _of_key(reason, line)
    if not words and reason == "Invalid value":
        words = _of_value(line)
    return f"; {words}" if words else ""


def _of_time(line: str) -> str:
    if day := _DAY.search(line):
        written = f"{day['year']}-{day['month']:0>2}-{day['day']:0>2}"
        return f"a date is written year first, without quotes: {written}"
    if clock := _CLOCK.search(line):
        return f"a time of day has seconds too: {clock['hour']:0>2}:{clock['minute']}:00"
    return ""


def _of_text(reason: str) -> str:
    if reason.startswith(("Unterminated string", "Illegal character '\\n'")):
        return "a quotation mark is missing at the end of a text"
    if reason.startswith("Unescaped '\\'"):
        return "a text with a backslash stands between '…', or between three of them: '''…'''"
    return ""


def _of_key(reason: str, line: str) -> str:
    if reason == "Cannot overwrite a value" and (key := _KEY.search(line)):
        return f"the key '{key['key']}' stands twice in the same table"
    if reason.startswith("Cannot declare"):
        return f"there can be only one {line.strip()}"
    return ""


def _of_value(line: str) -> str:
    if _NOTHING.search(line):
        return "a value is missing after '='"
    if set(line) & set("“”„«»"):
        return "a text stands between straight quotation marks: \"…\" or '…'"
    if (bare := _BARE.search(line)) is None:
        return ""
    word = bare["word"]
    if word.lower() in ("true", "false"):
        return f"it is written {word.lower()}, in small letters"
    return f'a text needs quotation marks: "{word}"'
