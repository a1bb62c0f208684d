"""Steps of a call's own: what the directorate prepared in them stays there, and what is for applicants reaches them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from given import IMDI, Step
from noted import append
from serving import service_on
from variants import by_lead, prepared
from ways import second_way

from grantflow.demo.areas.projects import DRAMMEN, ROGALAND
from grantflow.domain.declared import DeclaredStepTaken
from grantflow.domain.event import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from serving import Serving

    from grantflow.store import Store

WAY = second_way()
PREPARED = {"panel-review": "assessor", "endorse": "decider"}
"""Steps of the call's own that are the directorate's preparation, and who takes them."""
TOLD = {"invite": "case-officer"}
"""One that opens a stage to the applicant, with advice."""
THEIR_OWN = {"confirm-cofunding": "superior"}


@pytest.fixture
def serving(store: Store, tmp_path: Path) -> Iterator[Serving]:
    with service_on(store, tmp_path, clock=lambda: WAY.opens.replace(year=2025)) as serving:
        serving.app.service.calls.publish(WAY.call.files, by_lead("publish", WAY.opens.replace(month=7)))
        yield serving


def begun(store: Store, area: str, applicant: str, taken: dict[str, str]) -> UUID:
    """A case in an area, and these steps of the call's own in it, each holding its own name."""
    start = Step("start", {"area": area}, organisation=applicant, at=WAY.opens)
    case = prepared(store, WAY.call, 1, start)[0]
    stamp = store.load(case)[0].event.stamp
    entries = [
        Entry(
            case,
            version,
            DeclaredStepTaken(
                declared=step,
                form=step,
                about="",
                content={"said": f"said in {step}"},
                stamp=msgspec.structs.replace(
                    stamp,
                    step=step,
                    role=role,
                    recorded_at=WAY.opens.replace(day=6),
                    organisation=applicant if role == "superior" else IMDI,
                ),
            ),
        )
        for version, (step, role) in enumerate(taken.items(), start=2)
    ]
    store.append(append(*entries)).result()
    return case


def told(serving: Serving, case: UUID, role: str, organisation: str) -> str:
    token = serving.token("p-1", role, organisation)
    paths = ("", "/history", "/diff?from=2024-08-01T00:00:00Z&to=2024-09-01T00:00:00Z")
    answers = [serving.get(f"/applications/{case}{path}", token) for path in paths]
    answers.append(serving.get("/events?limit=1000", token))
    assert {answer.status_code for answer in answers} == {200}
    assert all("said in" in answer.text for answer in answers), "each way to read tells of some step"
    return "".join(answer.text for answer in answers)


@pytest.mark.parametrize(
    ("area", "applicant", "others"),
    [("regionalt", DRAMMEN, TOLD), ("videregaende", ROGALAND, TOLD | THEIR_OWN)],
)
def test_the_directorates_own_steps_are_shown_to_it_and_not_to_applicants(
    serving: Serving, area: str, applicant: str, others: dict[str, str]
) -> None:
    there = [step for step in PREPARED if not (step == "panel-review" and area == "videregaende")]
    case = begun(serving.app.store, area, applicant, {step: PREPARED[step] for step in there} | others)
    serving.catch_up()
    outside, inside = (
        told(serving, case, *who) for who in (("applicant", applicant), ("case-officer", IMDI))
    )
    for step in there:
        assert f"said in {step}" in inside
        assert f"said in {step}" not in outside
    for step in others:
        assert f"said in {step}" in outside


def test_a_step_that_the_call_no_longer_has_is_shown_inside_only(serving: Serving) -> None:
    case = begun(serving.app.store, "regionalt", DRAMMEN, {"gone": "case-officer", "invite": "case-officer"})
    serving.catch_up()
    assert "said in gone" not in told(serving, case, "applicant", DRAMMEN)
    assert "said in gone" in told(serving, case, "case-officer", IMDI)
