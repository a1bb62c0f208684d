"""The way in for whoever has a notice sent once more: it failed, or did not reach anybody."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from grantflow.announcing import outside_cases, store_once
from grantflow.domain.command import said
from grantflow.domain.errors import NotAllowed, NotFound, NotTheAuthority, RoleNotAllowed
from grantflow.domain.event import Entry
from grantflow.domain.identity_numbers import refuse_identity_numbers
from grantflow.domain.notice import NoticeResent

if TYPE_CHECKING:
    from uuid import UUID

    from grantflow.domain.circumstances import Circumstances
    from grantflow.receipts import Receipt
    from grantflow.states import States
    from grantflow.store import Store

STEP = "resend-notice"
WHO = ("case-officer", "call-manager")
STANDS = timedelta(days=30)
"""For how long one that is sent once more is tried, if nobody has an address for it."""


class Resend(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a notice is sent once more."""

    reason: str


class Resending:
    """Has notices sent once more. Safe to use from many threads."""

    def __init__(self, store: Store, states: States) -> None:
        self._store, self._states = store, states

    def resend(self, case: UUID, notice: UUID, reason: str, by: Circumstances) -> Receipt:
        """Have a mail sent once more that was sent or given up; the notifier does it."""
        asked = {"resend": str(notice), "case": str(case), "reason": reason}
        return store_once(self._store, by, asked, lambda: self._resent(case, notice, reason, by))

    def _resent(self, case: UUID, notice: UUID, reason: str, by: Circumstances) -> tuple[Entry, ...]:
        if by.role not in WHO:
            raise RoleNotAllowed(STEP, by.role, WHO)
        notices, application = self._states.notices(case), self._states.case(case)
        call = self._states.call(application.call, application.definition)
        if by.organisation != call.authority:
            msg = f"Only the directorate behind the call ({call.authority}) sends its notices once more."
            raise NotTheAuthority(msg)
        known = notices.notices.get(notice)
        if known is None:
            msg = "There is no such notice."
            raise NotFound(msg)
        if known.made.channel != "email":
            msg = "What is told in the portal stands there already."
            raise NotAllowed(msg)
        if known.waits:
            msg = "It is not sent yet, and will be without this."
            raise NotAllowed(msg)
        refuse_identity_numbers(reason, "reason")
        event = NoticeResent(
            call=application.call,
            case=case,
            notice=notice,
            reason=said(reason, "reason", most=2_000),
            expires_at=by.at + STANDS,
            stamp=outside_cases(by, STEP, "made"),
        )
        return (Entry(notices.id, notices.version + 1, event),)
