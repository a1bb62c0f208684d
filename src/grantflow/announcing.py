"""The way in for whoever announces a call: publish it, revise it with grounds, answer questions for all."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.announcement import CallPublished, CallRevised, QuestionAnswered
from grantflow.domain.call import Call
from grantflow.domain.command import said
from grantflow.domain.digest import canonical
from grantflow.domain.errors import NotAllowed, NotTheAuthority, Refused, RoleNotAllowed
from grantflow.domain.event import Entry, Stamp
from grantflow.domain.frame import FrameOpened
from grantflow.domain.identity_numbers import refuse_identity_numbers
from grantflow.receipts import Contended, Receipt, stored
from grantflow.states import States, call_stream, frame_stream
from grantflow.store import Append, Conflict, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from grantflow.domain.circumstances import Circumstances
    from grantflow.domain.money import Ore


class Announcing:
    """Announces calls on one store. Safe to use from many threads."""

    def __init__(self, store: Store, states: States) -> None:
        self._store, self._states = store, states

    def publish(self, files: Mapping[str, str], by: Circumstances) -> Receipt:
        """Publish a call: its whole definition becomes an event, and its frame is opened in the same transaction."""
        call = Call.read(files)
        asked = {"publish": call.digest}
        return store_once(self._store, by, asked, lambda: self._published(call, by))

    def _published(self, call: Call, by: Circumstances) -> tuple[Entry, ...]:
        _call_manager(call, by, "publish")
        stream = call_stream(call.id)
        if self._store.load(stream):
            msg = f"The call '{call.id}' is published already; a published call is changed by a revision, with grounds."
            raise NotAllowed(msg)
        stamp = outside_cases(by, "publish", "published")
        opened = FrameOpened(
            call=call.id,
            limit_ore=call.frame,
            areas=_parts(call),
            stamp=msgspec.structs.replace(stamp, state="open"),
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
        return Entry(frame_stream(call.id), 1, opened), Entry(stream, 1, published)

    def revise(self, files: Mapping[str, str], grounds: str, by: Circumstances) -> Receipt:
        """Give a published call another definition, with grounds; cases that have begun keep theirs (R35)."""
        call = Call.read(files)
        asked = {"revise": call.digest, "grounds": grounds}
        return store_once(self._store, by, asked, lambda: self._revised(call, grounds, by))

    def rehearse(self, files: Mapping[str, str], by: Circumstances) -> Refused | None:
        """What a revision would be refused for now, whatever its grounds; None where it would be done."""
        try:
            self._revised(Call.read(files), "rehearsed", by)
        except Refused as refusal:
            return refusal
        return None

    def _revised(self, call: Call, grounds: str, by: Circumstances) -> tuple[Entry, ...]:
        announcement = self._states.announcement(call.id)
        for definition in (self._states.call(call.id, announcement.digest), call):
            _call_manager(definition, by, "revise")  # a revision gives the call to no other directorate
        if call.digest == announcement.digest:
            msg = f"This is the definition that '{call.id}' has already ({call.digest[:12]})."
            raise NotAllowed(msg)
        stamp, frame = outside_cases(by, "revise", "published"), self._states.frame(call.id)
        refuse_identity_numbers(grounds, "grounds")
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
        entry = Entry(announcement.id, announcement.version + 1, revised)
        if (call.frame, _parts(call)) == (frame.limit_ore, frame.areas):
            return (entry,)
        adjusted = frame.adjust(call.id, call.frame, _parts(call), stamp)
        return Entry(frame.id, frame.version + 1, adjusted), entry

    def answer_question(self, call_id: str, question: str, answer: str, by: Circumstances) -> Receipt:
        """Record a question and its answer for all applicants to read (R36)."""
        asked = {"call": call_id, "question": question, "answer": answer}
        return store_once(self._store, by, asked, lambda: self._answered(call_id, question, answer, by))

    def _answered(self, call_id: str, question: str, answer: str, by: Circumstances) -> tuple[Entry, ...]:
        announcement = self._states.announcement(call_id)
        call = self._states.call(call_id, announcement.digest)
        _call_manager(call, by, "answer-question")
        refuse_identity_numbers({"question": question, "answer": answer})
        event = QuestionAnswered(
            question=said(question, "question"),
            answer=said(answer, "answer"),
            stamp=outside_cases(by, "answer-question", "published"),
        )
        return (Entry(announcement.id, announcement.version + 1, event),)


def store_once(
    store: Store, by: Circumstances, asked: Mapping[str, object], decide: Callable[[], tuple[Entry, ...]]
) -> Receipt:
    """Decide and store events that belong to no case; a key that was answered before gets the first answer again.

    KeyReused when the key was for something else, Contended when somebody else was first.
    """
    body = hashlib.sha256(canonical({"organisation": by.organisation, **asked})).digest()
    appended = store.answered(by.key, body)
    if appended is None:
        try:
            appended = store.append(Append(by.key, body, decide())).result()
        except Conflict:
            raise Contended from None
    return stored(store, appended)


def outside_cases(by: Circumstances, step: str, state: str) -> Stamp:
    """The stamp of an event that belongs to no case: nothing but its own stream says when it comes."""
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


def _parts(call: Call) -> dict[str, Ore]:
    """The parts of the frame that areas have."""
    parts = {area: call.sub_frame(area) for area in call.areas}
    return {area: part for area, part in parts.items() if part is not None}


def _call_manager(call: Call, by: Circumstances, step: str) -> None:
    if by.role != "call-manager":
        raise RoleNotAllowed(step, by.role, ("call-manager",))
    if by.organisation != call.authority:
        msg = f"Only the directorate behind the call ({call.authority}) announces it."
        raise NotTheAuthority(msg)
