"""Reads a call's folder, the process it names and the registers, into the files that a definition is made of."""

from __future__ import annotations

import tomllib
import unicodedata
from typing import TYPE_CHECKING

from grantflow.domain.call import (
    APPLICATION_FORM,
    CALL,
    DISTRICTS,
    MUNICIPALITIES,
    PROCESS,
    REPORT_FORM,
    DefinitionError,
)
from grantflow.rooms import room

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 4_000_000
"""The most bytes one file of a definition may have."""


def definition_files(folder: Path) -> dict[str, str]:
    """The definition's files by name. DefinitionError says which file is missing, too large, or not UTF-8."""
    workflows = room("workflows")
    files = {name: text_of(folder / name) for name in (CALL, APPLICATION_FORM, REPORT_FORM)}
    files[PROCESS] = text_of(process_path(folder, files[CALL]))
    for name in (MUNICIPALITIES, DISTRICTS):
        files[name] = text_of(workflows / name)
    return files


def process_path(folder: Path, call_text: str) -> Path:
    """Where the process that a call names stands: in its own folder, or among those that calls share."""
    try:
        name = tomllib.loads(call_text).get("process")
    except tomllib.TOMLDecodeError:
        name = None
    own = folder / PROCESS
    if own.is_file() or not isinstance(name, str) or not name.replace("-", "").isalnum():
        return own
    return room("workflows") / "processes" / f"{name}.toml"


def text_of(path: Path) -> str:
    """A file of a definition: UTF-8, in Unicode NFC, of a size that is allowed. DefinitionError says what it is not."""
    try:
        if path.stat().st_size > LARGEST:
            msg = f"{path} is larger than {LARGEST} bytes."
            raise DefinitionError(msg)
        return unicodedata.normalize("NFC", path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        msg = f"{path} is not UTF-8: {error.reason} at byte {error.start}."
        raise DefinitionError(msg) from error
    except OSError as error:
        msg = f"{path} can't be read: {error.strerror or error}."
        raise DefinitionError(msg) from error
