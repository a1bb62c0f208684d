"""Reads a call's folder, the process it names and the registers, into the files that a definition is made of."""

from __future__ import annotations

import tomllib
import unicodedata
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.call import CALL, PROCESS, REGISTERS, DefinitionError, files_of
from grantflow.domain.call_file import CallFile
from grantflow.domain.notice_rules import NOTICES
from grantflow.domain.process import ProcessFile
from grantflow.rooms import room

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 4_000_000
"""The most bytes one file of a definition may have."""


def definition_files(folder: Path) -> dict[str, str]:
    """The definition's files by name. DefinitionError says which file is missing, too large, or not UTF-8."""
    call = text_of(folder / CALL)
    files = {CALL: call, PROCESS: text_of(process_path(folder, call))}
    if (folder / NOTICES).is_file():
        files[NOTICES] = text_of(folder / NOTICES)
    files |= {name: text_of(folder / name) for name in _own_files(files)}
    files |= {name: text_of(room("workflows") / name) for name in REGISTERS}
    return files


def _own_files(files: dict[str, str]) -> tuple[str, ...]:
    """The files that a call and its process ask for. DefinitionError when those can't be read."""
    try:
        declared = msgspec.convert(tomllib.loads(files[CALL]), CallFile)
        process = msgspec.convert(tomllib.loads(files[PROCESS]), ProcessFile)
        names = files_of(declared, process, files.get(NOTICES))
    except ValueError as error:
        msg = f"The definition can't be used: {error}"
        raise DefinitionError(msg) from error
    return tuple(name for name in names if _inside(name))


def _inside(name: str) -> bool:
    """Whether a file that a definition names stands in its own folder. DefinitionError when it doesn't."""
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        msg = f"The definition names a file outside its folder: {name}."
        raise DefinitionError(msg)
    return True


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


def plain_name(name: str) -> bool:
    """Whether a definition's file can stand under its name in a folder; its text is in the event in any case."""
    path = PurePosixPath(name)
    parts = name.split("/")
    return (
        not path.is_absolute() and not {"", ".", ".."} & {*parts} and "\\" not in name and name.isprintable()
    )
