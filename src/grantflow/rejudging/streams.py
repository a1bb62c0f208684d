"""The streams that belong to no case, judged anew: a call's money and announcement, delegations, mailboxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from grantflow.domain.announcement import CallEvent, CallPublished, CallRevised
from grantflow.domain.authority import AuthorityDelegated, AuthorityEvent, AuthorityRevoked
from grantflow.domain.contact import ContactEvent
from grantflow.domain.digest import digest_of
from grantflow.domain.errors import NotAllowed, Refused
from grantflow.domain.frame import FrameAdjusted, FrameCommitted, FrameEvent, FrameOpened, FrameReleased
from grantflow.rejudging.cases import Refusal, otherwise, rejudge
from grantflow.rejudging.lookups import NOBODY, parts_of
from grantflow.rejudging.notices import rejudge_contacts, rejudge_notices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grantflow.domain.authority import Authorities
    from grantflow.domain.call import Call
    from grantflow.domain.event import Entry, Event
    from grantflow.domain.frame import Frame
    from grantflow.rejudging.lookups import Lookups


def rejudge_all(lookups: Lookups) -> Iterator[Refusal]:
    """Every entry of a whole history that is not borne out: the streams that belong to no case, then each case."""
    yield from rejudge_streams(lookups)
    for case in lookups.history.cases:
        yield from rejudge(case.entries, lookups)
    for stream, entries in lookups.history.notices.items():
        known = lookups.history.by_id.get(stream)
        yield from rejudge_notices(entries, known.entries if known else (), lookups)


def rejudge_streams(lookups: Lookups) -> Iterator[Refusal]:
    """Every entry that is not borne out in the streams that belong to no case."""
    history = lookups.history
    for call, entries in history.announcements.items():
        yield from _announcement(call, entries, lookups)
    for call, entries in history.frames.items():
        yield from _in_order(entries, FrameEvent)
        for entry in entries:
            yield from _money(call, entry, lookups)
    for organisation, entries in history.authority.items():
        yield from _in_order(entries, AuthorityEvent)
        for entry in entries:
            known = lookups.authorities(organisation, entry.position)
            yield from (Refusal(entry, what) for what in _delegation(entry.event, organisation, known))
    for organisation, entries in history.contacts.items():
        yield from _in_order(entries, ContactEvent)
        yield from rejudge_contacts(organisation, entries, lookups)


def _in_order(entries: Sequence[Entry], kind: type[Event]) -> Iterator[Refusal]:
    """Each event is of its stream's kind, and stands at the next place there and further on in the log."""
    version = position = 0
    for entry in entries:
        next_ = entry.originator_version == version + 1 and entry.position > position
        if not next_ or not isinstance(entry.event, kind):
            yield Refusal(entry, f"does not follow version {version} of its stream, at position {position}")
        version, position = entry.originator_version, entry.position


def _announcement(call: str, entries: Sequence[Entry], lookups: Lookups) -> Iterator[Refusal]:
    yield from _in_order(entries, CallEvent)
    newest: Call | None = None
    for entry in entries:
        event = entry.event
        defined: Call | None = None
        if isinstance(event, CallPublished | CallRevised):
            defined = lookups.call(event.digest)
            frame = lookups.funds(call).before(entry.position, NOBODY)
            yield from (Refusal(entry, what) for what in _definition(event, defined, newest, frame))
        behind = newest or defined
        if behind is None or (event.stamp.role, event.stamp.organisation) != (
            "call-manager",
            behind.authority,
        ):
            yield Refusal(entry, "only a call-manager at the directorate behind the call announces it")
        newest = defined or newest


def _definition(
    event: CallPublished | CallRevised, defined: Call, newest: Call | None, frame: Frame
) -> Iterator[str]:
    """Where the event does not fit the files it brings, the definition before it, or the frame it leaves."""
    if isinstance(event, CallPublished) is not (newest is None):
        yield "a call is published first, and only once; from then on it is revised"
    if digest_of(event.files) != event.digest:
        yield f"its files have the digest {digest_of(event.files)}, and not {event.digest}"
    if newest is not None and newest.digest == event.digest:
        yield "a revision that changes nothing"
    said = (event.call, event.names, event.year, event.frame_ore)
    if said != (defined.id, defined.names, defined.year, defined.frame):
        yield "it says another id, name, year or frame of the call than its files"
    if (frame.limit_ore, frame.areas) != (defined.frame, parts_of(defined)):
        yield "the frame, as it stands then, is not what its files say"


def _money(call: str, entry: Entry, lookups: Lookups) -> Iterator[Refusal]:
    """The event is what the frame before it leads to, and an entry of the same command comes right after it."""
    event = entry.event
    case = event.case if isinstance(event, FrameCommitted | FrameReleased) else None
    frame = lookups.funds(call).before(entry.position, case or NOBODY)
    try:
        yield from otherwise(entry, _moved(event, frame), lookups)
    except Refused as refusal:
        yield Refusal(entry, f"refused by the rules it claims to follow: {refusal}")
    after = lookups.entry(entry.position + 1)
    if after is None or _command(after) != _command(entry) or case not in (None, after.originator_id):
        yield Refusal(entry, "the entry of the same command, in the case or the call, is not right after it")


def _moved(event: Event, frame: Frame) -> Event:
    """The same movement of money decided again."""
    if isinstance(event, FrameCommitted):
        return frame.commit(event.case, event.amount_ore, event.stamp, area=event.area)
    if isinstance(event, FrameReleased):
        if event.case not in frame.commitments:
            msg = f"Nothing is committed to {event.case}."
            raise NotAllowed(msg)
        return frame.release(event.case, event.remaining_ore, event.stamp)
    if isinstance(event, FrameAdjusted):
        return frame.adjust(event.call, event.limit_ore, event.areas, event.stamp)
    if not isinstance(event, FrameOpened) or frame.version:
        msg = "A frame is opened once, as the first thing."
        raise NotAllowed(msg)
    return msgspec.structs.replace(event, stamp=msgspec.structs.replace(event.stamp, state="open"))


def _command(entry: Entry) -> tuple[str, str, str]:
    stamp = entry.event.stamp
    return stamp.person, stamp.command, stamp.step


def _delegation(event: Event, organisation: str, known: Authorities) -> Iterator[str]:
    """Where the event does not fit the organisation's delegations before it."""
    stamp = event.stamp
    if stamp.organisation != organisation:
        yield f"{stamp.organisation} binds nobody but itself, and not {organisation}"
    if isinstance(event, AuthorityDelegated):
        if event.delegation.reference in known.delegations:
            yield f"{event.delegation.reference} is recorded already"
        if event.delegation.person == stamp.person:
            yield "nobody delegates authority to themselves"
    if isinstance(event, AuthorityRevoked):
        held = known.delegations.get(event.reference)
        if held is None or held.revoked_at is not None:
            yield f"there is no {event.reference} to revoke"
