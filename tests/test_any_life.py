"""Random people take random steps, legal and not: the frame holds, four eyes hold, and every state explains itself."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import combinations, count
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from conftest import fresh_database
from given import DEADLINE, IMDI, OSLO_KOMMUNE, STAVANGER
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from variants import delegate_to, publish
from walking import CONTENTS, MUNICIPAL, next_step, organisation_of

from grantflow import logs
from grantflow.deadlines import sweep
from grantflow.domain.application import Application, evolve
from grantflow.domain.approval import ApplicationApproved
from grantflow.domain.assessment import CaseAssessed
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.errors import Refused
from grantflow.domain.frame import Frame, fold_frame
from grantflow.domain.letters import LetterIssued
from grantflow.domain.payment import AccountRegistered, PaymentAttested, PaymentAuthorised, PaymentConfirmed
from grantflow.domain.process import BEGINNING
from grantflow.domain.state_aid import StateAidAssessed
from grantflow.domain.submission import ApplicationLapsed, ApplicationSubmitted
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Request, Service
from grantflow.states import frame_stream
from grantflow.store import KeyReused, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from uuid import UUID

    from grantflow.receipts import Receipt

FRAME = "1000000.00"
"""Room for one grant of 900 000 kroner, and not for two."""
ROLES = ("applicant", "director", "project-lead", "superior", "case-officer", "assessor", "decider", "attestant",
         "payer", "integration", "auditor")  # fmt: skip
PEOPLE = ("officer", "decider", "attestant", "payer", "lead")
HOSTILE: tuple[dict[str, Any], ...] = (
    {},
    {"unknown": 1},
    {"amount": "-1.00"},
    {"section": "project", "content": {"title": []}},
)
LONG = os.environ.get("GRANTFLOW_LONG_TESTS") == "1"
PAYMENTS = (
    ("attest-payment", "attestant", "attestant"),
    ("authorise-payment", "payer", "payer"),
    ("confirm-payment", "bank", "integration"),
)
REACHED: Counter[str] = Counter()


def authority_of(person: str) -> str:
    """The reference of the authority that is delegated to whoever may come to decide."""
    return f"BDM {person}"


class Lives(RuleBasedStateMachine):
    """Up to four cases under one call, on a real store, with a clock of their own."""

    def __init__(self, database: Callable[[], AbstractContextManager[str]]) -> None:
        super().__init__()
        self.opened = ExitStack()
        store = self.opened.enter_context(Store(self.opened.enter_context(database())))
        self.service, self.projector = Service(store), Projector(store, projections())
        self.call = publish(self.service, "life", FRAME)
        for person in PEOPLE:
            delegate_to(self.service, authority_of(person), person)
        self.keys = count()
        self.now = datetime(2023, 8, 14, 8, tzinfo=UTC)
        self.cases: list[UUID] = []
        self.asked: list[Request] = []

    @initialize()
    def two_begin(self) -> None:
        """More than the frame has room for."""
        self.begin(OSLO_KOMMUNE)
        self.begin(STAVANGER)

    @precondition(lambda self: len(self.cases) < 4)
    @rule(applicant=st.sampled_from([OSLO_KOMMUNE, STAVANGER]))
    def begin(self, applicant: str) -> None:
        by = self._by("adviser", "applicant", applicant)
        receipt = self._take(Request(step="start", call=self.call.id, by=by))
        if receipt is not None:
            self.cases.append(receipt.case)

    @precondition(lambda self: self.cases)
    @rule(data=st.data(), steps=st.integers(1, 45))
    def go_on(self, data: st.DataObject, steps: int) -> None:
        """Somebody does what comes next, again and again, after those who may not have tried it."""
        case, refused = data.draw(st.sampled_from(self.cases)), 0
        for _ in range(steps):
            known = self.service.states.case(case)
            step, person, role = next_step(known)
            self._tried_by_the_wrong_people(known, step, role)
            if self._take(self._request(known, step, person, role, None)) is None:
                self.now += timedelta(days=7)
                refused += 1
            if refused > 2:
                break

    def _tried_by_the_wrong_people(self, case: Application, step: str, role: str) -> None:
        """Whoever has taken a step that must be another's tries this one too; and payments are tried too early."""
        rivals = {
            person
            for apart in self.call.process.apart
            if step in apart.steps
            for other in apart.steps
            if other != step
            for person in case.acts.get(other, ())
        }
        for rival in sorted(rivals):
            if rival not in case.conflicts and role not in MUNICIPAL:
                self._take(self._request(case, "declare-impartiality", rival, role, None))
            self._take(self._request(case, step, rival, role, None))
        if case.state == "granted":
            for early, person, by in PAYMENTS:
                if early != step:
                    if by != "integration" and person not in case.conflicts:
                        self._take(self._request(case, "declare-impartiality", person, by, None))
                    self._take(self._request(case, early, person, by, None))

    @precondition(lambda self: self.cases)
    @rule(
        data=st.data(),
        step=st.sampled_from(sorted(CONTENTS)),
        person=st.sampled_from(PEOPLE),
        role=st.sampled_from(ROLES),
    )
    def try_anything(self, data: st.DataObject, step: str, person: str, role: str) -> None:
        """Anybody tries anything, in any role, with any content, and now and then for somebody else."""
        content = data.draw(st.one_of(st.none(), st.none(), st.sampled_from(HOSTILE)))
        known = self.service.states.case(data.draw(st.sampled_from(self.cases)))
        request = self._request(known, step, person, role, content)
        if data.draw(st.integers(0, 9)) == 0:
            request = msgspec.structs.replace(
                request, by=msgspec.structs.replace(request.by, organisation=STAVANGER)
            )
        self._take(request)

    @precondition(lambda self: self.cases)
    @rule(data=st.data(), person=st.sampled_from(PEOPLE), role=st.sampled_from(ROLES))
    def wear_another_hat(self, data: st.DataObject, person: str, role: str) -> None:
        """The step that comes next, by somebody who may have done another one."""
        known = self.service.states.case(data.draw(st.sampled_from(self.cases)))
        usual = next_step(known)
        declared = self._request(known, "declare-impartiality", person, usual[2], None)
        self._take(declared)
        self._take(self._request(self.service.states.case(known.id), usual[0], person, usual[2], None))
        self._take(self._request(self.service.states.case(known.id), usual[0], person, role, None))

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), another=st.booleans())
    def ask_again(self, data: st.DataObject, *, another: bool) -> None:
        """The same key again, with the same content or another."""
        request = data.draw(st.sampled_from(self.asked))
        before = self.service.store.last_position()
        if another:
            with pytest.raises((KeyReused, Refused)):
                self.service.handle(msgspec.structs.replace(request, data={**request.data, "again": 1}))
        else:
            assert self.service.handle(request).repeated
        assert self.service.store.last_position() == before

    @rule(hours=st.sampled_from([1, 24, 24 * 7, 24 * 30]))
    def let_time_pass(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        sweep(self.now, self.service, self.projector)

    @rule()
    def a_clock_goes_wrong(self) -> None:
        """Somebody's machine is a day behind: nothing is recorded before what is there."""
        for case in self.cases:
            known = self.service.states.case(case)
            step, person, role = next_step(known)
            request = self._request(known, step, person, role, None)
            self._take(
                msgspec.structs.replace(
                    request, by=msgspec.structs.replace(request.by, at=self.now - timedelta(days=1))
                )
            )

    @invariant()
    def the_frame_holds(self) -> None:
        frame = Frame(id=frame_stream(self.call.id))
        frame = fold_frame(frame, self.service.store.load(frame.id))
        granted = sum(
            case.decision.amount_ore for case in map(self.service.states.case, self.cases) if case.decision
        )
        assert granted == frame.committed_ore <= frame.limit_ore

    @invariant()
    def every_state_is_explained_and_replay_is_live(self) -> None:
        for case_id in self.cases:
            case = Application(id=case_id)
            for entry in self.service.store.load(case_id):
                stamp = entry.event.stamp
                origin = case.state if case.version else BEGINNING
                closing = stamp.state == "closed"
                explained = (
                    origin == stamp.state or self.call.process.target(stamp.step, origin) == stamp.state
                )
                assert explained or closing, (origin, stamp)
                assert case.recorded_at is None or stamp.recorded_at >= case.recorded_at
                case = evolve(case, entry)
            assert case == self.service.states.case(case_id)
            assert case == self.service.states.case(case_id, fresh=False)
            REACHED[case.state] += 1
            self._four_eyes_hold(case)
            self._paid_only_by_the_book(case)

    def teardown(self) -> None:
        with self.opened:
            self._what_is_read_is_what_happened()

    def _what_is_read_is_what_happened(self) -> None:
        self.projector.catch_up()
        assert all(self.projector.check(name) == [] for name in self.projector.projections)
        read = {
            row["case_id"]: row["file"] for row in self.projector.rows("SELECT case_id, file FROM case_file")
        }
        assert set(read) == set(self.cases)
        for case_id, file in read.items():
            case = self.service.states.case(case_id)
            assert Application.restored(file) == case
            event(f"ended {case.state}")

    def _four_eyes_hold(self, case: Application) -> None:
        for apart in self.call.process.apart:
            for one, other in combinations(apart.steps, 2):
                assert not set(case.acts.get(one, ())) & set(case.acts.get(other, ()))

    def _paid_only_by_the_book(self, case: Application) -> None:
        entries = [entry.event for entry in self.service.store.load(case.id)]
        for number, happened in enumerate(entries):
            before = {type(earlier) for earlier in entries[:number]}
            if isinstance(happened, PaymentConfirmed):
                assert {ApplicationGranted, LetterIssued, PaymentAttested, PaymentAuthorised} <= before
                assert happened.stamp.recorded_at >= DEADLINE
            if isinstance(happened, PaymentAttested):
                assert {LetterIssued, AccountRegistered} <= before
            if isinstance(happened, ApplicationGranted):
                assert {ApplicationSubmitted, CaseAssessed, StateAidAssessed} <= before
                assert happened.stamp.authority == authority_of(happened.stamp.person)
            if isinstance(happened, ApplicationSubmitted):
                assert ApplicationApproved in before
                assert happened.stamp.recorded_at < case.limit("application", self.call)
            if isinstance(happened, ApplicationLapsed):
                assert happened.due_at <= happened.stamp.recorded_at

    def _by(self, person: str, role: str, organisation: str) -> Circumstances:
        return Circumstances(
            at=self.now,
            person=person,
            organisation=organisation,
            role=role,
            channel="test",
            command=f"c{next(self.keys)}",
        )

    def _request(self, case: Application, step: str, person: str, role: str, content: Any) -> Request:
        organisation = organisation_of(role, case.applicant.number) if role != "auditor" else IMDI
        data = CONTENTS[step](case) if content is None else content
        if "authority" in data:
            data = {**data, "authority": authority_of(person)}
        return Request(step=step, case=case.id, data=data, by=self._by(person, role, organisation))

    def _take(self, request: Request) -> Receipt | None:
        """Take a step; one that is refused has left nothing behind."""
        self.now += timedelta(minutes=1)
        before = self.service.store.last_position()
        try:
            receipt = self.service.handle(request)
        except Refused:
            assert self.service.store.last_position() == before
            return None
        self.asked.append(request)
        REACHED[receipt.state] += 1
        return receipt


@pytest.mark.timeout(900)
def test_whatever_people_try_the_rules_hold(server: str, template: str) -> None:
    logs.set_up("error", "json")

    class Here(Lives):
        def __init__(self) -> None:
            super().__init__(lambda: fresh_database(server, template))

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=2_000 if LONG else 25,
            stateful_step_count=40,
            derandomize=not LONG,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        ),
    )
    assert {"draft", "submitted", "assessed", "granted", "paid", "reported", "lapsed"} <= set(REACHED), (
        REACHED
    )
