"""What commands take in: who acts, instants, and content as JSON; each refused in one clear sentence."""

from __future__ import annotations

import base64
import mimetypes
import sys
import unicodedata
import uuid
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grantflow.domain.calendar import OSLO
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.errors import BadRequest
from grantflow.domain.register import valid_orgnr
from grantflow.domain.roles import CALLERS
from grantflow.strict_json import json_object

if TYPE_CHECKING:
    from collections.abc import Iterable

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for machines.")]
Person = Annotated[str, typer.Option("--as", help="Who acts: a stable pseudonym, never a name.")]
Role = Annotated[str, typer.Option("--role", help="In which role, such as applicant or case-officer.")]
Org = Annotated[str, typer.Option("--org", help="For which organisation: its nine digits.")]
Key = Annotated[
    str, typer.Option("--key", help="Idempotency key: the same again gives the first answer again.")
]

LARGEST = 20_000_000
"""The most bytes that a command's content may have."""


def circumstances(
    person: str, role: str, organisation: str, key: str, happened_at: str = ""
) -> Circumstances:
    """Who asks, now, through the command line; and when what they tell happened, where that was earlier."""
    if role not in CALLERS:
        raise BadRequest(unknown("role", role, CALLERS))
    if not valid_orgnr(organisation):
        msg = (
            f"--org {organisation!r} is not an organisation number: nine digits, the last one a check digit."
        )
        raise BadRequest(msg)
    return Circumstances(
        at=datetime.now(UTC),
        person=person,
        organisation=organisation,
        role=role,
        channel="cli",
        command=key or str(uuid.uuid4()),
        effective_at=_in_utc(happened_at) if happened_at else None,
    )


def instant(text: str) -> datetime:
    """Read an instant; one without an offset is by the clock in Oslo."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"{text!r} is not an instant such as 2023-08-28T23:59:59+02:00 or 2023-08-28."
        raise BadRequest(msg) from error
    return read if read.tzinfo else read.replace(tzinfo=OSLO)


def _in_utc(text: str) -> datetime:
    try:
        return instant(text).astimezone(UTC)
    except OverflowError as error:
        msg = f"{text}: no calendar goes that far."
        raise BadRequest(msg) from error


def content(source: str) -> dict[str, Any]:
    """A JSON object from a file, or from standard input (`-`); empty when no source is named."""
    if not source:
        return {}
    return json_object(_bytes(source), _named(source))


def text_of(source: str) -> str:
    """A text from a file, or from standard input (`-`)."""
    try:
        return _bytes(source).decode()
    except UnicodeDecodeError as error:
        msg = f"{_named(source)} is not text in UTF-8."
        raise BadRequest(msg) from error


def document(path: str) -> dict[str, Any]:
    """A file as the content of the step `attach`."""
    media_type, _ = mimetypes.guess_type(path)
    return {
        "filename": unicodedata.normalize("NFC", Path(path).name),
        "media_type": media_type or "application/octet-stream",
        "content": base64.b64encode(_bytes(path)).decode(),
    }


def _bytes(source: str) -> bytes:
    try:
        if source == "-":
            raw = sys.stdin.buffer.read(LARGEST + 1) if sys.stdin else b""
        else:
            with Path(source).open("rb") as file:
                raw = file.read(LARGEST + 1)
    except OSError as error:
        msg = f"{source} can't be read: {error.strerror or error}."
        raise BadRequest(msg) from error
    if len(raw) > LARGEST:
        msg = f"The content of {_named(source)} is larger than {LARGEST} bytes."
        raise BadRequest(msg)
    return raw


def _named(source: str) -> str:
    return "standard input" if source == "-" else source


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that there is no such thing, what was probably meant, and what there is."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"There is no {kind} {name[:60]!r}.{hint} There are: {', '.join(names)}."
