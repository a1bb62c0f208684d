"""The national auditor sees everything, and the rules that a machine applies can be read by all (L19, L20)."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from given import IMDI, START
from steps import call_2023, granted, letter
from variants import prepared, variant

from grantflow import logs
from grantflow.cli.commands import run
from grantflow.delegating import Delegate
from grantflow.domain.call import CALL, Call
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.rules import Condition
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from grantflow.store import Store

ID = "aapen"


def manager(command: str) -> Circumstances:
    return Circumstances(
        at=START, person="imdi-lead", organisation=IMDI, role="call-manager", channel="test", command=command
    )


def plain(value: object) -> Any:
    """The value as plain JSON."""
    return json.loads(msgspec.json.encode(value))


@pytest.fixture
def case(store: Store) -> UUID:
    """Give a case of a published call, in a log that also has a delegation, an answer and a revision."""
    service = Service(store)
    first = variant(ID, "7900000.00")
    service.calls.publish(first, manager("publish"))
    service.calls.answer_question(ID, "Kan vi søke to ganger?", "Ja.", manager("answer"))
    held = Delegate(
        reference="IMDi-2023-014",
        scope="budget",
        person="imdi-decider",
        issued_by="direktøren",
        valid_from=START.date(),
        appropriation=call_2023().appropriation,
    )
    service.authority.delegate(held, manager("delegate"))
    service.calls.revise(variant(ID, "8000000.00"), "Mer penger.", manager("revise"))
    return prepared(store, Call.read(first), 1, *granted(), letter())[0]


@pytest.fixture
def say(
    store: Store, case: UUID, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Give what runs one command on that log and returns what it said."""
    assert case
    monkeypatch.setenv("GRANTFLOW_DATABASE_URL", store.database_url)
    monkeypatch.setattr(logs, "set_up", lambda *_, **__: None)

    def say(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["grantflow", *words])
        with pytest.raises(SystemExit) as end:
            run()
        assert not end.value.code
        return capsys.readouterr().out

    return say


def test_l19_one_command_gives_all_of_a_case_every_event_with_every_field(
    say: Callable[..., str], store: Store, case: UUID
) -> None:
    items = json.loads(say("case", "history", str(case), "--json"))["items"]
    entries = store.load(case)
    assert [item["event"] for item in items] == [entry.id for entry in entries]
    for item, entry in zip(items, entries, strict=True):
        assert item["facts"] == plain(entry.event.facts())
        stamp = plain(entry.event.stamp)
        assert {key: item[key] for key in stamp} == stamp
        assert item["topic"] == entry.event.topic


def test_l19_every_event_there_is_stands_in_the_audit_trail_of_whatever_stream(
    store: Store, case: UUID
) -> None:
    projector = Projector(store, projections())
    projector.catch_up()
    trail = list(projector.rows("SELECT position, topic, person, facts FROM audit_trail ORDER BY position"))
    log = store.read(0, 1000)
    assert [(row["position"], row["topic"]) for row in trail] == [(e.position, e.event.topic) for e in log]
    assert {e.event.stream for e in log} == {"call", "frame", "authority", "case"}
    assert case in {e.originator_id for e in log}
    assert [row["facts"] for row in trail] == [plain(e.event.facts()) for e in log]


def test_l20_every_rule_of_the_call_can_be_read_with_its_source_condition_and_words(
    say: Callable[..., str],
) -> None:
    shown = json.loads(say("call", "show", ID, "--json"))
    declared = {rule.id: rule for rule in call_2023().rules}
    assert {rule["id"] for rule in shown["rules"]} == set(declared)
    for rule in shown["rules"]:
        assert rule["require"] == declared[rule["id"]].require
        assert all((rule["source"], rule["when"], rule["rule"], rule["message"]["nb"], rule["message"]["nn"]))
    for part in ("criteria", "deadlines", "legal_regime", "letter", "retention", "assumptions", "state_aid"):
        assert shown[part], part
    assert shown["answers"] == [{"question": "Kan vi søke to ganger?", "answer": "Ja."}]


def test_l20_the_page_for_people_names_each_rule_and_each_settled_ambiguity(say: Callable[..., str]) -> None:
    page = " ".join(say("call", "show", ID).split())
    for rule in call_2023().rules:
        assert rule.id in page
    for assumption in call_2023().assumptions:
        assert assumption.question.split(".", maxsplit=1)[0][:40] in page


def test_l20_the_rules_that_were_are_published_beside_those_that_are(store: Store, case: UUID) -> None:
    service = Service(store)
    announcement = service.states.announcement(ID)
    kept = service.states.case(case).definition
    assert list(announcement.definitions) == [
        Call.read(variant(ID, f)).digest for f in ("7900000.00", "8000000.00")
    ]
    assert kept != announcement.digest
    assert service.states.call(ID, kept).frame == 790_000_000
    assert "[[rules]]" in announcement.definitions[kept][CALL]


def test_l20_each_rule_is_data_that_says_where_it_comes_from_and_what_it_asks() -> None:
    assert len(call_2023().rules) >= 18
    for rule in call_2023().rules:
        assert rule.source.strip()
        assert rule.rule.startswith("R")
        assert Condition(rule.require).variables
        assert set(rule.when) <= set(call_2023().process.steps)
