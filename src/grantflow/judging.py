"""Every event of a store judged anew: whether it can be read, follows on what was, and is allowed by its rules."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

import msgspec

from grantflow.domain.event import EVENT_TYPES, Entry
from grantflow.domain.notice import NoticeEvent
from grantflow.history import gather
from grantflow.ledger.diagnosis import Fault
from grantflow.ledger.sharing import shared
from grantflow.rejudging import Lookups, rejudge, rejudge_notices, rejudge_streams
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from grantflow.rejudging import Refusal

ALONE = 20_000
"""A log up to so long is judged in this process."""
_PARTS = 64
"""Into so many parts the streams are divided: progress is told, and no process waits long for another."""
_TOP = 1 << 128

_OF_CASES = ("case", "notices")
"""The kinds of streams that there are as many of as there are cases, and that are never all in memory."""

_ROWS = (
    "SELECT originator_id, originator_version, topic, state, notification_id FROM stored_events "
    "WHERE originator_id >= %s AND originator_id <= %s ORDER BY originator_id, originator_version"
)
_GENERAL = (
    "SELECT originator_id, originator_version, topic, state, notification_id FROM stored_events "
    "WHERE topic = ANY(%s) ORDER BY notification_id"
)
_ONE = (
    "SELECT originator_id, originator_version, topic, state, notification_id FROM stored_events "
    "WHERE notification_id = %s"
)


class Part(msgspec.Struct):
    """What came of judging a part of the streams."""

    events: int = 0
    cases: int = 0
    faults: list[Fault] = msgspec.field(default_factory=list)


class Judged:
    """A judgement under way: `faults` gives what is wrong as it is found; `cases` is how many were judged by then."""

    def __init__(self, parts: Iterator[Part]) -> None:
        self._parts = parts
        self.cases = 0

    def faults(self) -> Iterator[Fault]:
        """What is wrong, in the order of the log within each part of the streams."""
        for part in self._parts:
            self.cases += part.cases
            yield from sorted(part.faults, key=attrgetter("position"))


def judge(store: Store, told: Callable[[int, int], None]) -> Judged:
    """Judge every event of a store. What it takes does not grow with the log; a long one is shared by processes."""
    return Judged(_parts(store, told))


def _parts(store: Store, told: Callable[[int, int], None]) -> Iterator[Part]:
    length = store.last_position()
    judge = _Judge(store)
    yield judge.general()
    if length <= ALONE:
        part = judge.between(*_bounds(0, 1))
        told(part.events, length)
        yield part
        return
    tasks, done = [_bounds(number, _PARTS) for number in range(_PARTS)], 0
    given = store.database_url, store.library
    for part in shared(tasks, judge.between, _Apart.judge, _Apart.begin, given):
        done += part.events
        told(done, length)
        yield part


def _bounds(number: int, parts: int) -> tuple[UUID, UUID]:
    """The first and the last stream that there can be in one of so many parts."""
    return UUID(int=_TOP * number // parts), UUID(int=_TOP * (number + 1) // parts - 1)


class _Apart:
    """The same in a process of its own, which makes ready once for all the parts it is given."""

    judge_here: ClassVar[_Judge]

    @classmethod
    def begin(cls, address: str, library: dict[str, str]) -> None:
        """Open the store, for as long as the process lives."""
        cls.judge_here = _Judge(Store(address, library=library, readers=2))

    @classmethod
    def judge(cls, first: UUID, last: UUID) -> Part:
        """Judge a part of the streams."""
        return cls.judge_here.between(first, last)


class _Judge:
    """Judges the events of one store, with what that looks up at hand: the streams that belong to no case."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._topics: dict[int, str] = {}
        self._unreadable = Part()
        general = [topic for topic, kind in EVENT_TYPES.items() if kind.stream not in _OF_CASES]
        with store.connection() as connection:
            rows = connection.execute(_GENERAL, (general,), binary=True).fetchall()
        history = gather(self._read(rows, self._unreadable))
        self._general_topics, self._topics = self._topics, {}
        self._lookups = Lookups(
            history,
            document=lambda digest: store.get_document(digest)[1],
            topic=self._topic,
            entry=self._entry,
        )

    def general(self) -> Part:
        """The streams that belong to no case."""
        refused = _told(rejudge_streams(self._lookups), "the streams that belong to no case")
        return Part(faults=[*self._unreadable.faults, *refused])

    def between(self, first: UUID, last: UUID) -> Part:
        """The cases whose streams lie between two."""
        part = Part()
        with (
            self._store.connection() as connection,
            connection.transaction(),
            connection.cursor("streams", binary=True) as cursor,
        ):
            cursor.itersize = 2_000
            cursor.execute(_ROWS, (first, last))
            for _, rows in groupby(cursor, key=lambda row: row[0]):
                self._topics.clear()
                entries = list(self._read(rows, part))
                if entries and entries[0].event.stream == "case":
                    part.cases += 1
                    part.faults += _told(rejudge(entries, self._lookups), entries[0].id)
                elif entries and isinstance(entries[0].event, NoticeEvent):
                    of_case = self._case_of(entries[0].event)
                    part.faults += _told(rejudge_notices(entries, of_case, self._lookups), entries[0].id)
        return part

    def _case_of(self, event: NoticeEvent) -> list[Entry]:
        """The entries of the case that a notice is about, as far as they can be read: they are judged in their turn."""
        with self._store.connection() as connection:
            rows = connection.execute(_ROWS, (event.case, event.case), binary=True).fetchall()
        topics, self._topics = self._topics, {}
        found = list(self._read(rows, Part()))
        self._topics = topics
        return found

    def _topic(self, entry: Entry) -> str:
        """The topic that an entry is stored under: an older version's, where it was brought up to date."""
        known = self._topics.get(entry.position) or self._general_topics.get(entry.position)
        return known or entry.event.topic

    def _entry(self, position: int) -> Entry | None:
        with self._store.connection() as connection:
            row = connection.execute(_ONE, (position,), binary=True).fetchone()
        return next(self._read([row], Part()), None) if row else None

    def _read(self, rows: Iterable[tuple[Any, ...]], part: Part) -> Iterator[Entry]:
        """The entries of rows that can be read; those that can't are faults."""
        for stream, version, topic, state, position in rows:
            part.events += 1
            try:
                entry = self._store.entry_of(stream, version, topic, state, position)
            except Exception as error:  # noqa: BLE001 - whatever stands there, the rest is judged
                what = f"can't be read: {error}"
                event = f"{stream}.{version}"
                part.faults.append(Fault(kind="unreadable", position=position, event=event, what=what))
                continue
            self._topics[position] = topic
            yield entry


def _told(refusals: Iterator[Refusal], about: str) -> list[Fault]:
    """What is refused; where judging itself can't go on, that is told, and other streams are judged all the same."""
    faults: list[Fault] = []
    try:
        faults.extend(_fault(refusal) for refusal in refusals)
    except Exception as error:  # noqa: BLE001 - what was tampered with can be anything
        what = f"can't be judged: {type(error).__name__}: {error}"
        faults.append(Fault(kind="refused", event=about, what=what))
    return faults


def _fault(refusal: Refusal) -> Fault:
    entry = refusal.entry
    return Fault(
        kind="refused",
        position=entry.position,
        event=entry.id,
        what=f"{entry.event.topic} {refusal.what}",
    )
