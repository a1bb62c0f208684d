"""Webhooks over HTTP and at the command line: registered, looked after and removed by their owner, and nobody else."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from given import IMDI, OSLO_KOMMUNE
from hooked import published
from serving import bearer, service_on
from structlog.testing import capture_logs

from grantflow import logs
from grantflow.cli.commands import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serving import Serving

URL = "https://93.184.215.14/hook"
PATH = "/api/v1/webhooks"
MASKED = "********"


@pytest.fixture
def serving(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with published(database_url) as store, service_on(store, tmp_path_factory.mktemp("home")) as serving:
        yield serving


def program(serving: Serving, organisation: str = IMDI, *scopes: str) -> str:
    return serving.token("arkiv", "integration", organisation, scopes or ("events",))


def test_a_program_registers_looks_after_and_removes_its_own(serving: Serving) -> None:
    token = program(serving)
    made = serving.post("/webhooks", token, {"url": URL, "types": ["application-granted"]})
    assert made.status_code == 201, made.text
    told = made.json()
    assert told["secret"].startswith("whsec_")
    assert made.headers["Location"] == f"{PATH}/{told['id']}"
    assert made.headers["Cache-Control"] == "no-store"
    assert (told["state"], told["organisation"], told["role"]) == ("active", IMDI, "integration")
    one = f"/webhooks/{told['id']}"
    shown = serving.get(one, token).json()
    assert shown == told | {"secret": MASKED}
    assert serving.get("/webhooks", token).json() == {"items": [shown], "next": None}
    assert serving.post(f"{one}/pause", token).json()["state"] == "paused"
    assert serving.post(f"{one}/resume", token).json()["state"] == "active"
    assert serving.post(f"{one}/redrive", token).json() == {"redriven": 0}
    rotated = serving.post(f"{one}/rotation", token).json()
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != told["secret"]
    assert serving.get(one, token).json()["secret"] == MASKED
    assert serving.post(f"{one}/removal", token).status_code == 200
    assert serving.get(one, token).status_code == 404


def test_another_organisation_has_no_such_subscriber(serving: Serving) -> None:
    one = f"/webhooks/{serving.post('/webhooks', program(serving), {'url': URL}).json()['id']}"
    stranger = program(serving, OSLO_KOMMUNE)
    assert serving.get("/webhooks", stranger).json()["items"] == []
    answers = [serving.get(one, stranger)]
    steps = ("pause", "resume", "rotation", "redrive", "removal")
    answers += [serving.post(f"{one}/{step}", stranger) for step in steps]
    answers += [serving.get("/webhooks/nonsense", stranger)]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["detail"] for answer in answers} == {"There is no such subscriber."}
    assert serving.get(one, program(serving)).json()["state"] == "active"


def test_only_programs_with_the_scope_and_call_managers_may(serving: Serving) -> None:
    for token, status in (
        ("", 401),
        (program(serving, IMDI, "read", "write"), 403),
        (serving.token("kari", "director", OSLO_KOMMUNE), 403),
        (serving.token("revisor", "auditor", IMDI), 403),
        (serving.token("kari", "call-manager", IMDI), 201),
        (program(serving, OSLO_KOMMUNE), 201),
    ):
        assert serving.post("/webhooks", token, {"url": URL}).status_code == status
    several = serving.token("kari", ["decider", "call-manager"], IMDI)
    assert serving.post("/webhooks", several, {"url": URL}).json()["role"] == "call-manager"


def test_the_same_key_and_body_give_the_same_answer(serving: Serving) -> None:
    def asked(url: str, key: str) -> Any:
        headers = bearer(program(serving), **{"Idempotency-Key": key})
        return serving.client.post(PATH, json={"url": url}, headers=headers)

    first = asked(URL, "k-1")
    assert asked(URL, "k-1").json() == first.json()
    assert asked(URL, "k-2").json()["id"] != first.json()["id"]
    refused = asked(f"{URL}/other", "k-1")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"url": "https://127.0.0.1/hook"}, 422, "target-refused"),
        ({"url": "http://93.184.215.14/hook"}, 422, "target-refused"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, 422, "target-refused"),
        ({"url": URL, "types": ["nothing-such"]}, 400, "bad-request"),
        ({"url": URL, "call": "no-such"}, 404, "not-found"),
        ({"url": URL, "after": -1}, 400, "bad-request"),
        ({"url": URL, "secret": "whsec_mine"}, 400, "bad-request"),
        ({}, 400, "bad-request"),
    ],
)
def test_what_is_refused_is_told_as_a_problem(
    serving: Serving, body: dict[str, Any], status: int, code: str
) -> None:
    answer = serving.post("/webhooks", program(serving), body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_body_that_nobody_reads_is_refused(serving: Serving) -> None:
    one = f"/webhooks/{serving.post('/webhooks', program(serving), {'url': URL}).json()['id']}"
    assert serving.post(f"{one}/pause", program(serving), {"why": "so"}).status_code == 400


def test_at_the_command_line(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRANTFLOW_DATABASE_URL", database_url)
    monkeypatch.setattr(logs, "set_up", lambda *_, **__: None)
    with published(database_url):
        pass
    by = ("--as", "arkiv", "--org", IMDI)

    def page(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["grantflow", "webhooks", *words])
        with capture_logs(), pytest.raises(SystemExit) as end:
            run()
        assert end.value.code in {0, None}
        return capsys.readouterr().out

    def said(*words: str) -> Any:
        return json.loads(page(*words, "--json"))

    made = said(
        "add", URL, "--types", "application-granted,call-published", "--call", "imdi-2023-tillegg", *by
    )
    assert made["secret"].startswith("whsec_")
    assert made["types"] == ["application-granted", "call-published"]
    one = made["id"]
    assert said("list", "--org", IMDI)["items"] == said("list")["items"] == [said("show", one)]
    assert said("show", one)["secret"] == MASKED
    assert said("list", "--org", OSLO_KOMMUNE)["items"] == []
    assert said("pause", one, *by)["reason"] == "paused by arkiv"
    assert said("resume", one, *by)["state"] == "active"
    assert said("rotate", one, *by)["secret"] not in {MASKED, made["secret"]}
    assert said("redrive", one, *by) == {"redriven": 0}
    assert said("remove", one, *by)["id"] == one
    assert said("list")["items"] == []
    assert "Nobody has events sent to them" in page("list")
    assert page("add", URL, *by).count("whsec_") == 1
    assert URL in (listed := page("list"))
    assert "whsec_" not in listed
