"""How a command ends when it can't do what was asked: one clear sentence on standard error, and the contract's exit."""

from __future__ import annotations

import errno
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, NoReturn

from grantflow.cli.output import visible, write_json
from grantflow.domain.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REFUSED, WRONG_USAGE = 1, 2
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class DatabaseRefused(Refused):
    """The database answers, and says no: a right that is missing, a table that isn't ours."""

    code: ClassVar[str] = "database-refused"
    status: ClassVar[int] = 503


@contextmanager
def endings(arguments: Sequence[str]) -> Iterator[None]:
    """End the process as the contract says, whatever the command inside meets that is no fault of its own."""
    for number, argument in enumerate(arguments, start=1):
        if not _is_text(argument):
            sys.stderr.write(f"Argument {number}, {argument!a}, is not text in UTF-8.\n")
            raise SystemExit(WRONG_USAGE)
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        sys.stderr.write(f"The answer can't be written: {error.strerror}.\n")
        raise SystemExit(REFUSED) from None
    except Exception as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        _end(refusal, arguments)


def _end(refusal: Refused, arguments: Sequence[str]) -> NoReturn:
    if "--json" in arguments:
        problem = {"code": refusal.code, "status": refusal.status, "detail": refusal.detail}
        write_json({**problem, "failures": refusal.failures})
    sys.stderr.write(f"Refused ({refusal.code}): {visible(refusal.detail)}\n")
    raise SystemExit(REFUSED) from None


def _refusal(error: Exception) -> Refused | None:
    """What to say of it; None when it is a fault of ours.

    Of what the database said, the first line: those after it may quote what was to be stored.
    """
    import psycopg
    import structlog

    from grantflow.store import Unavailable

    if not isinstance(error, psycopg.Error | Unavailable):
        return error if isinstance(error, Refused) else None
    structlog.get_logger(__name__).debug("database", exc_info=True)
    if isinstance(error, psycopg.OperationalError):
        error = Unavailable.because(error)
    if isinstance(error, Unavailable):
        return Unavailable(f"{error.detail} (`grantflow settings` tells which database is meant.)")
    said = str(error).strip().partition("\n")[0] or type(error).__name__
    return DatabaseRefused(f"The database refused: {said} (`grantflow settings` tells which is meant.)")


def _is_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True
