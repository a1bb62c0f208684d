"""The one way in for people, machines and the clock: load, decide, append."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import structlog

from grantflow.domain import lifecycle
from grantflow.domain.announcement import CallPublished, CallRevised, QuestionAnswered
from grantflow.domain.application import Application, evolve
from grantflow.domain.call import Call
from grantflow.domain.deciding import Circumstances, Command, Situation, command_from, decide, said
from grantflow.domain.digest import canonical
from grantflow.domain.errors import NotAllowed, NotFound, NotTheAuthority, Refused, RoleNotAllowed
from grantflow.domain.event import Entry, Event, Stamp, body_of
from grantflow.domain.frame import Frame, FrameOpened
from grantflow.states import States, call_stream, case_stream, frame_stream
from grantflow.store import Append, Appended, Conflict, Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

log = structlog.get_logger(__name__)

EVERY_PHASE = lifecycle.PHASES


class Contended(Refused):
    """Others were writing to the same case at the same instant, twice in a row."""

    code = "contended"

    def __init__(self) -> None:
        super().__init__("Somebody else changed this at the same instant. Nothing was stored; try again.")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A step somebody asks for: in which case (or, to begin one, under which call), with what content."""

    step: str
    by: Circumstances
    case: UUID | None = None
    call: str = ""
    data: dict[str, Any] = {}

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
            "data": self.data,
        }
        return hashlib.sha256(canonical(asked)).digest()


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Proof for the caller: which event, where in the log, its SHA-256, and the state it led to."""

    case: UUID
    event: str
    position: int
    digest: str
    state: str
    version: int
    recorded_at: datetime
    repeated: bool = False


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

    def publish(self, files: Mapping[str, str], by: Circumstances) -> Receipt:
        """Publish a call: its whole definition becomes an event, and its frame is opened in the same transaction."""
        call = Call.read(files)
        _call_manager(call, by, "publish")
        stream = call_stream(call.id)
        if self.store.load(stream):
            msg = f"The call '{call.id}' is published already; a published call is changed by a revision, with grounds."
            raise NotAllowed(msg)
        stamp = _call_stamp(by, "publish", "published")
        opened = FrameOpened(
            call=call.id, limit_ore=call.frame, stamp=msgspec.structs.replace(stamp, state="open")
        )
        published = CallPublished(
            call=call.id,
            digest=call.digest,
            names=dict(call.names),
            year=call.year,
            frame_ore=call.frame,
            files=dict(call.files),
            stamp=stamp,
        )
        return self._store_call(
            by,
            {"publish": call.digest},
            (Entry(frame_stream(call.id), 1, opened), Entry(stream, 1, published)),
        )

    def revise(self, files: Mapping[str, str], grounds: str, by: Circumstances) -> Receipt:
        """Give a published call another definition, with grounds; cases that have begun keep theirs (R35)."""
        call = Call.read(files)
        announcement = self.states.announcement(call.id)
        _call_manager(self.states.call(call.id, announcement.digest), by, "revise")
        if call.digest == announcement.digest:
            msg = f"This is the definition that '{call.id}' has already ({call.digest[:12]})."
            raise NotAllowed(msg)
        stamp, frame = _call_stamp(by, "revise", "published"), self.states.frame(call.id)
        revised = CallRevised(
            call=call.id,
            digest=call.digest,
            grounds=said(grounds, "grounds"),
            names=dict(call.names),
            year=call.year,
            frame_ore=call.frame,
            files=dict(call.files),
            stamp=stamp,
        )
        entries = [Entry(announcement.id, announcement.version + 1, revised)]
        if call.frame != frame.limit_ore:
            adjusted = frame.adjust(call.id, call.frame, stamp)
            entries.insert(0, Entry(frame.id, frame.version + 1, adjusted))
        return self._store_call(by, {"revise": call.digest, "grounds": grounds}, tuple(entries))

    def answer_question(self, call_id: str, question: str, answer: str, by: Circumstances) -> Receipt:
        """Record a question and its answer for all applicants to read (R36)."""
        announcement = self.states.announcement(call_id)
        call = self.states.call(call_id, announcement.digest)
        _call_manager(call, by, "answer-question")
        event = QuestionAnswered(
            question=said(question, "question"),
            answer=said(answer, "answer"),
            stamp=_call_stamp(by, "answer-question", "published"),
        )
        entry = Entry(announcement.id, announcement.version + 1, event)
        return self._store_call(by, {"question": question, "answer": answer}, (entry,))

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
        situation = self._situation(request, known, money=command.money, fresh=fresh)
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
        self, request: Request, known: Application | None, *, money: bool, fresh: bool
    ) -> Situation:
        if request.case is None:
            digest = self.states.announcement(request.call).digest
            call, case = self.states.call(request.call, digest), Application(id=case_stream(request.key))
        else:
            case = known or self.states.case(request.case, fresh=fresh)
            call = self.states.call(case.call, case.definition)
        frame = self.states.frame(call.id) if money else Frame(id=frame_stream(call.id))
        return Situation(call, case, frame, request.by, request.step)

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
        return self._stored(appended)

    def _receipt(self, proposal: Proposal, appended: Appended) -> Receipt:
        if appended.repeated:
            return self._stored(appended)
        self.states.cases.put(proposal.after.id, proposal.after)
        entry = proposal.append.entries[-1].placed(appended.positions[-1])
        return _receipt_for(entry, hashlib.sha256(body_of(entry.event)).hexdigest())

    def _stored(self, appended: Appended) -> Receipt:
        """The receipt for what stands in the log."""
        position = appended.positions[-1]
        return _receipt_for(
            self.store.entry(position), self.store.digest(position), repeated=appended.repeated
        )

    def _store_call(self, by: Circumstances, asked: dict[str, str], entries: tuple[Entry, ...]) -> Receipt:
        append = Append(by.key, hashlib.sha256(canonical(asked)).digest(), entries)
        try:
            appended = self.store.append(append).result()
        except Conflict:
            raise Contended from None
        return self._stored(appended)


def _placed(events: Sequence[Event], case: Application, frame: Frame) -> tuple[Entry, ...]:
    """Each event at the next place of its stream: the frame's first, so that the receipt speaks of the case."""
    frames = [event for event in events if event.stream == "frame"]
    cases = [event for event in events if event.stream == "case"]
    return (
        *(Entry(frame.id, frame.version + n, event) for n, event in enumerate(frames, start=1)),
        *(Entry(case.id, case.version + n, event) for n, event in enumerate(cases, start=1)),
    )


def _receipt_for(entry: Entry, digest: str, *, repeated: bool = False) -> Receipt:
    stamp = entry.event.stamp
    return Receipt(
        case=entry.originator_id,
        event=entry.id,
        position=entry.position,
        digest=digest,
        state=stamp.state,
        version=entry.originator_version,
        recorded_at=stamp.recorded_at,
        repeated=repeated,
    )


def _call_manager(call: Call, by: Circumstances, step: str) -> None:
    if by.role != "call-manager":
        raise RoleNotAllowed(step, by.role, ("call-manager",))
    if by.organisation != call.authority:
        msg = f"Only the directorate behind the call ({call.authority}) announces it."
        raise NotTheAuthority(msg)


def _call_stamp(by: Circumstances, step: str, state: str) -> Stamp:
    return Stamp(
        recorded_at=by.at,
        step=step,
        person=by.person,
        organisation=by.organisation,
        role=by.role,
        channel=by.channel,
        command=by.command,
        state=state,
        authority=by.authority,
        effective_at=by.effective_at,
    )


def _log(request: Request, **facts: object) -> None:
    event = "refused" if "refused" in facts else "handled"
    log.info(event, step=request.step, role=request.by.role, channel=request.by.channel, **facts)
