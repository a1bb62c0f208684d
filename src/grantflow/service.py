"""The one way in for people, machines and the clock: load, decide, append."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import structlog

from grantflow.announcing import Announcing
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
from grantflow.domain.frame import Frame
from grantflow.naming import Naming
from grantflow.receipts import Contended, Receipt, receipt_for, stored
from grantflow.states import States, case_stream, frame_stream
from grantflow.store import Append, Appended, Conflict, Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

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
    """What a command has been decided to lead to, not yet stored; `after` is the case as it would then be."""

    request: Request
    append: Append
    after: Application


class Service:
    """Handles commands on one store. Safe to use from many threads."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.states = States(store)
        self.calls = Announcing(store, self.states)
        self.authority = Delegating(store, self.states)
        self.people = Naming(store, self.states)

    def handle(self, request: Request) -> Receipt:
        """Decide and store one command, durably, or refuse it. A lost race is decided again, once."""
        try:
            command = command_from(request.step, request.data)
            queue = self._queue(request) if command.money else nullcontext()
            with queue:
                receipt = self._handle(request, command)
        except Refused as refusal:
            _log(request, refused=refusal.code)
            raise
        _log(request, position=receipt.position, state=receipt.state)
        return receipt

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

    def propose(self, request: Request, *, known: Application | None = None, fresh: bool = False) -> Proposal:
        """Decide without storing: on `known`, or on what is remembered, or on the log as it is now (`fresh`)."""
        return self._propose(request, command_from(request.step, request.data), known=known, fresh=fresh)

    def settle(self, proposal: Proposal) -> Receipt:
        """Store what was proposed; Conflict when somebody else was first."""
        return self._receipt(proposal, self.store.append(proposal.append).result())

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

    def _propose(
        self, request: Request, command: Command, *, known: Application | None = None, fresh: bool = False
    ) -> Proposal:
        situation = self._situation(request, command, known, fresh=fresh)
        events = decide(situation, command)
        for digest, media_type, content in command.documents():
            self.store.put_document(digest, media_type, content)
        entries = _placed(events, situation.case, situation.frame)
        after = situation.case
        for entry in entries:
            if entry.originator_id == after.id:
                after = evolve(after, entry)
        return Proposal(request, Append(request.key, request.body, entries), after)

    def _situation(
        self, request: Request, command: Command, known: Application | None, *, fresh: bool
    ) -> Situation:
        if request.case is None:
            call, case = self._newest(request.call), Application(id=case_stream(request.key))
        else:
            case = known or self.states.case(request.case, fresh=fresh)
            if request.expected is not None and request.expected != case.version:
                raise VersionMismatch(request.expected, case.version)
            call = self.states.call(case.call, case.definition)
        by = request.by
        return Situation(
            call=call,
            case=case,
            frame=self.states.frame(call.id) if command.money else Frame(id=frame_stream(call.id)),
            by=by,
            step=request.step,
            authorities=self.states.authorities(by.organisation) if command.binding else _NOBODY,
            revision=self._newest(call.id) if command.revises else None,
        )

    def _newest(self, call: str) -> Call:
        return self.states.call(call, self.states.announcement(call).digest)

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
        before = ahead.get(request.case) if request.case else None
        if request.case in ahead and before is None:
            return None
        try:
            command = command_from(request.step, request.data)
            known = before.after if before else None
            proposal = None if command.money else self._propose(request, command, known=known)
        except Refused:
            proposal = None
        if proposal is not None:
            if before is not None:
                follows = msgspec.structs.replace(proposal.append, after=before.append.key)
                proposal = msgspec.structs.replace(proposal, append=follows)
            ahead[proposal.after.id] = proposal
        elif request.case:
            ahead[request.case] = None
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
                    _log(request, position=receipt.position, state=receipt.state)
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


def _log(request: Request, **facts: object) -> None:
    event = "refused" if "refused" in facts else "handled"
    log.info(event, step=request.step, role=request.by.role, channel=request.by.channel, **facts)
