"""Every route and every step, asked by everybody: who is let in is what the table of rights says, and nothing else."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import pytest
from gathered import BERGEN, TRONDHEIM
from given import IMDI, OSLO_KOMMUNE, STAVANGER
from litestar import get
from litestar.exceptions import ImproperlyConfiguredException
from litestar.routes import HTTPRoute
from serving import bearer, service_on
from staged import BUFDIR, RIKSREVISJONEN, staged
from steps import call_2023

from grantflow.domain import roles
from grantflow.domain.roles import DIRECTORATE, MUNICIPAL
from grantflow.identity import SCOPES
from grantflow.store import Store
from grantflow.web import app as web_app
from grantflow.web import envelope
from grantflow.web.rights import RIGHTS, step_relations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from httpx import Response
    from staged import Stage

CALL = "imdi-2023-tillegg"
NOWHERE = UUID(int=7)
PEOPLE = sorted(DIRECTORATE - {"clock", "integration"})
ACCESS_CODES = {"no-right", "role-not-allowed"}


class Caller(NamedTuple):
    """Somebody in one role; without any, nobody who says who they are."""

    role: str
    organisation: str = ""
    scopes: tuple[str, ...] = ()


class Way(NamedTuple):
    """How to call a route so that it changes nothing, and what it answers to those who may."""

    right: str
    path: str
    answers: int = 200
    about: str = ""
    step: str = ""
    raw: bytes | None = None


_CASE = "/api/v1/applications/{case}"
_HOOK = "/api/v1/webhooks/{subscriber}"
WAYS: Mapping[tuple[str, str], Way] = {
    ("GET", "/healthz"): Way("open", "/healthz"),
    ("GET", "/readyz"): Way("open", "/readyz"),
    ("GET", "/metrics"): Way("open", "/metrics"),
    ("GET", "/openapi.json"): Way("open", "/openapi.json"),
    ("GET", "/docs"): Way("open", "/docs"),
    ("GET", "/api/v1/calls"): Way("read-calls", "/api/v1/calls"),
    ("GET", "/api/v1/calls/{call}"): Way("read-calls", f"/api/v1/calls/{CALL}"),
    ("POST", "/api/v1/calls"): Way("announce", "/api/v1/calls", 400),
    ("POST", "/api/v1/calls/{call}/revisions"): Way("announce", f"/api/v1/calls/{CALL}/revisions", 400),
    ("POST", "/api/v1/calls/{call}/answers"): Way("announce", f"/api/v1/calls/{CALL}/answers", 400),
    ("POST", "/api/v1/calls/{call}/applications"): Way("begin", f"/api/v1/calls/{CALL}/applications", 400),
    ("POST", "/api/v1/delegations"): Way("delegate", "/api/v1/delegations", 400),
    ("POST", "/api/v1/delegations/{reference}/revocation"): Way(
        "delegate", "/api/v1/delegations/KS-1/revocation", 400
    ),
    ("POST", "/api/v1/superiors"): Way("delegate", "/api/v1/superiors", 400),
    ("GET", "/api/v1/webhooks"): Way("subscribe", "/api/v1/webhooks"),
    ("POST", "/api/v1/webhooks"): Way("subscribe", "/api/v1/webhooks", 400),
    ("GET", _HOOK): Way("subscribe", f"/api/v1/webhooks/{NOWHERE}", 404),
    **{
        ("POST", f"{_HOOK}/{what}"): Way("subscribe", f"/api/v1/webhooks/{NOWHERE}/{what}", 400)
        for what in ("pause", "resume", "rotation", "redrive", "removal")
    },
    ("GET", "/api/v1/contacts"): Way("register-contact", "/api/v1/contacts"),
    ("POST", "/api/v1/contacts"): Way("register-contact", "/api/v1/contacts", 400),
    ("POST", "/api/v1/contacts/withdrawal"): Way("register-contact", "/api/v1/contacts/withdrawal", 400),
    ("GET", "/api/v1/notices"): Way("read-notices", "/api/v1/notices"),
    ("GET", f"{_CASE}/notices"): Way("read-notices", f"{_CASE}/notices", about="case"),
    ("POST", "/api/v1/notices/{notice}/resend"): Way(
        "resend-notice", "/api/v1/notices/5d2f3f0e-4b1c-5c55-8a86-1b7e3f2e7d10/resend", 400
    ),
    ("GET", "/api/v1/applications"): Way("read-case", "/api/v1/applications"),
    ("GET", _CASE): Way("read-case", _CASE, about="case"),
    ("GET", f"{_CASE}/history"): Way("read-case", f"{_CASE}/history", about="case"),
    ("GET", f"{_CASE}/letters"): Way("read-case", f"{_CASE}/letters", about="case"),
    ("GET", f"{_CASE}/steps"): Way("read-case", f"{_CASE}/steps", about="case"),
    ("GET", f"{_CASE}/diff"): Way(
        "read-case", f"{_CASE}/diff?from=2023-08-20T00:00:00Z&to=2024-02-01T00:00:00Z", about="case"
    ),
    ("GET", f"{_CASE}/documents/{{digest}}"): Way("read-case", f"{_CASE}/documents/{{digest}}", about="case"),
    ("POST", f"{_CASE}/documents"): Way(
        "act", f"{_CASE}/documents?filename=a.pdf", 409, about="case", step="attach", raw=b"%PDF-1.7\n%%EOF\n"
    ),
    ("POST", f"{_CASE}/steps/{{step}}"): Way("act", f"{_CASE}/steps/edit", 400, about="case", step="edit"),
    ("GET", "/api/v1/events"): Way("follow", "/api/v1/events"),
    ("GET", "/api/v1/audit/questions"): Way("ask", "/api/v1/audit/questions"),
    ("GET", "/api/v1/audit/questions/{name}"): Way(
        "ask", f"/api/v1/audit/questions/22?call={CALL}", about="call"
    ),
    ("GET", "/api/v1/duties"): Way("see-duties", "/api/v1/duties"),
    ("GET", "/api/v1/ledger/checkpoint"): Way("read-calls", "/api/v1/ledger/checkpoint"),
    ("GET", "/api/v1/ledger/proofs/consistency"): Way(
        "read-calls", "/api/v1/ledger/proofs/consistency?old=1"
    ),
    ("GET", "/api/v1/ledger/proofs/inclusion"): Way(
        "read-case", "/api/v1/ledger/proofs/inclusion?event={case}.1", about="case"
    ),
}
"""Every route of the service. Whoever adds one says here how it is called."""

_EVERY_SCOPE = [scopes for n in range(len(SCOPES) + 1) for scopes in combinations(SCOPES, n)]
CALLERS = [
    Caller(""),
    Caller("auditor", RIKSREVISJONEN),
    Caller("auditor", OSLO_KOMMUNE),
    *(Caller(role, org) for role in sorted(MUNICIPAL) for org in (OSLO_KOMMUNE, BERGEN, TRONDHEIM, IMDI)),
    *(Caller(role, org) for role in PEOPLE for org in (IMDI, BUFDIR, OSLO_KOMMUNE)),
    *(Caller("integration", org, scopes) for scopes in _EVERY_SCOPE for org in (IMDI, OSLO_KOMMUNE)),
    *(Caller("integration", org, SCOPES) for org in (BERGEN, TRONDHEIM, BUFDIR)),
]
STEPS = tuple(call_2023().process.steps)

RELATED: Mapping[str, Mapping[str, str]] = {
    "joint": {OSLO_KOMMUNE: "own", BERGEN: "partner", IMDI: "authority"},
    "other": {STAVANGER: "own", IMDI: "authority"},
}
"""What each organisation is to each case, told by hand."""


@pytest.fixture(scope="module")
def stage(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch, Store(module_database_url) as store:
        patch.setattr(envelope, "NOT_FOUND_SECONDS", 0.0)
        with staged(store, tmp_path_factory.mktemp("home")) as stage:
            stage.serving.app.ledger.seal()
            yield stage


@pytest.fixture(scope="module")
def tokens(stage: Stage) -> dict[Caller, str]:
    issue = stage.serving.token
    told = {caller: issue("p-1", caller.role, caller.organisation, caller.scopes) for caller in CALLERS[1:]}
    return {Caller(""): "", **told}


def expected(caller: Caller, way: Way, case: str) -> int:
    """What the table says, read as a person would: who you are, whether your role may, what you are to the case."""
    if way.right == "open":
        return way.answers
    if not caller.role:
        return 401
    if not held(caller, way.right):
        return 403
    if way.about == "call":
        mine = {"any"} | ({"authority"} if caller.organisation == IMDI else set())
        return way.answers if held(caller, way.right) & mine else 403
    return expected_of_case(caller, way, case) if way.about == "case" else way.answers


def expected_of_case(caller: Caller, way: Way, case: str) -> int:
    """The same for somebody who has the right to some case: whether they see this one, and may do this in it."""
    mine = {"any", RELATED[case].get(caller.organisation, "any")} if case != "nowhere" else set()
    if not (held(caller, "read-case") | held(caller, "act")) & mine:
        return 404
    may = held(caller, way.right) & mine
    if way.step:
        may &= step_relations(way.step, call_2023().process.steps[way.step].roles).get(caller.role, set())
    return way.answers if may else 403


def held(caller: Caller, right: str) -> set[str]:
    """The relations in which a caller has a right; none where a machine lacks the scope."""
    if caller.role == "integration" and RIGHTS[right].scope not in caller.scopes:
        return set()
    return set(RIGHTS[right].who.get(caller.role, ()))


def answered(stage: Stage, way: Way, method: str, case: UUID, token: str) -> Response:
    path = way.path.format(case=case, digest=stage.document)
    client = stage.serving.client
    if method == "GET":
        return client.get(path, headers=bearer(token))
    if way.raw is not None:
        return client.post(
            path, content=way.raw, headers=bearer(token, **{"Content-Type": "application/pdf"})
        )
    return client.post(path, json={"made": "up"}, headers=bearer(token))


def disagreement(answer: Response, wanted: int) -> str:
    """How an answer is another than it should be; empty where it isn't. A 403 must be about the right, not the case."""
    if answer.status_code != wanted:
        return f"{answer.status_code} and not {wanted}: {answer.text[:200]}"
    if wanted == 403 and answer.json()["code"] not in ACCESS_CODES:
        return f"403 for another reason: {answer.text[:200]}"
    return ""


@pytest.mark.parametrize(("method", "route"), WAYS)
def test_a_route_lets_in_whom_the_table_names_and_nobody_else(
    stage: Stage, tokens: dict[Caller, str], method: str, route: str
) -> None:
    way, wrong = WAYS[method, route], {}
    cases = {"joint": stage.joint, "other": stage.other, "nowhere": NOWHERE}
    for caller, token in tokens.items():
        for name, case in cases.items() if way.about == "case" else [("nowhere", NOWHERE)]:
            found = disagreement(answered(stage, way, method, case, token), expected(caller, way, name))
            wrong.update({(caller, name): found} if found else {})
    assert not wrong


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_refused_for_exactly_those_the_table_does_not_name(
    stage: Stage, tokens: dict[Caller, str], step: str
) -> None:
    way, wrong = Way("act", f"{_CASE}/steps/{step}", 400, about="case", step=step), {}
    for caller, token in tokens.items():
        if caller.scopes in {(), SCOPES}:
            found = disagreement(
                answered(stage, way, "POST", stage.joint, token), expected(caller, way, "joint")
            )
            wrong.update({caller: found} if found else {})
    assert not wrong


def test_the_table_promises_what_the_contract_does() -> None:
    """What follows from the table is tried above; this is what the table itself must never say."""
    for right in RIGHTS.values():
        changes = right.scope == "write"
        for role, relations in right.who.items():
            assert not (changes and role == "auditor"), "an auditor changes nothing"
            assert not (changes and "partner" in relations), "a partner changes nothing"
            if right.name in {"read-case", "act", "follow"}:
                theirs = {"own", "partner"} if role in MUNICIPAL else {"authority"}
                machine = {"own", "partner", "authority"} if role == "integration" else set()
                assert set(relations) <= theirs | machine | ({"any"} if role == "auditor" else set())
    assert set(RIGHTS["ask"].who) == {"auditor", "call-manager"}
    assert not RIGHTS["open"].who


def test_no_step_was_taken_by_asking_for_all_of_them(stage: Stage) -> None:
    assert stage.serving.app.service.states.case(stage.joint).state == "paid"


def test_every_route_of_the_service_is_called_here(stage: Stage) -> None:
    there = {
        (method, route.path_format): handler.opt.get("right")
        for route in stage.serving.asgi.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods - {"OPTIONS"}
    }
    assert there == {named: way.right for named, way in WAYS.items()}


def test_every_role_and_every_relation_is_asked(stage: Stage) -> None:
    assert {caller.role for caller in CALLERS} == {*roles.CALLERS, ""}
    assert set(RELATED["joint"].values()) == {"own", "partner", "authority"}
    assert stage.serving.app.service.states.case(stage.joint).partners == (BERGEN,)


@pytest.mark.parametrize("opt", [{}, {"right": "raed-case"}])
def test_a_route_that_names_no_right_of_the_table_is_not_built(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opt: dict[str, Any]
) -> None:
    @get("/more", opt=opt, sync_to_thread=False)
    def more() -> str:
        return "all"

    monkeypatch.setattr(web_app, "HANDLERS", [*web_app.HANDLERS, more])
    with pytest.raises(ImproperlyConfiguredException, match="more"), service_on(store, tmp_path):
        pass
