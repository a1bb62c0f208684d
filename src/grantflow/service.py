"""The one way in for people, machines and the clock: load, decide, append."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from uuid import UUID

import msgspec
import structlog

from grantflow.announcing import Announcing
from grantflow.contacting import Contacting
from grantflow.delegating import Delegating
from grantflow.domain import lifecycle
from grantflow.domain.application import Application, evolve
from grantflow.domain.authority import Authorities
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.command import Command, Situation
from grantflow.domain.deciding import command_from, decide
from grantflow.domain.digest import canonical
from grantflow.domain.errors import NotFound, Refused, VersionMismatch
from grantflow.domain.event import Entry, Event, body_of
from grantflow.domain.frame import Frame, fold_frame
from grantflow.naming import Naming
from grantflow.receipts import Contended, Receipt, receipt_for, stored
from grantflow.resending import Resending
from grantflow.states import States, case_stream, frame_stream
from grantflow.store import Append, Appended, Conflict, Store, Unavailable

if TYPE_CHECKING:
    import asyncio
    from asyncio import AbstractEventLoop
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from grantflow.domain.announcement import Announcement
    from grantflow.domain.call import Call

log = structlog.get_logger(__name__)

EVERY_PHASE = lifecycle.PHASES
_NOBODY = Authorities(id=UUID(int=0))


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A step somebody asks for: in which case (or, to begin one, under which call), with what content."""

    step: str
    by: Circumstances
    case: UUID | None = None
    call: str = ""
    data: dict[str, Any] = {}
    expected: int | None = None
    """The version that the case must be at; None where the caller does not mind."""

    @property
    def key(self) -> str:
        """The idempotency key."""
        return self.by.key

    @property
    def body(self) -> bytes:
        """SHA-256 of what is asked, and for whom, so that the same key for something else is noticed."""
        asked = {
            "step": self.step,
            "case": self.case,
            "call": self.call,
            "organisation": self.by.organisation,
            "effective_at": self.by.effective_at,
            "data": self.data,
        }
        return hashlib.sha256(canonical(asked)).digest()


class Proposal(msgspec.Struct, frozen=True):
    """What a command has been decided to lead to, not yet stored; `after` and `frame` are as they would then be."""

    request: Request
    append: Append
    after: Application
    frame: Frame


class Begun(NamedTuple):
    """A command that is decided and on its way into the log; `stored` is a future of the event loop it was begun on."""

    proposal: Proposal
    stored: asyncio.Future[Appended]


class Service:
    """Handles commands on one store, remembering so many cases. Safe to use from many threads."""

    def __init__(self, store: Store, *, cases: int = 20_000) -> None:
        self.store = store
        self.states = States(store, cases=cases)
        self.calls = Announcing(store, self.states)
        self.authority = Delegating(store, self.states)
        self.people = Naming(store, self.states)
        self.contacts = Contacting(store, self.states)
        self.notices = Resending(store, self.states)

    def handle(self, request: Request) -> Receipt:
        """Decide and store one command, durably, or refuse it. A lost race is decided again, once."""
        try:
            command = command_from(request.step, request.data)
            with self._queue(request) if command.money else nullcontext():
                return self._handle(request, command)
        except Refused as refusal:
            by = request.by  # what is not refused stands in the log of events, and is not told of twice
            log.info("refused", step=request.step, role=by.role, channel=by.channel, refused=refusal.code)
            raise

    def begin(self, loop: AbstractEventLoop, request: Request) -> Begun | None:
        """On an event loop: decide on what is remembered, without waiting for anything, and begin to store.

        None where that can't be done, or it would be refused: `handle` has the last word, and may take its time. When
        what was begun is not stored (its future raises), `handle` decides again, too.
        """
        try:
            command = command_from(request.step, request.data)
            if not self._at_hand(request, command):
                return None
            proposal = self._propose(request, command)
            return Begun(proposal, self.store.append_from(loop, proposal.append, request.by.person))
        except Refused:
            return None

    def end(self, begun: Begun) -> Receipt | None:
        """The receipt for what was begun and is stored now; None where the key had been answered before."""
        appended = begun.stored.result()
        if appended.repeated:
            return None
        return self._receipt(begun.proposal, appended)

    def handle_all(self, requests: Iterable[Request], *, window: int = 512) -> Iterator[Receipt | Refused]:
        """Handle many, answering in their order; those in one window share commits.

        Commands on one case are decided on each other's outcome. One that is refused, or loses a race, is handled
        again alone once those before it are stored, so the answers are those of handling one at a time.
        """
        pending: list[tuple[Request, Future[Appended] | None, Proposal | None]] = []
        ahead: dict[UUID, Proposal | None] = {}
        for request in requests:
            proposal = self._ahead(request, ahead)
            pending.append((request, self.store.append(proposal.append) if proposal else None, proposal))
            if len(pending) >= window:
                yield from self._settled(pending)
                pending, ahead = [], {}
        yield from self._settled(pending)

    def propose(
        self, request: Request, *, known: Application | None = None, fresh: bool = False, keep: bool = True
    ) -> Proposal:
        """Decide without storing: on `known`, or on what is remembered, or on the log as it is now (`fresh`).

        Its documents are kept, so that it can be settled; unless it is only to be looked at (not `keep`).
        """
        command = command_from(request.step, request.data)
        return self._propose(request, command, known=known, fresh=fresh, keep=keep)

    def settle(self, proposal: Proposal) -> Receipt:
        """Store what was proposed; Conflict when somebody else was first."""
        return self._receipt(proposal, self.store.keep(proposal.append, proposal.request.by.person))

    def _handle(self, request: Request, command: Command) -> Receipt:
        for fresh in (False, True):
            try:
                proposal = self._propose(request, command, fresh=fresh)
                return self.settle(proposal)
            except (Refused, Conflict) as reason:
                first = self._first_answer(request)
                if first is not None:
                    return first
                if fresh:
                    raise (Contended() if isinstance(reason, Conflict) else reason) from None
        raise Contended

    def _at_hand(self, request: Request, command: Command) -> bool:
        """Whether all that deciding looks at is remembered, and nothing has to be kept before it."""
        if command.money or command.revises or command.documents():
            return False
        begun = self.states.knows(case=request.case) if request.case else self.states.knows(call=request.call)
        return begun and (not command.binding or self.states.knows(organisation=request.by.organisation))

    def _propose(
        self,
        request: Request,
        command: Command,
        *,
        known: Application | None = None,
        fresh: bool = False,
        keep: bool = True,
    ) -> Proposal:
        situation, reads = self._situation(request, command, known, fresh=fresh)
        events = decide(situation, command)
        for digest, media_type, content in command.documents() if keep else ():
            self.store.put_document(digest, media_type, content)
        entries = _placed(events, situation.case, situation.frame)
        after = situation.case
        for entry in entries:
            if entry.originator_id == after.id:
                after = evolve(after, entry)
        frame = situation.frame
        if command.money:
            frame = fold_frame(frame, [entry for entry in entries if entry.originator_id == frame.id])
        return Proposal(request, Append(request.key, request.body, entries, reads=reads), after, frame)

    def _situation(
        self, request: Request, command: Command, known: Application | None, *, fresh: bool
    ) -> tuple[Situation, tuple[tuple[UUID, int], ...]]:
        """All that deciding may look at; and the streams beside the case's own that it is taken from, as they stood."""
        reads: list[Announcement | Authorities] = []
        newest = None
        if request.case is None or command.revises:
            name = request.call or self.states.case(cast("UUID", request.case), fresh=False).call
            announcement = self.states.announcement(name, fresh=fresh)
            newest = self.states.call(name, announcement.digest)
            reads.append(announcement)
        if request.case is None:
            call, case = cast("Call", newest), Application(id=case_stream(request.key))
        else:
            case = known or self.states.case(request.case, fresh=fresh)
            if request.expected is not None and request.expected != case.version:
                raise VersionMismatch(request.expected, case.version)
            call = self.states.call(case.call, case.definition)
        by, authorities = request.by, _NOBODY
        if command.binding:
            authorities = self.states.authorities(by.organisation, fresh=fresh)
            reads.append(authorities)
        situation = Situation(
            call=call,
            case=case,
            frame=self.states.frame(call.id, fresh=fresh)
            if command.money
            else Frame(id=frame_stream(call.id)),
            by=by,
            step=request.step,
            authorities=authorities,
            revision=newest if command.revises else None,
        )
        return situation, tuple((one.id, one.version) for one in reads)

    def _queue(self, request: Request) -> Any:  # noqa: ANN401 - a context manager
        """Those who commit the same frame stand in line, so that nobody loses a race while there is money left."""
        if request.case is None:
            msg = "Name the case."
            raise NotFound(msg)
        return self.store.exclusive(frame_stream(self.states.case(request.case, fresh=False).call))

    def _ahead(self, request: Request, ahead: dict[UUID, Proposal | None]) -> Proposal | None:
        """Decide on the outcome of what is in flight; None where it has to wait, and then all after it on that case.

        What is decided ahead names the command it was decided on, so that it is stored after that one or not at all.
        """
        case = request.case or case_stream(request.key)
        before = ahead.get(case)
        if case in ahead and (before is None or request.case is None):
            ahead[case] = None
            return None
        try:
            command = command_from(request.step, request.data)
            known = before.after if before else None
            proposal = None if command.money else self._propose(request, command, known=known)
        except Unavailable:
            raise
        except Refused:
            proposal = None
        if proposal is not None and before is not None:
            follows = msgspec.structs.replace(proposal.append, after=before.append.key)
            proposal = msgspec.structs.replace(proposal, append=follows)
        ahead[case] = proposal
        return proposal

    def _settled(
        self, pending: Sequence[tuple[Request, Future[Appended] | None, Proposal | None]]
    ) -> Iterator[Receipt | Refused]:
        for request, future, proposal in pending:
            if future is not None and proposal is not None:
                try:
                    receipt = self._receipt(proposal, future.result())
                except (Refused, Conflict):
                    pass
                else:
                    yield receipt
                    continue
            try:
                yield self.handle(request)
            except Refused as refusal:
                yield refusal

    def _first_answer(self, request: Request) -> Receipt | None:
        """The receipt that this key got the first time, if it was stored then."""
        appended = self.store.answered(request.key, request.body)
        if appended is None:
            return None
        return stored(self.store, appended)

    def _receipt(self, proposal: Proposal, appended: Appended) -> Receipt:
        if appended.repeated:
            return stored(self.store, appended)
        self.states.cases.put(proposal.after.id, proposal.after)
        if proposal.frame.version:
            self.states.frames.put(proposal.frame.id, proposal.frame)
        entry = proposal.append.entries[-1].placed(appended.positions[-1])
        return receipt_for(entry, hashlib.sha256(body_of(entry.event)).hexdigest())


def _placed(events: Sequence[Event], case: Application, frame: Frame) -> tuple[Entry, ...]:
    """Each event at the next place of its stream: the frame's first, so that the receipt speaks of the case."""
    frames = [event for event in events if event.stream == "frame"]
    cases = [event for event in events if event.stream == "case"]
    return (
        *(Entry(frame.id, frame.version + n, event) for n, event in enumerate(frames, start=1)),
        *(Entry(case.id, case.version + n, event) for n, event in enumerate(cases, start=1)),
    )
