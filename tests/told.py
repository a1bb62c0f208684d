"""Cases under the 2023 call with somebody to tell: what the tests of notices begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from given import IMDI, OSLO_KOMMUNE, START, Given, Step
from noted import append
from steps import call_2023, countersign, declared, granted, letter, paid, report, sign, submitted
from variants import by_lead, delegate

from grantflow.contacting import Mailbox
from grantflow.domain.application import CaseEvent
from grantflow.domain.contact import ContactEvent
from grantflow.domain.event import Entry
from grantflow.domain.notice import NoticeEvent
from grantflow.judging import judge
from grantflow.notifying import Mailer, Notifier
from grantflow.service import Request, Service
from grantflow.smtp_address import SmtpServer
from grantflow.states import case_stream, notices_stream

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from mail_server import MailServer

    from grantflow.domain.circumstances import Circumstances
    from grantflow.domain.notice import Notice
    from grantflow.store import Store

SENDER = "tilskudd@imdi.example.no"


class Town:
    """A store with the call published in it, where cases are put as they have come about."""

    def __init__(self, store: Store) -> None:
        self.store, self.service = store, Service(store)
        self.call = call_2023()
        self.service.calls.publish(self.call.files, by_lead("publish"))
        delegate(self.service)
        self._begun = 0

    def case(self, *steps: Step, organisation: str = OSLO_KOMMUNE) -> UUID:
        """A case in which these steps were taken, by that organisation's people where they are a municipality's."""
        self._begun += 1
        given = Given(self.call, *(_of(step, organisation) for step in steps))
        case = case_stream(f"told-{self._begun}")
        events = [event for event in given.events if isinstance(event, CaseEvent)]
        for event in events:
            if hasattr(event, "applicant"):
                name = self.call.register.municipality(organisation, event.stamp.recorded_at)
                assert name is not None
        entries = (Entry(case, n, event) for n, event in enumerate(events, start=1))
        self.store.append(append(*entries)).result()
        return case

    def begun(self, organisation: str = OSLO_KOMMUNE) -> UUID:
        """A draft that was begun through the service, so that the clock knows of it."""
        self._begun += 1
        by = by_applicant(f"begin-{self._begun}", organisation, START)
        return self.service.handle(Request(step="start", call=self.call.id, by=by)).case

    def begun_and(self, *steps: Step) -> UUID:
        """A case in which these steps were taken; case officers may go on with it."""
        return self.case(*steps)

    def reported(self, at: datetime) -> tuple[Step, ...]:
        """Report and accounts, delivered and signed at this instant."""
        delivered = report().when(at)
        digest = Given(self.call, *paid(), delivered).case.report
        assert digest is not None
        return delivered, sign(digest.digest).when(at), countersign(digest.digest).when(at)

    def municipalities(self, many: int) -> list[str]:
        """So many municipalities that are written to in bokmål, by their numbers."""
        return [number for number in self.call.register.municipalities if self._form(number) != "nn"][:many]

    def written_to_in(self, form: str) -> str:
        """A municipality that has decided on a form of Norwegian."""
        return next(number for number in self.call.register.municipalities if self._form(number) == form)

    def _form(self, number: str) -> str:
        register = self.call.register
        return register.language_form(number, START) if register.municipality(number, START) else "nn"

    def decided(self) -> tuple[Step, ...]:
        """The steps to a letter about a grant."""
        return *granted(), letter()

    def answered(self) -> tuple[Step, ...]:
        """The steps to where the applicant has answered a request for information."""
        asked = Step(
            "request-information", {"what": "Hva med opplæringen?", "due": "2023-09-30"}, role="case-officer"
        )
        return (
            *submitted(),
            declared("case-officer"),
            asked,
            Step("supply", {"request": 1, "answer": "Slik."}),
        )

    def mailbox(self, address: str, organisation: str = OSLO_KOMMUNE, role: str = "") -> None:
        """Say where mail to an organisation goes, as itself."""
        if organisation == IMDI:
            by, call = by_lead(f"mailbox-{address}-{role}"), self.call.id
        else:
            by, call = by_applicant(f"mailbox-{address}-{role}", organisation), ""
        self.service.contacts.register(Mailbox(address=address, role=role, call=call), by)

    def notifier(self, server: MailServer | str | None = None) -> Notifier:
        """Somebody who tells, as a worker that has just started."""
        url = server if isinstance(server, str) or server is None else server.url
        mailer = None
        if url is not None:
            address = SmtpServer.read(url)
            assert address is not None
            mailer = Mailer(address, SENDER)
        return Notifier(Service(self.store), mailer)

    def notices(self, case: UUID) -> list[Notice]:
        """The notices of a case, in the order in which they were made."""
        return list(self.service.states.notices(case).notices.values())

    def events(self, case: UUID) -> list[NoticeEvent]:
        """All that is told of a case's notices."""
        found = [entry.event for entry in self.store.load(notices_stream(case))]
        assert all(isinstance(event, NoticeEvent) for event in found)
        return [event for event in found if isinstance(event, NoticeEvent)]


def by_officer(command: str, at: datetime) -> Circumstances:
    """A case officer at the directorate."""
    return msgspec.structs.replace(by_lead(command, at), person="imdi-officer", role="case-officer")


def by_applicant(command: str, organisation: str = OSLO_KOMMUNE, at: datetime | None = None) -> Circumstances:
    """Somebody at a municipality."""
    by = msgspec.structs.replace(
        by_lead(command), person="kommune-applicant", organisation=organisation, role="applicant"
    )
    return by if at is None else msgspec.structs.replace(by, at=at)


def _of(step: Step, organisation: str) -> Step:
    return (
        step.of(organisation) if step.role in {"applicant", "director", "project-lead", "superior"} else step
    )


def keys(notices: list[Notice]) -> list[tuple[str, str, str]]:
    """Which rule told whom, and how."""
    return [(one.made.rule, one.made.to, one.made.channel) for one in notices]


def faults_of(store: Store) -> list[str]:
    """What judging everything anew finds wrong with what is told of notices and mailboxes."""
    found = list(judge(store, lambda _done, _of: None).faults())
    others = {
        entry.id for entry in store.everything() if not isinstance(entry.event, NoticeEvent | ContactEvent)
    }
    return [f"{one.event}: {one.what}" for one in found if one.event not in others]
