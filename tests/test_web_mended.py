"""What is sent to the service in ways that nobody should, and money told as money: answers, and never a fault."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from given import IMDI, OSLO_KOMMUNE
from serving import Serving, bearer, service_on
from steps import CALL_FOLDER

from grantflow.definitions import LARGEST, definition_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from grantflow.store import Store

HALF = r'"\ud800"'


@pytest.fixture
def serving(store: Store, tmp_path: Path) -> Iterator[Serving]:
    with service_on(store, tmp_path) as one:
        yield one


@pytest.mark.parametrize("names", [["."], ["a", "a/b"], ["\N{PARTY POPPER}" * 100], ["a//b"], ["../a"]])
def test_names_that_no_folder_can_hold_are_refused(serving: Serving, names: list[str]) -> None:
    lead = serving.token("imdi-lead", "call-manager", IMDI)
    files = {**definition_files(CALL_FOLDER), **dict.fromkeys(names, "text")}
    answer = serving.post("/calls", lead, {"files": files})
    assert answer.status_code in {400, 422}, answer.text


def test_a_file_larger_than_a_folder_may_hold_is_refused_before_it_is_read(serving: Serving) -> None:
    lead = serving.token("imdi-lead", "call-manager", IMDI)
    files = {**definition_files(CALL_FOLDER), "registers/municipalities.csv": "\n" * (LARGEST + 1)}
    answer = serving.post("/calls", lead, {"files": files})
    assert answer.status_code == 400
    assert "'registers/municipalities.csv' is larger than 4000000 characters" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/calls/imdi-2023-tillegg/answers", f'{{"question": {HALF}, "answer": "Ja."}}'),
        ("/superiors", f'{{"subordinate": {HALF}, "superior": "b"}}'),
    ],
)
def test_half_of_a_surrogate_pair_is_refused_wherever_it_stands(
    serving: Serving, path: str, body: str
) -> None:
    lead = serving.token("imdi-lead", "call-manager", IMDI)
    serving.post("/calls", lead, {"files": definition_files(CALL_FOLDER)})
    headers = bearer(lead, **{"Content-Type": "application/json"})
    answer = serving.client.post(f"/api/v1{path}", content=body, headers=headers)
    assert answer.status_code == 400, answer.text


def test_one_question_is_answered_at_a_time(serving: Serving) -> None:
    auditor = serving.token("revisor", "auditor", OSLO_KOMMUNE)
    with serving.asgi.state.house.asking:
        assert serving.get("/audit/questions/four-eyes", auditor).status_code == 503
    assert serving.get("/audit/questions/four-eyes", auditor).status_code == 200


def test_a_difference_tells_money_in_kroner(story: Serving) -> None:
    changed = story.get(
        "/applications/imdi-2023-tillegg-0001/diff?from=2023-08-01T00:00:00Z&to=2024-01-01T00:00:00Z",
        story.token("revisor", "auditor", OSLO_KOMMUNE),
    ).json()["items"]
    paths = [one["path"] for one in changed]
    assert "asked" in paths
    assert not any("_ore" in str(one) for one in changed)
    asked = next(one for one in changed if one["path"] == "asked")
    assert re.fullmatch(r"[0-9]+\.[0-9]{2}", asked["after"])


@pytest.fixture
def story(store: Store, tmp_path: Path) -> Iterator[Serving]:
    """The service on a log in which a case has been decided and paid."""
    from grantflow.demo import Story, play  # noqa: PLC0415 - for this one test

    with service_on(store, tmp_path) as one:
        play(one.app, definition_files(CALL_FOLDER), Story(12))
        one.catch_up()
        yield one
