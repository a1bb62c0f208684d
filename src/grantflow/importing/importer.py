"""Takes the lines of a file as commands, in their order; the same lines again change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from grantflow.domain.errors import NotFound, Refused
from grantflow.importing.rehearsal import Rehearsal, What
from grantflow.recorder import half, on_record
from grantflow.service import Service
from grantflow.store import KeyReused, Overloaded, Store, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from grantflow.importing.lines import Asked
    from grantflow.service import Request

    Numbers: TypeAlias = Callable[[Sequence[str]], Mapping[str, UUID]]

WINDOW_LINES, WINDOW_BYTES = 512, 2_000_000
"""So many lines, or so many bytes of them, are read before they are stored: most of them in one commit."""
CASES = 2_000
"""So many cases are remembered; one that is longer ago is read from the log again."""

_NUMBERS = 10_000
_KEPT = "SELECT key, body FROM commands WHERE key = ANY(%s)"


class Answer(msgspec.Struct, frozen=True):
    """What became of a line. `untold` is what a dry run can't know; `read` is how many bytes were read by its end.

    `key` and `step` are empty where they can't be read.
    """

    line: int
    read: int
    key: str
    step: str
    what: What
    refusal: Refused | None = None


class Importer:
    """Takes lines as commands, in their order. Who acts is what the line says.

    A line whose key the log has is answered from there; one that is refused refuses only itself, and is tried again
    when it comes again. Nothing is kept beside the log, so what was cut off is gone on with by taking the same lines
    again. `numbers` finds cases by their numbers.
    """

    def __init__(self, store: Store, numbers: Numbers, *, dry_run: bool = False) -> None:
        self._store, self._find = store, numbers
        self._service = Service(store, cases=CASES)
        self._rehearsal = Rehearsal(self._service) if dry_run else None
        self._numbers: dict[str, UUID] = {}

    def answers(self, lines: Iterable[Asked]) -> Iterator[Answer]:
        """Each line's answer, in their order. Unavailable or Overloaded when the database has no time for more."""
        for window in _windows(lines):
            if len(self._numbers) > _NUMBERS:
                self._numbers.clear()
            self._look_up([one.number for one in window if one.number])
            for together in self._apart(window):
                yield from self._answered(together)

    def _apart(self, window: Sequence[Asked]) -> Iterator[list[Asked]]:
        """What can be taken together: a line waits for those before it where one may begin what its number names."""
        together: list[Asked] = []
        begins = False
        for one in window:
            if begins and one.number and one.number not in self._numbers:
                yield together
                together, begins = [], False
                self._look_up([one.number])
            together.append(one)
            begins = begins or one.step == "start"
        yield together

    def _look_up(self, numbers: Sequence[str]) -> None:
        wanted = [number for number in numbers if number not in self._numbers]
        if wanted:
            self._numbers.update(self._find(wanted))

    def _answered(self, together: Sequence[Asked]) -> Iterator[Answer]:
        requests = [self._named(one) for one in together]
        kept = self._kept([request.key for request in requests if request])
        new = [request for request in requests if request and request.key not in kept]
        answers = self._taken(new)
        for one, request in zip(together, requests, strict=True):
            if request is None:
                yield _answer(one, one.refusal or "untold")
            elif request.key in kept:
                yield _answer(one, "repeated" if kept[request.key] == half(_body(request)) else KeyReused())
            else:
                yield _answer(one, next(answers))

    def _named(self, one: Asked) -> Request | None:
        """What a line asks for, in the case that its number names; None where it is refused, or can't be told."""
        if one.request is None or not one.number:
            return one.request
        case = self._numbers.get(one.number)
        if case is not None:
            return msgspec.structs.replace(one.request, case=case)
        if self._rehearsal is None or not self._rehearsal.begun:
            one.refusal = NotFound(
                f"There is no case '{one.number}'. `grantflow case list` names those there are."
            )
        return None

    def _kept(self, keys: list[str]) -> dict[str, UUID]:
        """Those keys that the log has, with half the SHA-256 of what was asked."""
        names = {on_record(key): key for key in keys}
        if not names:
            return {}
        with self._store.connection() as connection:
            rows = connection.execute(_KEPT, (list(names),), prepare=True, binary=True).fetchall()
        return {names[name]: body for name, body in rows}

    def _taken(self, requests: Sequence[Request]) -> Iterator[What | Refused]:
        if self._rehearsal is not None:
            yield from map(self._rehearsal.answer, requests)
            return
        for answer in self._service.handle_all(requests, window=WINDOW_LINES):
            if isinstance(answer, Unavailable | Overloaded):
                raise answer
            yield answer if isinstance(answer, Refused) else "repeated" if answer.repeated else "done"


def _windows(lines: Iterable[Asked]) -> Iterator[list[Asked]]:
    window: list[Asked] = []
    begins_at = 0
    for line in lines:
        window.append(line)
        if len(window) >= WINDOW_LINES or line.read - begins_at >= WINDOW_BYTES:
            yield window
            window, begins_at = [], line.read
    yield window


def _answer(one: Asked, what: What | Refused) -> Answer:
    if isinstance(what, Refused):
        return Answer(one.line, one.read, one.key, one.step, "refused", what)
    return Answer(one.line, one.read, one.key, one.step, what)


def _body(request: Request) -> bytes:
    """The SHA-256 of what is asked; of what no log can hold, none."""
    try:
        return request.body
    except (ValueError, OverflowError, RecursionError):
        return b""
