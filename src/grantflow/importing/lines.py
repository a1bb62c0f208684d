"""A file of commands, one JSON object a line: read a line at a time, and each line read for what it asks."""

from __future__ import annotations

from codecs import BOM_UTF8
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import UUID

import msgspec

from grantflow.domain.calendar import OSLO
from grantflow.domain.circumstances import LONGEST_NAME, Circumstances
from grantflow.domain.errors import BadRequest, Refused
from grantflow.domain.register import valid_orgnr
from grantflow.domain.roles import CALLERS
from grantflow.service import Request
from grantflow.states import case_stream
from grantflow.strict_json import json_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHANNEL = "import"
LONGEST_LINE = 14_000_000
"""The most bytes a line may have with its end: the largest document of the 2023 call in base64, and some more."""

MOST_PIECES = 250_000
"""The most brackets and commas a line may have: a value takes many times the memory that it takes bytes in the file."""

_PIECE = 1 << 16
_BESIDE_VALUES = (b"[", b"{", b",")


class Unreadable(BadRequest):
    """The file can be read no further."""


class Begun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case, named by the key under which it was begun; and by whom, where it was somebody else."""

    key: str
    person: str = ""


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a line may say."""

    key: str
    step: str
    person: str
    role: str
    organisation: str
    call: str = ""
    case: str | Begun = ""
    data: dict[str, Any] = {}
    happened_at: str = ""


class Asked(msgspec.Struct):
    """What a line asks for, or why it can't; `number` is that of the case, while it is not looked up.

    `read` is how many bytes have been read by the line's end.
    """

    line: int
    read: int
    key: str = ""
    step: str = ""
    request: Request | None = None
    number: str = ""
    refusal: Refused | None = None


def lines_of(
    file: BinaryIO, end: int | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Iterator[Asked]:
    """What the lines ask for that begin before the byte `end`, blank ones aside, each at the instant (UTC) it is read.

    No more of a line is held than it may have. Unreadable when the file can be read no further.
    """
    number = read = 0
    while (end is None or read < end) and (raw := _piece(file, LONGEST_LINE)):
        number, read = number + 1, read + len(raw)
        ended, fits = raw.endswith(b"\n"), True
        while not ended and (more := _piece(file, _PIECE)):
            ended, fits, read = more.endswith(b"\n"), False, read + len(more)
        if number == 1:
            raw = raw.removeprefix(BOM_UTF8)
        asked = Asked(number, read)
        if not fits:
            asked.refusal = BadRequest(f"The line is longer than {LONGEST_LINE} bytes.")
        elif raw.strip(b" \t\r\n"):
            _read(asked, raw, clock(), cut=not ended)
        else:
            continue
        raw = b""  # it may be large, and is not held while what it asks for is done
        yield asked


def _read(asked: Asked, raw: bytes, at: datetime, *, cut: bool) -> None:
    try:
        said = _said(asked, raw, cut=cut)
        _look_at(said)
        by = _by(said, at)
        if (said.step == "start") != (not said.case) or (said.step == "start") != bool(said.call):
            msg = "A line names the case, and one with the step 'start' the call instead."
            raise BadRequest(msg)
        case = _case(said, by)
        asked.number = said.case if case is None and isinstance(said.case, str) else ""
        asked.request = Request(step=said.step, case=case, call=said.call, data=said.data, by=by)
    except Refused as refusal:
        asked.refusal = refusal


def _piece(file: BinaryIO, most: int) -> bytes:
    try:
        return file.readline(most)
    except OSError as error:
        msg = f"It can be read no further: {error.strerror or error}."
        raise Unreadable(msg) from error


def _said(asked: Asked, raw: bytes, *, cut: bool) -> Said:
    if sum(map(raw.count, _BESIDE_VALUES)) > MOST_PIECES:
        msg = f"The line has more than {MOST_PIECES} brackets and commas."
        raise BadRequest(msg)
    try:
        told = json_object(raw, f"line {asked.line}")
    except BadRequest as refusal:
        if not cut:
            raise
        msg = f"{refusal.detail} The file ends in the middle of this line."
        raise BadRequest(msg) from refusal
    asked.key, asked.step = (_short(told.get(name)) for name in ("key", "step"))
    try:
        return msgspec.convert(told, Said, strict=True)
    except msgspec.ValidationError as error:
        msg = f"The line does not fit: {error}."
        raise BadRequest(msg) from error


def _short(told: object) -> str:
    """A key or a step as it can be told in a report, whatever else is wrong with the line."""
    return told if isinstance(told, str) and 0 < len(told) <= LONGEST_NAME and told.isprintable() else ""


def _by(said: Said, at: datetime) -> Circumstances:
    if said.role not in CALLERS:
        msg = f"There is no role {said.role[:60]!a}. There are: {', '.join(CALLERS)}."
        raise BadRequest(msg)
    if not valid_orgnr(said.organisation):
        msg = f"{said.organisation[:60]!a} is not an organisation number: nine digits, the last one a check digit."
        raise BadRequest(msg)
    return Circumstances(
        at=at,
        person=said.person,
        organisation=said.organisation,
        role=said.role,
        channel=CHANNEL,
        command=said.key,
        effective_at=_instant(said.happened_at) if said.happened_at else None,
    )


def _look_at(said: Said) -> None:
    case = {"case.key": said.case.key} if isinstance(said.case, Begun) else {"case": said.case or "-"}
    texts = {"key": said.key, "step": said.step, "call": said.call or "-", **case}
    for name, text in texts.items():
        if not (0 < len(text) <= LONGEST_NAME and text.isprintable()):
            msg = f"'{name}' must be 1 to {LONGEST_NAME} printable characters."
            raise BadRequest(msg)


def _case(said: Said, by: Circumstances) -> UUID | None:
    """The case a line names; None where it begins one, or names it by its number."""
    if isinstance(said.case, Begun):
        beginner = msgspec.structs.replace(by, person=said.case.person or by.person, command=said.case.key)
        return case_stream(beginner.key)
    try:
        return UUID(said.case)
    except ValueError:
        return None


def _instant(text: str) -> datetime:
    """An instant in UTC; one without an offset is by the clock in Oslo."""
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=OSLO)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        msg = f"'happened_at' {text[:60]!a} is not an instant such as 2023-08-28T23:59:59+02:00."
        raise BadRequest(msg) from error
