"""The ledger's private keys: a file that only its owner reads, with a line a key; the last ones sign from now on."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from grantflow.domain.errors import Refused
from grantflow.ledger.note import Signer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RETIRED = "retired "
"""How a line begins whose key signs no more; what it signed stays signed."""


class BadKeys(Refused):
    """The key file can't be used as it is. Says which line, and never what stands in it."""

    code = "bad-ledger-keys"
    status = 500


class KeyFile:
    """The private keys of one ledger, in a file that is made with a first key when it isn't there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def signers(self, name: str) -> Sequence[Signer]:
        """The keys that sign; a first one, of this name, is made where there is none. BadKeys when a line is none."""
        signers = [signer for signer in self._read() if signer is not None]
        return signers or [self.add(name)]

    def add(self, name: str) -> Signer:
        """One key more: from now on it signs as well."""
        signer = Signer.new(name)
        self._write([*self._lines(), signer.secret])
        return signer

    def retire(self, key: str) -> Signer:
        """Let a key sign no more, by the hash in its verifier key. BadKeys when it is the only one, or unknown."""
        lines, found = self._lines(), self._read()
        there = [number for number, signer in enumerate(found) if signer and signer.verifier.id.hex() == key]
        if not there:
            msg = f"No signing key has the hash {key[:20]!r}. `grantflow ledger keys` lists those there are."
            raise BadKeys(msg)
        if sum(signer is not None for signer in found) == 1:
            msg = "This is the only key that signs; add another one first (grantflow ledger keys --add NAME)."
            raise BadKeys(msg)
        signer = found[there[0]]
        assert signer is not None  # noqa: S101 - it was found as one
        lines[there[0]] = RETIRED + lines[there[0]]
        self._write(lines)
        return signer

    def _read(self) -> list[Signer | None]:
        signers: list[Signer | None] = []
        for number, line in enumerate(self._lines(), start=1):
            try:
                signers.append(None if line.startswith(RETIRED) else Signer.read(line))
            except ValueError as error:
                msg = f"{self.path.name}, line {number}: {error}"
                raise BadKeys(msg) from error
        return signers

    def _lines(self) -> list[str]:
        try:
            return self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            msg = f"The ledger's key file {self.path.name} can't be read: {getattr(error, 'strerror', None) or error}."
            raise BadKeys(msg) from error

    def _write(self, lines: Sequence[str]) -> None:
        """The whole file, in place of the old one, in one step."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write("".join(f"{line}\n" for line in lines))
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self.path)
        finally:
            with suppress(FileNotFoundError):
                aside.unlink()
