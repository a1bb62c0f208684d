"""The way in for those who are not at the machine: each command and each look goes over HTTP, with a token of its own.

In the place of an app's service, it lets whoever plays on that service play over HTTP without knowing.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import quote
from uuid import UUID

import httpx
import msgspec

from grantflow.announcing import Announcing
from grantflow.deadlines import CLOCK
from grantflow.delegating import Delegating
from grantflow.domain.application import Application
from grantflow.domain.errors import Failure, Refused, RulesFailed
from grantflow.domain.frame import Commitment, Frame
from grantflow.domain.money import ore
from grantflow.domain.parts import Attachment, Report
from grantflow.identity import BuiltIn
from grantflow.receipts import Receipt
from grantflow.service import Proposal, Request, Service
from grantflow.states import States, frame_stream
from grantflow.store import Append, Conflict
from grantflow.web.views import CallRow, CaseRow, CaseView, Page, ReceiptView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from story_service import StoryService

    from grantflow.app import App
    from grantflow.delegating import Delegate
    from grantflow.domain.circumstances import Circumstances

AT_ONCE = 8
"""How many people have a request in flight at the same time."""
PREFIX = "/api/v1"
_SECONDS = 60
_OFFICER = "imdi-clerk-1"


class Person(NamedTuple):
    """Somebody in one role for one organisation, and so with one token."""

    name: str
    role: str
    organisation: str

    @classmethod
    def of(cls, by: Circumstances) -> Self:
        """Who asks in these circumstances."""
        return cls(by.person, by.role, by.organisation)


class Told(NamedTuple):
    """What was said where, in which circumstances, and the receipt for it."""

    path: str
    by: Circumstances
    said: object
    receipt: ReceiptView


class Way:
    """Asks over HTTP as whoever is to ask; a problem document becomes the refusal again that it tells of."""

    def __init__(self, service: StoryService) -> None:
        self._client = httpx.Client(base_url=service.address(), trust_env=False, timeout=_SECONDS)
        self._clock, self._issuer = service.clock, BuiltIn(service.home)
        self._tokens: dict[Person, str] = {}
        self.told: list[Told] = []
        self.people = ThreadPoolExecutor(AT_ONCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.people.shutdown()
        self._client.close()

    def tell(
        self, path: str, by: Circumstances, said: object, status: int = HTTPStatus.CREATED, step: str = ""
    ) -> Receipt:
        """Say something as the person in these circumstances, at their instant."""
        self._clock.set(by.at)
        response = _heard(self.post(path, by, said), step)
        assert response.status_code == status
        receipt = msgspec.json.decode(response.content, type=ReceiptView)
        if status == HTTPStatus.OK:
            assert response.headers["etag"] == f'"{receipt.version}"'
        elif path.endswith("/applications"):
            assert response.headers["location"] == f"{PREFIX}/applications/{receipt.stream}"
        self.told.append(Told(path, by, said, receipt))
        plain = msgspec.structs.asdict(receipt)
        return Receipt(case=plain.pop("stream"), **plain)

    def post(self, path: str, by: Circumstances, said: object) -> httpx.Response:
        """Say it at whatever instant it is, and give whatever is answered."""
        headers = {
            **self._shown(Person.of(by)),
            "Idempotency-Key": by.command,
            "Content-Type": "application/json",
        }
        earlier = {"happened_at": by.effective_at.isoformat()} if by.effective_at else {}
        body = msgspec.json.encode(said)
        return self._client.post(PREFIX + path, content=body, headers=headers, params=earlier)

    def look(self, path: str, who: Person, **asked: str | int) -> bytes:
        """What this person is shown."""
        return _heard(self._client.get(PREFIX + path, headers=self._shown(who), params=asked)).content

    def _shown(self, who: Person) -> Mapping[str, str]:
        token = self._tokens.get(who)
        if token is None:
            scopes = ("write",) if who.role == "integration" else ()
            token = self._tokens[who] = self._issuer.issue(who.name, [who.role], who.organisation, scopes)
        return {"Authorization": f"Bearer {token}"}


class OverHttp(Service):
    """A service that people reach over HTTP. The clock has no token, and keeps its duties at the machine."""

    states: Seen
    """What the people see."""

    def __init__(self, app: App, way: Way) -> None:
        super().__init__(app.store)
        self._way, self._duties = way, Service(app.store)
        self.states = Seen(app, way)
        self.calls = _Announced(self.states, way)
        self.authority = _Delegated(self.states, way)

    def handle_all(self, requests: Iterable[Request], *, window: int = 512) -> Iterator[Receipt | Refused]:
        """Steps in many cases all at once, each by its own person; who begins stands in line, for the number."""
        asked = list(requests)
        if any(request.by.role == CLOCK for request in asked):
            return self._duties.handle_all(asked, window=window)
        if any(request.case is None for request in asked):
            return map(self._taken, asked)
        return self._way.people.map(self._taken, asked)

    def propose(
        self,
        request: Request,
        *,
        known: Application | None = None,
        fresh: bool = False,
        keep: bool = True,
    ) -> Proposal:
        """What somebody means to do; nobody but they know of it yet."""
        del known, fresh, keep
        case = Application(id=request.case or UUID(int=0))
        return Proposal(request, Append(request.key, request.body, ()), case, Frame(id=UUID(int=0)))

    def settle(self, proposal: Proposal) -> Receipt:
        """Do what was proposed; Conflict when it is refused, so that they try again on what then stands."""
        answer = self._taken(proposal.request)
        if isinstance(answer, Refused):
            raise Conflict from answer
        return answer

    def _taken(self, request: Request) -> Receipt | Refused:
        by, said, step = request.by, request.data, request.step
        try:
            if request.case:
                return self._way.tell(
                    f"/applications/{request.case}/steps/{step}", by, said, HTTPStatus.OK, step
                )
            receipt = self._way.tell(f"/calls/{request.call}/applications", by, said, step=step)
        except Refused as refusal:
            return refusal
        self.states.begun(receipt.case, Person.of(by))
        return receipt


class Seen(States):
    """Cases and money as they are shown: to whoever began the case, and for the rest to a case officer."""

    def __init__(self, app: App, way: Way) -> None:
        super().__init__(app.store)
        self._app, self._way = app, way
        self._began: dict[UUID, Person] = {}
        self._officer = Person(_OFFICER, "case-officer", "")

    def authority_is(self, organisation: str) -> None:
        """Whose case officers look."""
        self._officer = self._officer._replace(organisation=organisation)

    def begun(self, case: UUID, who: Person) -> None:
        """Whoever began a case looks at it for the municipality."""
        self._began[case] = who

    def case(self, case: UUID, *, fresh: bool = True) -> Application:
        """What is shown of a case; its digest is computed here, and is the one that is told."""
        del fresh
        outside, inside = (self._shown(case, who) for who in (self._began[case], self._officer))
        report = outside.file.get("report")
        found = Application(
            id=case,
            version=outside.version,
            state=outside.state,
            definition=outside.definition,
            content=outside.content,
            attachments=msgspec.convert(outside.file.get("attachments", []), tuple[Attachment, ...]),
            report=report and Report(report["digest"], report["content"], ore(report["booked"])),
            noted=inside.file.get("noted", {}),
        )
        assert found.content_digest == outside.content_digest
        return found

    def frame(self, call: str, *, fresh: bool = True) -> Frame:
        """What is granted according to the list of cases, held against the frame as it was announced."""
        del fresh
        announced = self.published()
        definition = self.call(call, announced.digest)
        shown = self._way.look(
            "/applications", self._officer, call=call, limit=200, after=self._app.projector.catch_up()
        )
        rows = msgspec.json.decode(shown, type=Page[CaseRow]).items
        parts = {area: definition.sub_frame(area) for area in definition.areas}
        return Frame(
            id=frame_stream(call),
            limit_ore=ore(announced.frame),
            areas={area: part for area, part in parts.items() if part is not None},
            commitments={row.id: Commitment(ore(row.granted), row.area) for row in rows},
        )

    def published(self) -> CallRow:
        """The one call that the story is of."""
        shown = self._way.look("/calls", self._officer, after=self._app.projector.catch_up())
        (row,) = msgspec.json.decode(shown, type=Page[CallRow]).items
        return row

    def _shown(self, case: UUID, who: Person) -> CaseView:
        return msgspec.json.decode(self._way.look(f"/applications/{case}", who), type=CaseView)


class _Announced(Announcing):
    """Calls, announced over HTTP."""

    def __init__(self, states: Seen, way: Way) -> None:
        super().__init__(states.store, states)
        self._seen, self._way = states, way

    def publish(self, files: Mapping[str, str], by: Circumstances) -> Receipt:
        self._seen.authority_is(by.organisation)
        return self._way.tell("/calls", by, {"files": files})

    def revise(self, files: Mapping[str, str], grounds: str, by: Circumstances) -> Receipt:
        path = f"/calls/{self._seen.published().id}/revisions"
        return self._way.tell(path, by, {"files": files, "grounds": grounds})

    def answer_question(self, call_id: str, question: str, answer: str, by: Circumstances) -> Receipt:
        return self._way.tell(f"/calls/{call_id}/answers", by, {"question": question, "answer": answer})


class _Delegated(Delegating):
    """Delegations and lines, recorded over HTTP."""

    def __init__(self, states: Seen, way: Way) -> None:
        super().__init__(states.store, states)
        self._way = way

    def delegate(self, asked: Delegate, by: Circumstances) -> Receipt:
        return self._way.tell("/delegations", by, asked)

    def revoke(self, reference: str, reason: str, by: Circumstances) -> Receipt:
        return self._way.tell(f"/delegations/{quote(reference, safe='')}/revocation", by, {"reason": reason})

    def name_superior(self, subordinate: str, superior: str, by: Circumstances) -> Receipt:
        return self._way.tell("/superiors", by, {"subordinate": subordinate, "superior": superior})


def _heard(response: httpx.Response, step: str = "") -> httpx.Response:
    """The answer, if it is one; Refused where it is a problem document."""
    if response.is_success:
        return response
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem = response.json()
    assert problem["status"] == response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, problem
    raise _refusal(problem, step)


def _refusal(problem: dict[str, Any], step: str) -> Refused:
    """The refusal that a problem document tells of."""
    failures = tuple(
        Failure(rule=one["rule"], message={"en": one["message"]}, source=one["source"], path=one["path"])
        for one in problem.get("failures", ())
    )
    if problem["code"] == RulesFailed.code:
        failed = RulesFailed(step, failures)
        assert failed.detail == problem["detail"]
        return failed
    kind = type("Refused", (Refused,), {"code": problem["code"], "status": problem["status"]})
    refused: Refused = kind(problem["detail"], failures=failures)
    return refused
