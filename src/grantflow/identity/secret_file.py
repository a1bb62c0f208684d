"""A secret of this installation's own: a file that only its owner reads, drawn once, the same for all processes."""

from __future__ import annotations

import base64
import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from grantflow.settings import BadSettings

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 32
"""Bytes in a secret."""
_log = structlog.get_logger(__name__)


def secret(path: Path, what: str) -> bytes:
    """The secret in the file, which is made when it isn't there; two processes that make it agree on one.

    BadSettings when the file can't be read or made, or holds something else; `what` is how the file is spoken of.
    """
    try:
        try:
            text = path.read_text(encoding="ascii")
        except FileNotFoundError:
            _make(path)
            text = path.read_text(encoding="ascii")
        found = base64.b64decode(text.strip(), validate=True)
    except OSError as error:
        msg = f"{what}, {path}, can't be read or made: {error.strerror or error}."
        raise BadSettings(msg) from error
    except ValueError:
        found = b""
    if len(found) != SIZE:
        msg = f"{what}, {path}, must hold one line: {SIZE} random bytes in base64. It is made when there is none."
        raise BadSettings(msg)
    return found


def _make(path: Path) -> None:
    """A new secret in its place in one step, unless another process was quicker."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(base64.b64encode(secrets.token_bytes(SIZE)).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(aside, path)
            _log.info("secret-made", file=path.name)
    finally:
        with suppress(FileNotFoundError):
            aside.unlink()
