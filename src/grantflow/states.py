"""The present state of every stream, folded from the log and kept while it is used."""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from uuid import UUID, uuid5

from grantflow.domain.announcement import Announcement, fold_announcement
from grantflow.domain.application import Application, CaseEvent, evolve
from grantflow.domain.authority import Authorities, fold_authorities
from grantflow.domain.call import Call
from grantflow.domain.contact import Contacts, fold_contacts
from grantflow.domain.errors import NotFound
from grantflow.domain.frame import Frame, fold_frame
from grantflow.domain.notice import Notices, fold_notices
from grantflow.domain.person import Person, fold_person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from grantflow.domain.event import Entry
    from grantflow.store import Store

NAMESPACE = UUID("6f0a7d52-3c1e-5b7a-9a52-0c6f5d1f8e23")
"""Every identifier GrantFlow makes is derived under this one, so that the same commands give the same identifiers."""


@lru_cache(maxsize=1_000)
def call_stream(call: str) -> UUID:
    """The stream of a call's announcement."""
    return uuid5(NAMESPACE, f"call:{call}")


@lru_cache(maxsize=1_000)
def frame_stream(call: str) -> UUID:
    """The stream of a call's money."""
    return uuid5(NAMESPACE, f"frame:{call}")


def case_stream(key: str) -> UUID:
    """The stream of the application that the command with this key begins."""
    return uuid5(NAMESPACE, f"case:{key}")


@lru_cache(maxsize=1_000)
def authority_stream(organisation: str) -> UUID:
    """The stream of an organisation's delegations and lines."""
    return uuid5(NAMESPACE, f"authority:{organisation}")


def person_stream(person: str) -> UUID:
    """The stream of what names the person with this pseudonym."""
    return uuid5(NAMESPACE, f"person:{person}")


def notices_stream(case: UUID) -> UUID:
    """The stream of a case's notices."""
    return uuid5(NAMESPACE, f"notices:{case}")


def contacts_stream(organisation: str) -> UUID:
    """The stream of an organisation's mailboxes."""
    return uuid5(NAMESPACE, f"contacts:{organisation}")


class Versioned(Protocol):
    """Anything folded from a stream."""

    @property
    def version(self) -> int:
        """How many events have been folded in."""


S = TypeVar("S", bound=Versioned)


class Kept(Generic[S]):
    """A bounded memory of states by stream, newest version wins, least used goes first. Safe between threads.

    Streams are known by their number: a UUID reckons its hash anew each time it is asked.
    """

    def __init__(
        self, size: int, new: Callable[[UUID], S], onward: Callable[[S, Iterable[Entry]], S]
    ) -> None:
        self._size, self._new, self._onward = size, new, onward
        self._states: OrderedDict[int, S] = OrderedDict()
        self._lock = Lock()

    def get(self, stream: UUID) -> S | None:
        """The state as last seen here; another process may have written since."""
        with self._lock:
            state = self._states.get(stream.int)
            if state is not None:
                self._states.move_to_end(stream.int)
            return state

    def put(self, stream: UUID, state: S) -> None:
        """Remember a state, unless a newer one is known."""
        with self._lock:
            known = self._states.get(stream.int)
            if known is None or known.version < state.version:
                self._states[stream.int] = state
                self._states.move_to_end(stream.int)
                while len(self._states) > self._size:
                    self._states.popitem(last=False)

    def load(self, stream: UUID, store: Store, *, fresh: bool = True) -> S:
        """The state as the log has it now: what is remembered, and what has come since.

        Not `fresh`, what is remembered is enough: whoever decides on it has its version checked when storing.
        """
        known = self.get(stream)
        if known is not None and not fresh:
            return known
        state = known or self._new(stream)
        state = self._onward(state, store.load(stream, state.version))
        if state.version:
            self.put(stream, state)
        return state


class States:
    """Cases, frames, announcements, authorities, persons and parsed definitions of one store."""

    def __init__(self, store: Store, *, cases: int = 20_000) -> None:
        self.store = store
        self.cases = Kept(cases, lambda i: Application(id=i), _onward)
        self.frames = Kept(1_000, lambda i: Frame(id=i), fold_frame)
        self._announcements = Kept(1_000, lambda i: Announcement(id=i), fold_announcement)
        self._authorities = Kept(1_000, lambda i: Authorities(id=i), fold_authorities)
        self._persons = Kept(1_000, lambda i: Person(id=i), fold_person)
        self._notices = Kept(5_000, lambda i: Notices(id=i), fold_notices)
        self._contacts = Kept(1_000, lambda i: Contacts(id=i), fold_contacts)
        self._calls: dict[str, Call] = {}

    def case(self, case: UUID, *, fresh: bool = True) -> Application:
        """The case; NotFound when it has no events. `fresh=False` may be behind other processes."""
        state = (None if fresh else self.cases.get(case)) or self.cases.load(case, self.store)
        if not state.version:
            msg = "There is no such case."
            raise NotFound(msg)
        return state

    def knows(self, *, case: UUID | None = None, call: str = "", organisation: str = "") -> bool:
        """Whether each of these that is named is remembered, so that asking for it waits for nothing."""
        if case is not None:
            known = self.cases.get(case)
            return known is not None and known.definition in self._calls
        if call:
            announcement = self._announcements.get(call_stream(call))
            return announcement is not None and announcement.digest in self._calls
        return self._authorities.get(authority_stream(organisation)) is not None

    def frame(self, call: str, *, fresh: bool = True) -> Frame:
        """The call's money as the log has it now. `fresh=False` may be behind other processes."""
        return self.frames.load(frame_stream(call), self.store, fresh=fresh)

    def authorities(self, organisation: str, *, fresh: bool = True) -> Authorities:
        """An organisation's delegations and lines as the log has them now; none when it never recorded any."""
        return self._authorities.load(authority_stream(organisation), self.store, fresh=fresh)

    def person(self, person: str) -> Person:
        """What names a person as the log has it now; nothing when no name was ever recorded."""
        return self._persons.load(person_stream(person), self.store)

    def notices(self, case: UUID) -> Notices:
        """A case's notices as the log has them now; none when none was ever made."""
        return self._notices.load(notices_stream(case), self.store)

    def contacts(self, organisation: str) -> Contacts:
        """An organisation's mailboxes as the log has them now; none when nobody ever said."""
        return self._contacts.load(contacts_stream(organisation), self.store)

    def announcement(self, call: str, *, fresh: bool = True) -> Announcement:
        """The call's announcement as the log has it now; NotFound when it was never published."""
        announcement = self._announcements.load(call_stream(call), self.store, fresh=fresh)
        if not announcement.version:
            msg = f"No call '{call}' is published. `grantflow call list` names those that are."
            raise NotFound(msg)
        return announcement

    def call(self, call: str, digest: str) -> Call:
        """The definition with this digest, parsed once. A case is decided by the one it began under."""
        known = self._calls.get(digest)
        if known is None:
            known = Call.read(self.announcement(call).definitions[digest])
            self._calls[digest] = known
        return known


def _onward(case: Application, entries: Iterable[Entry]) -> Application:
    """A case further on. A stream of anything else, such as a call's, has no case in it."""
    for entry in entries:
        if not case.version and not isinstance(entry.event, CaseEvent):
            return case
        case = evolve(case, entry)
    return case
