"""The stage: a simulated clock over the real service, where every step is taken and every answer remembered."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import UUID

import msgspec

from grantflow.deadlines import next_instant, sweep
from grantflow.demo.people import Actor
from grantflow.domain.calendar import OSLO
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.errors import Refused, RulesFailed
from grantflow.notifying import Notifier
from grantflow.receipts import Receipt
from grantflow.service import Request, Service
from grantflow.store import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from grantflow.app import App
    from grantflow.demo.cases import Case
    from grantflow.domain.call import Call

Answer = Receipt | Refused
Data = dict[str, Any]


class Begun(Protocol):
    """Anything the story tells of that has, once it has begun, a case of its own."""

    id: UUID | None


C = TypeVar("C", bound=Begun)


class Trial(msgspec.Struct, frozen=True):
    """A step somebody tries: in a case, or beginning one."""

    at: datetime
    step: str
    actor: Actor
    case: UUID | None = None
    data: Data = {}


class Refusal(msgspec.Struct, frozen=True):
    """A step that was refused: by whom it was tried, when, and the answer they got."""

    at: datetime
    case: UUID | None
    step: str
    role: str
    code: str
    detail: str
    rules: tuple[str, ...] = ()


class EnoughError(Exception):
    """The story was to be told no further than this."""


class _UntoldError(Exception):
    """The story went another way than it is told: a fault in the story, or in what it plays on."""

    def __init__(self, step: str, what: str) -> None:
        super().__init__(f"'{step}': {what}")


def oslo(day: str, clock: str = "09:00") -> datetime:
    """An instant by the clock in Oslo: `oslo("2023-08-28", "23:59")`."""
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(clock), OSLO).astimezone(UTC)


class Stage:
    """Where the year is played. Time only goes forward, and the clock's own duties happen at their instants."""

    def __init__(
        self,
        app: App,
        call: Call,
        seed: int,
        *,
        until: datetime | None = None,
        watch: Callable[[datetime], None] = lambda _: None,
    ) -> None:
        """`until` is the first instant that is not played; `watch` is told of each instant as it comes."""
        self.app, self.call, self.seed = app, call, seed
        self.refusals: list[Refusal] = []
        self._until, self._watch = until, watch
        self._notifier = Notifier(Service(app.store))
        self._now: datetime | None = None
        self._count = 0
        self._refusing = ""

    def go_to(self, at: datetime) -> None:
        """Let time pass: what is due before `at` is done at its own instant, as a worker's alarm would."""
        end = at if self._until is None else min(at, self._until)
        due = self._now
        while due is not None and due < end:
            sweep(due, self.app.service, self.app.projector)
            told = self._notifier.turn(due)
            upcoming = (next_instant(due, self.app.projector), told)
            self._now, due = due, min((one for one in upcoming if one is not None), default=None)
        if at != end:
            raise EnoughError
        if self._now is not None and at < self._now:
            msg = f"the story goes back from {self._now} to {at}"
            raise ValueError(msg)
        self._now = at
        self._watch(at)

    def apart(self, at: datetime, act: Callable[..., object], *said: object, by: Actor) -> None:
        """Something that belongs to no case: a call is announced, authority delegated."""
        self.go_to(at)
        try:
            act(*said, self.by(at, by))
        except Refused as refusal:
            if refusal.code != self._refusing:
                raise _UntoldError(getattr(act, "__name__", "apart"), refusal.detail) from refusal
            self.refusals.append(Refusal(at, None, "delegate", by.role, refusal.code, refusal.detail))

    def begin(self, at: datetime, actors: Sequence[Actor], said: Data | None = None) -> list[Answer]:
        """Each of them begins an application."""
        requests = [self._request(Trial(at, "start", actor, data=said or {})) for actor in actors]
        return self._take(at, requests)

    def each(
        self,
        at: datetime,
        cases: Sequence[C],
        step: str,
        who: Actor | Callable[[C], Actor],
        say: Data | Callable[[C], Data] | None = None,
    ) -> list[Answer]:
        """One step in each case, all in flight at once; the answers in the order of the cases.

        `who` takes it and `say` is what they say: the same for all, or asked for each.
        """
        if not cases:
            return []
        requests = []
        for case in cases:
            actor = who if isinstance(who, Actor) else who(case)
            said = say(case) if callable(say) else say
            requests.append(self._request(Trial(at, step, actor, case.id, said or {})))
        return self._take(at, requests)

    def one(self, at: datetime, case: Case, step: str, actor: Actor, **data: object) -> Answer:
        """One step in one case."""
        return self.each(at, [case], step, actor, data)[0]

    @contextmanager
    def refusing(self, code: str) -> Iterator[None]:
        """What is tried inside is refused, with this code. A story that goes another way than told is a fault."""
        before, self._refusing = len(self.refusals), code
        try:
            yield
        finally:
            self._refusing = ""
        if len(self.refusals) == before:
            raise _UntoldError(code, "nothing was refused")

    def together(self, at: datetime, *steps: tuple[Case, str, Actor, Data]) -> list[Answer]:
        """Steps decided at the same instant, before any of them is stored: who is stored first has won.

        The others decide again on what then stands, as every command does that loses a race.
        """
        self.go_to(at)
        service = self.app.service
        requests = [self._request(Trial(at, step, who, case.id, data)) for case, step, who, data in steps]
        proposals = [service.propose(request) for request in requests]
        answers: list[Answer] = []
        for request, proposal in zip(requests, proposals, strict=True):
            try:
                answers.append(service.settle(proposal))
            except Conflict:
                answers += service.handle_all([request])
        return self._heard(requests, answers)

    def by(self, at: datetime, actor: Actor) -> Circumstances:
        """The circumstances of one command; its key is its number in the story."""
        self._count += 1
        return Circumstances(
            at=at,
            person=actor.person,
            organisation=actor.organisation,
            role=actor.role,
            channel=actor.channel,
            command=f"demo-{self.seed}-{self._count}",
            effective_at=at - actor.lag if actor.lag else None,
        )

    def _request(self, trial: Trial) -> Request:
        call = "" if trial.case else self.call.id
        by = self.by(trial.at, trial.actor)
        return Request(step=trial.step, case=trial.case, call=call, data=trial.data, by=by)

    def _take(self, at: datetime, requests: Sequence[Request]) -> list[Answer]:
        self.go_to(at)
        return self._heard(requests, list(self.app.service.handle_all(requests)))

    def _heard(self, requests: Sequence[Request], answers: list[Answer]) -> list[Answer]:
        """Remember what was refused."""
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, Refused):
                if answer.code != self._refusing:
                    raise _UntoldError(request.step, answer.detail)
                rules = tuple(f.rule for f in answer.failures) if isinstance(answer, RulesFailed) else ()
                by = request.by
                self.refusals.append(
                    Refusal(by.at, request.case, request.step, by.role, answer.code, answer.detail, rules)
                )
        return answers
