"""A subscriber gets what its owner may see in the feed, all of it, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from gathered import BERGEN, TRONDHEIM
from given import IMDI, OSLO_KOMMUNE, STAVANGER
from hooked import Desk, desk_on
from receiver import Receiver
from staged import BUFDIR, PLANTED, staged

from grantflow.shielding import INTERNAL
from grantflow.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from staged import Stage

INTERNAL_TYPES = {kind.topic.partition("@")[0] for kind in INTERNAL}
OWNERS = [
    *(("integration", who) for who in (OSLO_KOMMUNE, BERGEN, TRONDHEIM, STAVANGER, IMDI, BUFDIR)),
    ("call-manager", IMDI),
    ("call-manager", BUFDIR),
    ("call-manager", OSLO_KOMMUNE),
]


@pytest.fixture(scope="module")
def stage(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Store(module_database_url) as store, staged(store, tmp_path_factory.mktemp("home")) as stage:
        yield stage


@pytest.fixture
def desk(stage: Stage) -> Iterator[Desk]:
    with desk_on(stage.serving.app.store) as desk:
        yield desk


def fed(stage: Stage, role: str, organisation: str) -> list[dict[str, Any]]:
    """What the feed has for them."""
    token = stage.serving.token("p-1", role, organisation, ["events"] if role == "integration" else ())
    items: list[dict[str, Any]] = stage.serving.get("/events?limit=1000", token).json()["items"]
    return items


def sent(desk: Desk, role: str, organisation: str) -> list[dict[str, Any]]:
    """What is sent to them, in the order of the log."""
    with Receiver() as receiver:
        made = desk.subscribe(receiver.url, organisation, role, after=0)
        last = desk.store.last_position()

        def all_sent() -> bool:
            told = desk.show(made.id)
            return told.position == last and not told.waiting

        desk.until(all_sent)
        assert desk.deliverer.settle()
        events = [got.event for got in receiver.got]
    assert desk.show(made.id).delivered == len(events)
    return sorted(events, key=lambda event: int(event["position"]))


@pytest.mark.parametrize(("role", "organisation"), OWNERS)
def test_what_is_sent_is_what_the_feed_has(stage: Stage, desk: Desk, role: str, organisation: str) -> None:
    there = fed(stage, role, organisation)
    assert sent(desk, role, organisation) == there
    assert bool(there) == ((role, organisation) != ("call-manager", OSLO_KOMMUNE))


def test_a_municipalitys_program_gets_its_own_cases_and_nothing_internal(stage: Stage, desk: Desk) -> None:
    told = sent(desk, "integration", OSLO_KOMMUNE)
    assert {event["subject"] for event in told} == {
        str(one) for one in (stage.joint, stage.dropped, stage.theirs)
    }
    assert not {event["type"].split(".")[1] for event in told} & INTERNAL_TYPES
    assert PLANTED not in str(told)
    inside = sent(desk, "integration", IMDI)
    assert {event["type"].split(".")[1] for event in inside} & INTERNAL_TYPES
    assert PLANTED in str(inside)
    assert str(stage.theirs) not in {event["subject"] for event in inside}


def test_a_partner_gets_the_joint_case_and_not_the_one_it_was_dropped_from(stage: Stage, desk: Desk) -> None:
    assert {event["subject"] for event in sent(desk, "integration", BERGEN)} == {str(stage.joint)}
