"""What somebody was told: the notices of the read model, newest first, with what became of each."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from grantflow.domain.noticing import language_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grantflow.projector import Projector
    from grantflow.states import States

LAST = 2**62
"""Beyond every position of the log."""
_WITH_CASE = "JOIN case_list c USING (case_id)"
_TOLD = f"""
    SELECT * FROM (
        SELECT m.notice, m.position, m.case_id, c.number, c.call, c.applicant, m.organisation, m.role, m.channel,
               m.rule, m.about, m.language, m.subject, m.text, m.made_at,
               CASE WHEN m.status IN ('waits', 'tried again') AND m.expires_at <= %(now)s THEN 'out of date'
                    ELSE m.status END AS status,
               m.arrived_at, m.attempts, m.again_at, m.expires_at, m.address, m.reason, c.definition,
               NULL::timestamptz AS due_at, '' AS nn
        FROM notices_made m {_WITH_CASE}
        UNION ALL
        SELECT NULL, n.position, n.case_id, c.number, c.call, c.applicant, n.organisation, 'applicant', 'portal', '',
               n.event, '', n.nb, '', n.at, 'in the portal', n.at, 0, NULL,
               NULL, '', '', c.definition, n.due_at, n.nn
        FROM notices n {_WITH_CASE}
        WHERE NOT EXISTS (
            SELECT FROM notices_by_rule b
            WHERE (b.case_id, b.about, b.organisation) = (n.case_id, n.event, n.organisation)
        )
    ) told
    WHERE {{condition}} AND position < %(beyond)s ORDER BY position DESC LIMIT %(most)s
"""  # noqa: S608 - nothing in it is anybody's but ours


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A notice in an inbox: to whom, about what, how, in which words, and whether it came.

    `id` is null for what every call tells in the portal without a rule of its own. `status` is `in the portal`, `sent`
    (the mail server has it), `waits`, `tried again`, `failed` or `out of date`; `waits_for` says what it waits for.
    """

    id: UUID | None
    case: UUID
    number: str
    call: str
    organisation: str
    role: str
    channel: str
    rule: str
    about: str
    language: str
    subject: str
    text: str
    made_at: datetime
    due_at: datetime | None
    status: str
    waits_for: str
    arrived_at: datetime | None
    attempts: int
    again_at: datetime | None
    address: str
    reason: str
    position: int


class Inbox:
    """Asks the read model. `mails` says whether there is a mail server that mails are handed over to."""

    def __init__(self, projector: Projector, states: States, *, mails: bool) -> None:
        self._projector, self._states, self._mails = projector, states, mails

    def told(
        self,
        now: datetime,
        condition: str = "true",
        parameters: Mapping[str, object] | None = None,
        *,
        beyond: int = LAST,
        most: int = 200,
    ) -> list[Told]:
        """The notices that fulfil a condition on the columns, before a position, the newest first."""
        asked = {**(parameters or {}), "now": now, "beyond": beyond, "most": most}
        rows = self._projector.rows(_TOLD.format(condition=condition), asked)
        return [self._one(row, now) for row in rows]

    def case_of(self, notice: UUID) -> UUID | None:
        """The case that a notice is about; None where there is no such notice."""
        query = "SELECT case_id FROM notices_made WHERE notice = %(notice)s"
        rows = self._projector.rows(query, {"notice": notice})
        found: UUID | None = rows[0]["case_id"] if rows else None
        return found

    def _one(self, row: dict[str, Any], now: datetime) -> Told:
        call = self._states.call(row["call"], row["definition"])
        language, subject = row["language"], row["subject"]
        if not language:
            language = language_of(call, row["organisation"], row["made_at"])
            subject = row["nn"] if language == "nn" else subject
        waits = row["status"] in ("waits", "tried again")
        return Told(
            id=row["notice"],
            case=row["case_id"],
            number=row["number"],
            call=row["call"],
            organisation=row["organisation"],
            role=row["role"],
            channel=row["channel"],
            rule=row["rule"],
            about=row["about"],
            language=language,
            subject=subject,
            text=row["text"] or subject,
            made_at=row["made_at"],
            due_at=row["due_at"],
            status=row["status"],
            waits_for=self._waits_for(row, call.authority, now) if waits else "",
            arrived_at=row["arrived_at"],
            attempts=row["attempts"],
            again_at=row["again_at"],
            address=row["address"],
            reason=row["reason"],
            position=row["position"],
        )

    def _waits_for(self, row: dict[str, Any], authority: str, now: datetime) -> str:
        """What a mail waits for."""
        organisation = row["organisation"]
        if not self._mails:
            return "a mail server (GRANTFLOW_SMTP_URL)"
        if not self._states.contacts(organisation).address(organisation, row["role"], authority):
            return "an address (grantflow contacts set)"
        return "its next attempt" if row["again_at"] and row["again_at"] > now else "its turn"
