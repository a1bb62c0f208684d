"""Who keeps which duty, and how it goes, is shown at the command line, over HTTP, and where readiness is asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from given import DEADLINE, IMDI
from serving import Serving, service_on
from steps import started
from variants import prepared, publish

from grantflow.duties import Duty, myself
from grantflow.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.store import Store

COMMAND = [str(Path(sys.executable).parent / "grantflow"), "duties"]
NOW = DEADLINE - timedelta(days=3)
NEXT = datetime(2023, 8, 27, 7, tzinfo=UTC)


@pytest.fixture
def serving(store: Store, tmp_path: Path) -> Iterator[Serving]:
    with service_on(store, tmp_path) as serving:
        yield serving


def told_by_command(store: Store, *options: str) -> str:
    environment = {**os.environ, "GRANTFLOW_DATABASE_URL": store.database_url}
    ran = subprocess.run(
        [*COMMAND, *options], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def told(serving: Serving) -> dict[str, dict[str, Any]]:
    auditor = serving.token("revisor", "auditor", IMDI)
    answer = serving.get("/duties", auditor)
    assert answer.status_code == 200, answer.text
    assert answer.json()["next"] is None
    items = answer.json()["items"]
    assert serving.client.get("/readyz").json()["duties"] == items
    return {one["name"]: one for one in items}


def test_a_duty_that_nobody_has_ever_held_is_shown_all_the_same(serving: Serving) -> None:
    names = [chore.name for chore in serving.app.chores()]
    assert len(set(names)) == len(names)
    assert list(told(serving)) == names
    assert {one["holder"] for one in told(serving).values()} == {None}
    assert json.loads(told_by_command(serving.app.store, "--json"))["next"] is None


def test_holder_run_lag_next_instant_and_error_are_shown(serving: Serving) -> None:
    store = serving.app.store
    call = publish(serving.app.service, "shown", "8000000.00")
    prepared(store, call, 2, started())
    behind = store.last_position()
    assert {name: told(serving)[name]["lag"] for name in ("project", "seal", "deadlines")} == {
        "project": behind,
        "seal": behind,
        "deadlines": None,
    }
    assert Worker(store, serving.app.chores(), lambda: NOW).once() == []
    shown = told(serving)
    assert shown["project"]["lag"] == shown["seal"]["lag"] == 0
    assert datetime.fromisoformat(shown["deadlines"]["next_at"]) == NEXT
    assert datetime.fromisoformat(shown["deadlines"]["last_run"]) == NOW
    assert {one["holder"] for one in shown.values()} == {None}, "each was let go of"
    with Duty(store.database_url, "seal") as duty:
        assert duty.taken()
        duty.failed("The database does not answer: it is away")
        shown = told(serving)
        assert shown["seal"]["holder"] == myself()
        assert datetime.fromisoformat(shown["seal"]["since"]).tzinfo
        assert "it is away" in shown["seal"]["last_error"]
        by_command = {one["name"]: one for one in json.loads(told_by_command(store, "--json"))["items"]}
        assert by_command["seal"]["holder"] == myself()
        assert by_command["deadlines"]["next_at"] == "2023-08-27T07:00:00Z"
        for_people = told_by_command(store)
        assert myself() in for_people
        assert "27.08.2023 09.00" in for_people


def test_whoever_has_no_part_in_it_does_not_see_who_keeps_the_duties(serving: Serving) -> None:
    for role in ("applicant", "case-officer", "decider"):
        assert serving.get("/duties", serving.token("p-1", role, IMDI)).status_code == 403
    machine = serving.token("maskin", "integration", IMDI, ["events"])
    assert serving.get("/duties", machine).status_code == 403
    assert serving.get("/duties").status_code == 401
    for role, scopes in (("call-manager", ()), ("integration", ("read",))):
        assert serving.get("/duties", serving.token("p-1", role, IMDI, scopes)).status_code == 200
