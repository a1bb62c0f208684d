"""Over HTTP: everybody sees what they were told, the directorate all of it, and says where mail goes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from given import IMDI, OSLO_KOMMUNE, START, STAVANGER
from serving import service_on
from staged import BUFDIR
from steps import submitted
from told import Town

from grantflow.domain.notice import NoticeResent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from serving import Serving

    from grantflow.store import Store

NOW = START + timedelta(days=1)


class Stage:
    """Two municipalities' cases, and what was told of them."""

    def __init__(self, serving: Serving, town: Town) -> None:
        self.serving, self.town = serving, town
        self.oslo, self.stavanger = town.case(*submitted()), town.case(*submitted(), organisation=STAVANGER)
        town.notifier().turn(NOW)
        serving.catch_up()

    def token(self, role: str, organisation: str) -> str:
        return self.serving.token("p-1", role, organisation)

    def inbox(self, role: str, organisation: str, path: str = "/notices") -> list[dict[str, Any]]:
        answer = self.serving.get(path, self.token(role, organisation))
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def mail(self, case: UUID) -> str:
        return next(str(one.made.notice) for one in self.town.notices(case) if one.made.channel == "email")


@pytest.fixture
def stage(store: Store, tmp_path: Path) -> Iterator[Stage]:
    with service_on(store, tmp_path, clock=lambda: NOW) as serving:
        yield Stage(serving, Town(store))


def test_a_municipality_reads_what_it_was_told_and_nothing_of_another_s(stage: Stage) -> None:
    told = stage.inbox("applicant", OSLO_KOMMUNE)
    assert {one["organisation"] for one in told} == {OSLO_KOMMUNE}
    assert {one["case"] for one in told} == {str(stage.oslo)}
    assert [(one["channel"], one["status"]) for one in told] == [
        ("email", "waits"),
        ("portal", "in the portal"),
    ]
    assert told[0]["waits_for"] == "a mail server (GRANTFLOW_SMTP_URL)"
    assert [one["position"] for one in told] == sorted((one["position"] for one in told), reverse=True)
    hidden = stage.serving.get(
        f"/applications/{stage.stavanger}/notices", stage.token("applicant", OSLO_KOMMUNE)
    )
    assert hidden.status_code == 404


def test_the_directorate_reads_all_that_its_calls_have_told_and_another_none_of_it(stage: Stage) -> None:
    assert {one["organisation"] for one in stage.inbox("case-officer", IMDI)} == {OSLO_KOMMUNE, STAVANGER}
    assert len(stage.inbox("case-officer", IMDI, f"/applications/{stage.oslo}/notices")) == 2
    assert stage.inbox("case-officer", BUFDIR) == []


def test_a_page_goes_on_where_the_last_one_ended(stage: Stage) -> None:
    token, seen, path = stage.token("auditor", "974760843"), [], "/notices?limit=1"
    while path:
        answer = stage.serving.get(path, token).json()
        seen += [one["position"] for one in answer["items"]]
        path = f"/notices?limit=1&cursor={answer['next']}" if answer["next"] else ""
    assert len(seen) == len(set(seen)) == 4


def test_a_call_without_rules_has_its_inbox_as_before(stage: Stage) -> None:
    """What every call tells in the portal stands there, unless a rule says it in its own words."""
    town = stage.town
    case = town.case(*submitted(), organisation=STAVANGER)
    stage.serving.catch_up()
    (plain,) = stage.inbox("applicant", STAVANGER, f"/applications/{case}/notices")
    assert (plain["id"], plain["subject"]) == (None, "Søknaden er mottatt.")
    town.notifier().turn(NOW)
    stage.serving.catch_up()
    told = stage.inbox("applicant", STAVANGER, f"/applications/{case}/notices")
    assert [one["rule"] for one in told] == ["receipt", "receipt"]


def test_a_mail_is_sent_once_more_by_the_directorate_that_sent_it_and_by_nobody_else(stage: Stage) -> None:
    town, notice = stage.town, stage.mail(stage.oslo)
    path, body = f"/notices/{notice}/resend", {"reason": "Postkassen var full."}
    officer = stage.token("case-officer", IMDI)
    waiting = stage.serving.post(path, officer, body)
    assert (waiting.status_code, waiting.json()["code"]) == (409, "not-allowed")
    town.notifier("smtp://127.0.0.1:9").turn(NOW + timedelta(days=40))
    for role, organisation, status in (
        ("case-officer", BUFDIR, 404),
        ("applicant", OSLO_KOMMUNE, 403),
        ("decider", IMDI, 403),
        ("call-manager", IMDI, 201),
    ):
        answer = stage.serving.post(path, stage.token(role, organisation), body)
        assert answer.status_code == status, answer.text
    assert isinstance(town.events(stage.oslo)[-1], NoticeResent)
    for made_up in (str(stage.oslo), "nonsense"):
        assert stage.serving.post(f"/notices/{made_up}/resend", officer, body).status_code == 404


def test_an_organisation_says_where_its_mail_goes_and_the_directorate_for_those_who_have_not(
    stage: Stage,
) -> None:
    own, lead = stage.token("applicant", OSLO_KOMMUNE), stage.token("call-manager", IMDI)
    call = stage.town.call.id
    theirs = {"address": "fra.imdi@oslo.example.no", "organisation": OSLO_KOMMUNE, "call": call}
    assert stage.serving.post("/contacts", lead, theirs).status_code == 201
    contacts = stage.town.service.states.contacts
    assert contacts(OSLO_KOMMUNE).address(OSLO_KOMMUNE, "superior", IMDI) == "fra.imdi@oslo.example.no"
    assert contacts(OSLO_KOMMUNE).address(OSLO_KOMMUNE, "superior", BUFDIR) == "", (
        "it counts for its own notices"
    )
    assert stage.serving.post("/contacts", own, {"address": "post@oslo.example.NO"}).status_code == 201
    assert contacts(OSLO_KOMMUNE).address(OSLO_KOMMUNE, "superior", IMDI) == "post@oslo.example.no"
    withdrawn = stage.serving.post("/contacts/withdrawal", own, {"reason": "Ny postkasse kommer."})
    assert withdrawn.status_code == 201
    assert contacts(OSLO_KOMMUNE).address(OSLO_KOMMUNE, "superior", IMDI) == "fra.imdi@oslo.example.no"


@pytest.mark.parametrize(
    ("role", "organisation", "said"),
    [
        ("applicant", STAVANGER, {"organisation": OSLO_KOMMUNE}),
        ("call-manager", BUFDIR, {"organisation": OSLO_KOMMUNE, "call": "imdi-2023-tillegg"}),
        ("call-manager", STAVANGER, {"organisation": OSLO_KOMMUNE, "call": "imdi-2023-tillegg"}),
        ("call-manager", IMDI, {"organisation": OSLO_KOMMUNE}),
        ("applicant", OSLO_KOMMUNE, {"role": "auditor"}),
        ("applicant", OSLO_KOMMUNE, {"address": "a@b.no\r\nBcc: alle@c.no"}),
        ("applicant", OSLO_KOMMUNE, {"address": "01019000164@b.no"}),
        ("applicant", OSLO_KOMMUNE, {"address": "Kari <kari@b.no>"}),
        ("applicant", OSLO_KOMMUNE, {"address": "kari@b.no,ola@b.no"}),
        ("applicant", OSLO_KOMMUNE, {"address": "kari@b"}),
        ("applicant", OSLO_KOMMUNE, {"address": f"{'k' * 65}@b.no"}),
        ("applicant", OSLO_KOMMUNE, {"address": "k\N{LATIN SMALL LETTER AE}r@b.no"}),
    ],
)
def test_nobody_says_where_another_s_mail_goes_nor_anything_that_is_no_mailbox(
    stage: Stage, role: str, organisation: str, said: dict[str, str]
) -> None:
    last = stage.town.store.last_position()
    answer = stage.serving.post(
        "/contacts", stage.token(role, organisation), {"address": "post@a.no", **said}
    )
    assert 400 <= answer.status_code < 500, answer.text
    assert stage.town.store.last_position() == last
