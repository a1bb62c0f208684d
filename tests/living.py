"""People at work on up to four cases under one call: what they may try, and what must hold whatever they do."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from by_the_book import Book
from given import IMDI, STAVANGER
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from variants import by_lead, delegate_to
from walking import CONTENTS, declares_first, next_step, organisation_of, taken_by

from grantflow.deadlines import sweep
from grantflow.domain.application import Application, evolve
from grantflow.domain.call import CALL, Call
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.errors import Refused
from grantflow.domain.frame import Frame, fold_frame
from grantflow.domain.process import BEGINNING, Process
from grantflow.domain.reporting import CaseClosed
from grantflow.domain.roles import MACHINES, MUNICIPAL
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Request, Service
from grantflow.states import frame_stream
from grantflow.store import KeyReused, Store

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from uuid import UUID

    from walking import Way

    from grantflow.receipts import Receipt

ROLES = ("applicant", "director", "project-lead", "superior", "case-officer", "assessor", "decider", "attestant",
         "payer", "integration", "auditor", "call-manager")  # fmt: skip
PEOPLE = ("officer", "decider", "attestant", "payer", "lead")
HOSTILE: tuple[dict[str, Any], ...] = (
    {},
    {"unknown": 1},
    {"amount": "-1.00"},
    {"section": "project", "content": {"title": []}},
    {"conflict": True, "reason": "Bor sammen med ordføreren."},
)
PAYMENTS = ("attest-payment", "authorise-payment", "confirm-payment")
BEGUN = 4
"""So many cases at most."""
ASIDE, UNTRIED, FATE, RARELY = 0.6, 0.9, 0.4, 0.1
"""How often somebody leaves the usual way, and then for a step the case has not seen; meets their fate; the rest."""
MONEY = frozenset({"grant", "reduce", "reverse"})
ENDS = frozenset({"withdraw", "reject", "dismiss"})


def authority_of(person: str) -> str:
    """The reference of the authority that is delegated to whoever comes to decide."""
    return f"BDM {person}"


class Lives(RuleBasedStateMachine):
    """Up to four cases under one call, on a real store, with a clock of their own."""

    def __init__(
        self, way: Way, database: Callable[[], AbstractContextManager[str]], seen: Counter[str]
    ) -> None:
        super().__init__()
        self.way, self.seen = way, seen
        self.opened = ExitStack()
        store = self.opened.enter_context(Store(self.opened.enter_context(database())))
        self.service, self.projector = Service(store), Projector(store, projections())
        self.service.calls.publish(way.call.files, by_lead("publish"))
        self.calls = {way.call.digest: way.call}
        self.delegated: set[str] = set()
        self.keys = count()
        self.now = way.opens
        self.cases: list[UUID] = []
        self.asked: list[Request] = []
        self.refusal: Refused | None = None

    @initialize(seed=st.integers(0, 9_999), lived=st.booleans())
    def two_begin(self, seed: int, *, lived: bool) -> None:
        """More than the frame has room for; and maybe a year has passed since for one of them."""
        chance = Random(seed)  # noqa: S311 - no secret
        first = chance.randrange(BEGUN)
        self.begin(first)
        self.begin(first + 1)
        if lived:
            self.live(chance, self.cases[0], chance.choice(["grant", "grant", *sorted(ENDS)]))

    def live(self, chance: Random, case: UUID, fate: str, wish: str = "") -> None:
        """A case on its way, with detours, `wish` whenever it can be had, and the end that is its fate."""
        for _ in range(150):
            known = self.service.states.case(case)
            steps = self._process(known).steps_from(known.state)
            if known.state == "closed" or not steps:
                return
            if chance.random() < RARELY:
                self._something_rare(known, steps, chance)
            if wish in steps and wish not in known.acts and chance.random() < FATE:
                if "clock" in self._process(known).steps[wish].roles:
                    self.let_time_pass(24 * 30)
                else:
                    self._taken_as_usual(known, wish)
            elif fate in steps and chance.random() < FATE:
                self._taken_as_usual(known, fate)
            elif chance.random() < ASIDE:
                self._turned_aside(chance, case)
            elif self._taken_as_usual(known, next_step(known, self.way)) is None:
                self.let_time_pass(24 * 5)

    def _something_rare(self, case: Application, steps: tuple[str, ...], chance: Random) -> None:
        """A revision; strangers at the door; a year without a report; another account at the last moment."""
        self.revise()
        if "submit-report" in steps and case.report is None and chance.random() < ASIDE:
            self.let_time_pass(24 * 30)
            self.let_time_pass(24 * 365)
        if case.state == "granted" and case.payment:
            self._taken_as_usual(case, "register-account")
            self._taken_as_usual(self.service.states.case(case.id), "authorise-payment")
        known = self.service.states.case(case.id)
        self._tried_by_strangers(known, next_step(known, self.way))

    @precondition(lambda self: len(self.cases) < BEGUN)
    @rule(number=st.integers(0, BEGUN - 1))
    def begin(self, number: int) -> None:
        applicant, said = self.way.begins[number % len(self.way.begins)]
        by = self._by("adviser", "applicant", applicant)
        receipt = self._take(Request(step="start", call=self.way.call.id, data=said, by=by))
        if receipt is not None:
            self.cases.append(receipt.case)

    @precondition(lambda self: self.cases)
    @rule(data=st.data(), steps=st.integers(1, 60), seed=st.integers(0, 2**32 - 1))
    def go_on(self, data: st.DataObject, steps: int, seed: int) -> None:
        """Somebody does what comes next, again and again, after those who may not have tried it; now and then aside."""
        case, refused, chance = data.draw(st.sampled_from(self.cases)), 0, Random(seed)  # noqa: S311 - no secret
        for _ in range(steps):
            if chance.random() < ASIDE:
                self._turned_aside(chance, case)
            known = self.service.states.case(case)
            step = next_step(known, self.way)
            self._tried_by_the_wrong_people(known, step)
            if self._taken_as_usual(known, step) is None:
                self.now += timedelta(days=7)
                refused += 1
            if refused > 2:
                break

    @precondition(lambda self: self.cases)
    @rule(data=st.data(), person=st.sampled_from(PEOPLE), role=st.sampled_from(ROLES))
    def try_anything(self, data: st.DataObject, person: str, role: str) -> None:
        """Anybody tries anything, in any role, with any content, and now and then for somebody else."""
        step = data.draw(st.sampled_from(sorted({*CONTENTS, *self.way.declared})))
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
        step = next_step(known, self.way)
        _, usual = taken_by(known, self.way.within(known), step)
        self._take(self._request(known, "declare-impartiality", person, usual))
        self._take(self._request(self.service.states.case(known.id), step, person, usual))
        self._take(self._request(self.service.states.case(known.id), step, person, role))

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

    @rule(hours=st.sampled_from([1, 24, 24 * 3]))
    def let_time_pass(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        sweep(self.now, self.service, self.projector)

    @rule()
    def revise(self) -> None:
        """The call gets another definition; the cases that have begun keep theirs until somebody moves them."""
        if len(self.calls) > 1:
            return
        files = dict(self.way.call.files)
        assert files[CALL].count(self.way.revised[0]) == 1
        files[CALL] = files[CALL].replace(*self.way.revised)
        by = self._by("imdi-lead", "call-manager", IMDI)
        self.service.calls.revise(files, "En krone mer.", by)
        revised = Call.read(files)
        self.calls[revised.digest] = revised

    @rule()
    def a_clock_goes_wrong(self) -> None:
        """Somebody's machine is a day behind: nothing is recorded before what is there."""
        for case in self.cases:
            known = self.service.states.case(case)
            step = next_step(known, self.way)
            request = self._request(known, step, *taken_by(known, self.way.within(known), step))
            yesterday = msgspec.structs.replace(request.by, at=self.now - timedelta(days=1))
            self._take(msgspec.structs.replace(request, by=yesterday))

    @invariant()
    def the_frame_holds(self) -> None:
        frame = Frame(id=frame_stream(self.way.call.id))
        frame = fold_frame(frame, self.service.store.load(frame.id))
        decided = [case for case in map(self.service.states.case, self.cases) if case.decision]
        granted = {case.id: case.decision.amount_ore for case in decided if case.decision}
        assert sum(granted.values()) == frame.committed_ore <= frame.limit_ore
        for area, limit in frame.areas.items():
            assert sum(granted[case.id] for case in decided if case.area == area) <= limit

    @invariant()
    def every_state_is_explained_and_replay_is_live(self) -> None:
        for case_id in self.cases:
            case = Application(id=case_id)
            entries = list(self.service.store.load(case_id))
            for entry in entries:
                stamp = entry.event.stamp
                origin = case.state if case.version else BEGINNING
                case = evolve(case, entry)
                target = self._process(case).target(stamp.step, origin)
                ended = isinstance(entry.event, CaseClosed)
                assert stamp.state in (origin, target) or ended, (origin, stamp)
                self.seen.update((f"step {'close' if ended else stamp.step}", f"state {stamp.state}"))
            assert case == self.service.states.case(case_id)
            assert case == self.service.states.case(case_id, fresh=False)
            Book(self.calls, authority_of).follow([entry.event for entry in entries])

    def teardown(self) -> None:
        with self.opened:
            for case in self.cases[:1]:
                self._it_comes_to_an_end(case)
            self.every_state_is_explained_and_replay_is_live()
            self._what_is_read_is_what_happened()

    def _it_comes_to_an_end(self, case_id: UUID) -> None:
        """Whatever has been done to a case, there are people and days enough to end it."""
        for _ in range(150):
            known = self.service.states.case(case_id)
            process = self._process(known)
            if process.states[known.state].final:
                return
            step = next_step(known, self.way)
            if self._taken_as_usual(known, step) is None and (
                step != "grant" or self._taken_as_usual(known, "reject") is None
            ):
                self.let_time_pass(24 * 7)
        pytest.fail(f"stuck in {known.state}, where {step} is next: {self.refusal}")

    def _what_is_read_is_what_happened(self) -> None:
        self.projector.catch_up()
        assert all(self.projector.check(name) == [] for name in self.projector.projections)
        read = {
            row["case_id"]: row["file"] for row in self.projector.rows("SELECT case_id, file FROM case_file")
        }
        assert set(read) == set(self.cases)
        for case_id, file in read.items():
            assert Application.restored(file) == self.service.states.case(case_id)

    def _turned_aside(self, chance: Random, case: UUID) -> None:
        """A step off the usual way, rather one that has not been taken in this case yet; to give up comes last."""
        known = self.service.states.case(case)
        process = self._process(known)
        people = [
            step for step in process.steps_from(known.state) if "clock" not in process.steps[step].roles
        ]
        untried = [step for step in people if step not in known.acts and step not in ENDS]
        if people:
            often = chance.random() < UNTRIED
            self._taken_as_usual(known, chance.choice(untried if untried and often else people))

    def _tried_by_the_wrong_people(self, case: Application, step: str) -> None:
        """Whoever has taken a step that must be another's tries this one too; and payments are tried too early."""
        call = self.way.within(case)
        _, role = taken_by(case, call, step)
        others = {one for apart in call.process.apart if step in apart.steps for one in apart.steps} - {step}
        for rival in sorted({person for other in others for person in case.acts.get(other, ())}):
            if rival not in case.conflicts and role not in MUNICIPAL:
                self._take(self._request(case, "declare-impartiality", rival, role))
            self._take(self._request(case, step, rival, role))
        if case.state == "granted":
            for early in PAYMENTS:
                person, by = taken_by(case, call, early)
                if early != step:
                    if by not in MACHINES and person not in case.conflicts:
                        self._take(self._request(case, "declare-impartiality", person, by))
                    self._take(self._request(case, early, person, by))

    def _tried_by_strangers(self, case: Application, step: str) -> None:
        """Somebody of the directorate who has declared nothing tries the step; then so does one with a conflict."""
        _, role = taken_by(case, self.way.within(case), step)
        if declares_first(case, "stranger", role):
            self._take(self._request(case, step, "stranger", role))
            self._take(self._request(case, "declare-impartiality", "kin", role, HOSTILE[-1]))
            self._take(self._request(case, step, "kin", role))

    def _taken_as_usual(self, case: Application, step: str) -> Receipt | None:
        """The step by somebody who may take it, who says to be impartial first where that is asked."""
        person, role = taken_by(case, self.way.within(case), step)
        if declares_first(case, person, role) and "declare-impartiality" in self._process(case).steps_from(
            case.state
        ):
            self._take(self._request(case, "declare-impartiality", person, role))
        return self._take(self._request(self.service.states.case(case.id), step, person, role))

    def _process(self, case: Application) -> Process:
        return self.calls[case.definition].within(case.area, case.stage).process

    def _by(self, person: str, role: str, organisation: str) -> Circumstances:
        return Circumstances(
            at=self.now,
            person=person,
            organisation=organisation,
            role=role,
            channel="test",
            command=f"c{next(self.keys)}",
        )

    def _request(self, case: Application, step: str, person: str, role: str, content: Any = None) -> Request:
        organisation = organisation_of(role, case.applicant.number) if role != "auditor" else IMDI
        data = self.way.content(case, step, self.now) if content is None else content
        if "authority" in data:
            data = {**data, "authority": authority_of(person)}
            if person not in self.delegated:
                self.delegated.add(person)
                delegate_to(self.service, authority_of(person), person, self.way.call.appropriation, self.now)
        return Request(step=step, case=case.id, data=data, by=self._by(person, role, organisation))

    def _take(self, request: Request) -> Receipt | None:
        """Take a step; one that is refused has left nothing behind."""
        self.now += timedelta(minutes=1)
        before = self.service.store.last_position()
        try:
            receipt = self.service.handle(request)
        except Refused as refusal:
            self.refusal = refusal
            assert self.service.store.last_position() == before
            return None
        self.asked.append(request)
        if request.step in MONEY:
            self.the_frame_holds()
        return receipt
