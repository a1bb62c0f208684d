"""A ZIP file that stands under its name only when it is whole, and knows the SHA-256 of each file in it."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from hashlib import file_digest, sha256
from typing import IO, TYPE_CHECKING
from uuid import uuid4
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from grantflow.domain.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

_LARGE = 1 << 30
"""From so many bytes on, a file is written in the form that has room for more than 4 GiB."""


class CantWrite(Refused):
    """The file can't be written where it was asked for; nothing stands there that did not stand there before."""

    code = "cant-write"


class Archive:
    """The file in the making. `size` and `digest` are those of the whole, and known once it stands."""

    def __init__(self, file: IO[bytes], at: datetime) -> None:
        self.digests: dict[str, str] = {}
        self.size = 0
        self.digest = ""
        self._when = max(at.year, 1980), at.month, at.day, at.hour, at.minute, at.second
        self._zip = ZipFile(file, "w", ZIP_DEFLATED)

    def write(self, name: str, content: bytes) -> None:
        """One file more, of which all is known."""
        with self.opened(name, len(content)) as write:
            write(content)

    @contextmanager
    def opened(self, name: str, about: int = 0) -> Iterator[Callable[[bytes], None]]:
        """One file more, bit by bit; `about` is how large it may become."""
        if name in self.digests:
            msg = f"The pack would hold two files named {name!r}."
            raise CantWrite(msg)
        info = ZipInfo(name, self._when)
        info.compress_type = ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        digest = sha256()
        with self._zip.open(info, "w", force_zip64=about > _LARGE) as file:

            def write(content: bytes) -> None:
                digest.update(content)
                file.write(content)

            yield write
        self.digests[name] = digest.hexdigest()

    def close(self) -> None:
        """Write what a ZIP file ends with."""
        self._zip.close()


@contextmanager
def archive(target: Path, at: datetime) -> Iterator[Archive]:
    """Lend a file to write; it gets its name at the end. CantWrite when the name is taken, or the disk says no."""
    aside = target.with_name(f".{target.name[:100]}.{uuid4().hex}.part")
    try:
        if target.exists():
            raise _taken(target)
        with os.fdopen(os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            made = Archive(file, at)
            try:
                yield made
            finally:
                with suppress(ValueError):
                    made.close()
            file.flush()
            os.fsync(file.fileno())
            made.size = file.tell() if file.seek(0, os.SEEK_END) else 0
            file.seek(0)
            made.digest = file_digest(file, "sha256").hexdigest()
        _put_in_place(aside, target)
    except OSError as error:
        msg = f"{target} can't be written: {error.strerror or error}."
        raise CantWrite(msg) from error
    finally:
        with suppress(OSError):
            aside.unlink()


def _put_in_place(aside: Path, target: Path) -> None:
    """Give the file its name, which nothing else has got meanwhile."""
    try:
        target.hardlink_to(aside)
    except FileExistsError:
        raise _taken(target) from None
    except OSError:  # a disk without hard links
        if target.exists():
            raise _taken(target) from None
        aside.rename(target)


def _taken(target: Path) -> CantWrite:
    return CantWrite(f"{target} is there already, and no evidence is written over. Choose another name.")
