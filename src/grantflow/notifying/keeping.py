"""Stores what is known of notices, each thing once, whoever tries and however often."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from grantflow.domain.event import Entry
from grantflow.domain.noticing import CLOCK
from grantflow.receipts import Contended
from grantflow.states import notices_stream
from grantflow.store import Append, Conflict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from grantflow.domain.notice import NoticeEvent
    from grantflow.states import States
    from grantflow.store import Store

_TRIES = 50


class Keeping:
    """Puts the clock's events about notices in the streams of their cases. Safe to use from many threads."""

    def __init__(self, store: Store, states: States) -> None:
        self._store, self._states = store, states

    def keep(self, events: Sequence[NoticeEvent]) -> None:
        """Store each of these, durably. What was stored before under the same command is left as it was."""
        heads: dict[UUID, int] = {}
        futures = []
        for event in events:
            stream = notices_stream(event.case)
            head = heads.get(stream)
            head = heads[stream] = (self._states.notices(event.case).version if head is None else head) + 1
            futures.append(self._store.append(_append(event, head)))
        again = []
        for event, future in zip(events, futures, strict=True):
            try:
                future.result()
            except Conflict:
                again.append(event)
        for event in again:
            self._alone(event)

    def _alone(self, event: NoticeEvent) -> None:
        """Store one, on whatever stands there by now."""
        for _ in range(_TRIES):
            try:
                self._store.append(_append(event, self._states.notices(event.case).version + 1)).result()
            except Conflict:
                continue
            return
        raise Contended


def _append(event: NoticeEvent, version: int) -> Append:
    """The key is derived from what it is about: the second to come with it finds that it is done."""
    command = event.stamp.command
    entry = Entry(notices_stream(event.case), version, event)
    return Append(f"{CLOCK}:{command}", sha256(command.encode()).digest(), (entry,))
