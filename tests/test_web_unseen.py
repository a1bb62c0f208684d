"""What one may not see stands nowhere: not in lists, feeds, histories, proofs, answers, nor in how long a no takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import pytest
from gathered import BERGEN, TRONDHEIM
from given import IMDI, OSLO_KOMMUNE, STAVANGER
from serving import bearer
from staged import BUFDIR, PLANTED, RIKSREVISJONEN, THEIR_CALL, staged
from steps import call_2023

from grantflow.domain.application import CaseEvent
from grantflow.shielding import INTERNAL
from grantflow.store import Store
from grantflow.web import envelope
from grantflow.web.envelope import NOT_FOUND_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from staged import Stage

CALL = "imdi-2023-tillegg"
SPAN = "from=2023-08-14T08:30:00Z&to=2024-02-01T00:00:00Z"
NOWHERE = UUID(int=7)


class Reader(NamedTuple):
    """Somebody who reads, and the cases of the stage that they may know of."""

    role: str
    organisation: str
    sees: frozenset[str]
    scopes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.role} of {self.organisation}"

    def token(self, stage: Stage) -> str:
        return stage.serving.token("p-1", self.role, self.organisation, self.scopes)


def reader(role: str, organisation: str, *sees: str) -> Reader:
    scopes = ("events", "read") if role == "integration" else ()
    return Reader(role, organisation, frozenset(sees), scopes)


IMDIS = ("joint", "other", "draft", "dropped")
READERS = [
    reader("applicant", OSLO_KOMMUNE, "joint", "dropped", "theirs"),
    reader("director", BERGEN, "joint"),
    reader("integration", BERGEN, "joint"),
    reader("project-lead", TRONDHEIM, "draft"),
    reader("superior", STAVANGER, "other"),
    reader("integration", STAVANGER, "other"),
    reader("applicant", IMDI),
    reader("case-officer", IMDI, *IMDIS),
    reader("call-manager", IMDI, *IMDIS),
    reader("integration", IMDI, *IMDIS),
    reader("decider", BUFDIR, "theirs"),
    reader("decider", OSLO_KOMMUNE),
    reader("auditor", RIKSREVISJONEN, *IMDIS, "theirs"),
]
OUTSIDERS = [
    reader("applicant", OSLO_KOMMUNE, "joint"),
    reader("director", BERGEN, "joint"),
    reader("integration", OSLO_KOMMUNE, "joint"),
    reader("integration", BERGEN, "joint"),
]
INSIDERS = [
    reader("payer", IMDI, "joint"),
    reader("integration", IMDI, "joint"),
    reader("auditor", RIKSREVISJONEN, "joint"),
]


@pytest.fixture(scope="module")
def stage(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Store(module_database_url) as store, staged(store, tmp_path_factory.mktemp("home")) as stage:
        yield stage


def pages(stage: Stage, path: str, token: str, name: str) -> Iterator[dict[str, Any]]:
    """A list in pages, going on where the one before says, until it says no more."""
    further: str | None = ""
    while further is not None:
        onward = f"&{name}={further}" if further else ""
        answer = stage.serving.get(f"{path}{onward}", token)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        yield page
        further = page["next"]


def named(stage: Stage, ids: set[str]) -> set[str]:
    return {name for case, name in stage.cases.items() if str(case) in ids}


@pytest.mark.parametrize("who", READERS, ids=str)
def test_a_list_holds_the_cases_one_may_see_and_goes_on_for_no_others(stage: Stage, who: Reader) -> None:
    told = list(pages(stage, "/applications?limit=1", who.token(stage), "cursor"))
    rows = [row["id"] for page in told for row in page["items"]]
    assert named(stage, set(rows)) == who.sees
    assert len(rows) == len(who.sees)
    assert len(told) == max(1, len(who.sees)), "a page more tells of a case that is not shown"


@pytest.mark.parametrize("who", READERS, ids=str)
def test_looking_for_a_case_in_a_list_does_not_find_it_for_others(stage: Stage, who: Reader) -> None:
    applicants = {"joint": OSLO_KOMMUNE, "other": STAVANGER, "draft": TRONDHEIM}
    states = stage.serving.app.service.states
    for name in sorted(applicants.keys() - who.sees):
        state = states.case(getattr(stage, name)).state
        answer = stage.serving.get(
            f"/applications?call={CALL}&state={state}&applicant={applicants[name]}", who.token(stage)
        )
        page = answer.json()
        assert str(getattr(stage, name)) not in answer.text
        assert page["next"] is None
        assert "Link" not in answer.headers


@pytest.mark.parametrize("who", READERS, ids=str)
def test_the_feed_tells_of_the_cases_one_may_see_whole_and_of_no_others(stage: Stage, who: Reader) -> None:
    told = [page["items"] for page in pages(stage, "/events?limit=3", who.token(stage), "after")]
    events = [event for items in told for event in items]
    cases = {event["subject"] for event in events} & {str(case) for case in stage.cases}
    assert named(stage, cases) == who.sees
    positions = [event["position"] for event in events]
    assert positions == sorted(set(positions))
    others = {event["data"]["organisation"] for event in events if event["subject"] not in cases}
    assert who.role == "auditor" or others <= {who.organisation, IMDI, BUFDIR}
    money = {event["data"]["organisation"] for event in events if ".frame-" in event["type"]}
    assert who.role == "auditor" or money <= {who.organisation}


@pytest.mark.parametrize("who", READERS, ids=str)
def test_whatever_one_asks_of_a_case_it_is_there_for_those_who_may_see_it_only(
    stage: Stage, who: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envelope, "NOT_FOUND_SECONDS", 0.0)
    token = who.token(stage)
    for case, name in stage.cases.items():
        number = stage.serving.app.projector.rows(
            "SELECT number FROM case_list WHERE case_id = %(case)s", {"case": case}
        )[0]["number"]
        for called in (str(case), number):
            for path in _reads(called):
                status = stage.serving.get(path, token).status_code
                assert (status == 200) is (name in who.sees), (path, name, status)
        if name not in who.sees:
            inclusion = stage.serving.get(f"/ledger/proofs/inclusion?event={case}.1", token)
            document = stage.serving.get(f"/applications/{case}/documents/{stage.document}", token)
            assert (inclusion.status_code, document.status_code) == (404, 404)


def _reads(case: str) -> list[str]:
    return [
        f"/applications/{case}",
        f"/applications/{case}?at=2023-09-30T00:00:00Z",
        f"/applications/{case}/history?limit=200",
        f"/applications/{case}/history?at=2023-09-30T00:00:00Z",
        f"/applications/{case}/diff?{SPAN}",
        f"/applications/{case}/letters",
        f"/applications/{case}/steps",
    ]


def everything_told(stage: Stage, who: Reader) -> str:
    """All that the service tells somebody about the joint case, by every way there is to read it."""
    token, texts = who.token(stage), []
    for path in (*_reads(str(stage.joint)), "/applications?limit=200", "/events?limit=1000"):
        answer = stage.serving.get(path, token)
        assert answer.status_code == 200, answer.text
        texts.append(answer.text)
    batch = bearer(token, Accept="application/cloudevents-batch+json")
    texts.append(stage.serving.client.get("/api/v1/events", headers=batch).text)
    return "\n".join(texts).casefold()


@pytest.mark.parametrize("who", OUTSIDERS, ids=str)
def test_how_a_case_was_prepared_is_told_to_nobody_outside(stage: Stage, who: Reader) -> None:
    told = everything_told(stage, who)
    assert str(stage.joint) in told
    assert PLANTED not in told
    assert not [kind.topic for kind in INTERNAL if kind.topic.partition("@")[0] in told]


@pytest.mark.parametrize("who", INSIDERS, ids=str)
def test_and_to_everybody_inside(stage: Stage, who: Reader) -> None:
    told = everything_told(stage, who)
    for step in ("score", "assess", "assess-state-aid", "declare-impartiality"):
        assert f"{PLANTED} {step}" in told
    assert f"{PLANTED}-saksbehandler" in told


@pytest.mark.parametrize("who", [*OUTSIDERS, *INSIDERS], ids=str)
def test_what_is_internal_is_proved_to_nobody_outside(stage: Stage, who: Reader) -> None:
    entries = stage.serving.app.store.load(stage.joint)
    assert {kind for kind in INTERNAL for e in entries if isinstance(e.event, kind)} == set(INTERNAL)
    for entry in entries:
        wanted = 404 if who in OUTSIDERS and isinstance(entry.event, INTERNAL) else 200
        answer = stage.serving.get(f"/ledger/proofs/inclusion?event={entry.id}", who.token(stage))
        assert answer.status_code == wanted, entry.event.topic


@pytest.mark.parametrize("who", READERS, ids=str)
def test_what_is_in_no_case_is_proved_to_whoever_did_it_and_what_a_call_says_to_all(
    stage: Stage, who: Reader
) -> None:
    """The frame of money and delegations are the directorate's; an auditor has a proof of everything."""
    seen: dict[tuple[bool, str], int] = {}
    for entry in stage.serving.app.store.everything():
        topic, event = entry.event.topic, entry.event
        if not isinstance(event, CaseEvent):
            answer = stage.serving.get(f"/ledger/proofs/inclusion?event={entry.id}", who.token(stage))
            seen[event.stamp.organisation == who.organisation, topic] = answer.status_code
    calls = {status for (_, topic), status in seen.items() if topic.startswith("call-")}
    assert calls == {200}
    others = {status for (own, topic), status in seen.items() if not own and not topic.startswith("call-")}
    assert others == ({200} if who.role == "auditor" else {404})
    assert {status for (own, _), status in seen.items() if own} <= {200}


def test_a_document_is_fetched_from_the_case_that_it_is_attached_to_and_from_no_other(stage: Stage) -> None:
    for case, organisation, status in (
        (stage.joint, BERGEN, 200),
        (stage.theirs, OSLO_KOMMUNE, 404),
        (stage.draft, TRONDHEIM, 404),
    ):
        token = stage.serving.token("p-1", "applicant", organisation)
        answer = stage.serving.get(f"/applications/{case}/documents/{stage.document}", token)
        assert answer.status_code == status


def test_a_partner_reads_and_does_nothing_else(stage: Stage) -> None:
    for role in ("applicant", "director", "project-lead", "superior"):
        token = stage.serving.token("p-1", role, BERGEN)
        assert stage.serving.get(f"/applications/{stage.joint}/steps", token).json()["items"] == []
        refused = stage.serving.post(
            f"/applications/{stage.joint}/steps/submit-report", token, {"report": {}, "accounts": {}}
        )
        assert (refused.status_code, refused.json()["code"]) == (403, "no-right")


def test_the_steps_one_is_told_of_are_those_one_may_take(stage: Stage) -> None:
    process = call_2023().process
    for role, organisation in (("project-lead", OSLO_KOMMUNE), ("payer", IMDI), ("auditor", RIKSREVISJONEN)):
        token = stage.serving.token("p-1", role, organisation)
        told = stage.serving.get(f"/applications/{stage.joint}/steps", token).json()["items"]
        there = {name for name in process.steps_from("paid") if role in process.steps[name].roles}
        assert {one["step"] for one in told} == there


def _refusals(case: str, digest: str) -> list[tuple[str, str]]:
    return [
        *(("GET", path) for path in _reads(case)),
        ("GET", f"/applications/{case}/documents/{digest}"),
        ("POST", f"/applications/{case}/documents?filename=a.pdf"),
        ("POST", f"/applications/{case}/steps/submit"),
        ("POST", f"/applications/{case}/steps/nothing"),
        ("GET", f"/ledger/proofs/inclusion?event={case}.1"),
        ("GET", f"/ledger/proofs/inclusion?event={case}.999"),
    ]


def test_not_yours_and_not_there_are_one_answer_and_take_as_long(stage: Stage) -> None:
    token = stage.serving.token("p-1", "applicant", STAVANGER)
    yours, none = (_refusals(str(case), stage.document) for case in (stage.joint, NOWHERE))
    for (method, path), (_, nothing) in zip(yours, none, strict=True):
        told = []
        for asked in (path, nothing):
            began = time.perf_counter()
            answer = stage.serving.client.request(method, f"/api/v1{asked}", headers=bearer(token))
            assert time.perf_counter() - began >= NOT_FOUND_SECONDS, asked
            headers = {name: text for name, text in answer.headers.items() if name != "x-request-id"}
            body = answer.json()
            assert body.pop("instance") == f"/api/v1{asked}".partition("?")[0]
            told.append((answer.status_code, headers | {"content-length": ""}, body))
        assert told[0] == told[1], path
        assert told[0][0] == 404


def test_a_number_that_is_taken_is_answered_like_one_that_is_not(stage: Stage) -> None:
    token = stage.serving.token("p-1", "applicant", STAVANGER)
    taken, free = (stage.serving.get(f"/applications/{CALL}-{n}", token).json() for n in ("0001", "9999"))
    assert taken | {"instance": ""} == free | {"instance": ""}


def test_a_stream_of_something_else_is_no_case(stage: Stage) -> None:
    streams = {entry.originator_id for entry in stage.serving.app.store.everything()} - stage.cases.keys()
    token = stage.serving.token("p-1", "auditor", RIKSREVISJONEN)
    assert streams
    for stream in streams:
        for method, path in (
            ("GET", f"/applications/{stream}"),
            *_refusals(str(stream), stage.document)[-1:],
        ):
            answer = stage.serving.client.request(method, f"/api/v1{path}", headers=bearer(token))
            assert answer.status_code == 404, answer.text


def test_a_call_manager_asks_of_their_own_call_and_hears_of_no_other(stage: Stage) -> None:
    theirs = stage.serving.token("p-1", "call-manager", BUFDIR)
    asked = [stage.serving.get(f"/audit/questions/{n}?call={THEIR_CALL}", theirs) for n in range(1, 28)]
    assert {answer.status_code for answer in asked} == {200}
    told = "".join(answer.text for answer in asked)
    assert str(stage.theirs) in told
    assert not [name for case, name in stage.cases.items() if name != "theirs" and str(case) in told]
    for path in (f"/audit/questions/1?call={CALL}", "/audit/questions/1"):
        assert stage.serving.get(path, theirs).status_code == 403


def test_a_role_gives_no_other_of_ones_roles_what_it_may(stage: Stage) -> None:
    """One who may act as a decider, and through a machine may only read, does not act as the machine."""
    both = stage.serving.token("p-1", ["decider", "integration"], IMDI, ["read"])
    answer = stage.serving.post(f"/applications/{stage.joint}/steps/confirm-payment", both, {"made": "up"})
    assert (answer.status_code, answer.json()["code"]) == (403, "role-not-allowed")
    told = stage.serving.get(f"/applications/{stage.joint}/steps", both).json()["items"]
    assert {role for one in told for role in one["roles"]} == {"decider"}


def test_nobody_acts_in_a_role_that_the_token_does_not_give(stage: Stage) -> None:
    token = stage.serving.token("p-1", "applicant", OSLO_KOMMUNE)
    answer = stage.serving.client.post(
        f"/api/v1/applications/{stage.joint}/steps/edit",
        json={},
        headers=bearer(token, **{"Acting-Role": "director"}),
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "no-right")
