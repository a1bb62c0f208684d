"""Kept, archived, and free of what must not be kept: retention, numbers, pseudonyms, head-counts (L17, L18)."""

import hashlib
import json
from base64 import b64encode
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from given import CASE, IMDI, START, Given, Step, authority, delegated
from noted import append
from steps import (
    ACCOUNT,
    assessed,
    call_2023,
    declared,
    drafted,
    edited,
    grant,
    granted,
    letter,
    reject,
    started,
    state_aid,
    submitted,
)
from variants import prepared, publish

from grantflow.domain.announcement import CallPublished
from grantflow.domain.application import fold
from grantflow.domain.authority import AuthorityDelegated, AuthorityRevoked, fold_authorities
from grantflow.domain.call import Call
from grantflow.domain.call_file import APPLICATION_FORM, REPORT_FORM
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.deciding import command_from
from grantflow.domain.errors import BadRequest, IdentityNumber, Refused
from grantflow.domain.event import Entry
from grantflow.domain.identity_numbers import holds_one
from grantflow.domain.payment import AccountRegistered
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Service
from grantflow.store import Store

MADE_UP, D_NUMBER = "01819050062", "41819050056"
"""Identity numbers as Skatteetaten and NAV make them up for tests: nobody's."""
PDF = b"%PDF-1.7 vedlegg"
ATTACH = Step(
    "attach",
    {"filename": "plan.pdf", "media_type": "application/pdf", "content": b64encode(PDF).decode()},
)


def circumstances(**changes: Any) -> Circumstances:
    who: dict[str, Any] = {"person": "imdi-7", "organisation": IMDI, "role": "case-officer"}
    return Circumstances(at=START, channel="test", command="c", **(who | changes))


def rows(store: Store, query: str) -> list[dict[str, Any]]:
    projector = Projector(store, projections())
    projector.catch_up()
    return list(projector.rows(query))


def test_l17_the_call_says_how_many_years_bookings_and_delegations_are_kept_and_by_which_rule() -> None:
    retention = call_2023().declared.retention
    assert (retention.bookings_years, retention.delegations_years) == (10, 3.5)
    assert "4.4.10" in retention.source


@pytest.mark.parametrize(
    ("history", "end"),
    [
        ((*drafted(), ATTACH), Step("withdraw", {"reason": "Ikke aktuelt."})),
        (submitted(), Step("withdraw", {"reason": "Ikke aktuelt."})),
        ((*assessed(), declared("decider")), reject()),
        ((*drafted(), ATTACH), Step("detach", {"digest": hashlib.sha256(PDF).hexdigest()})),
    ],
    ids=["withdrawn draft", "withdrawn application", "rejected", "document taken out"],
)
def test_l17_what_ends_or_is_taken_out_stays_in_the_history(history: tuple[Step, ...], end: Step) -> None:
    given = Given(call_2023(), *history)
    before = list(given.events)
    content = given.case.content
    assert given.when(end).refusal is None
    assert given.events[: len(before)] == before
    assert given.case.content == content


def test_l17_a_documents_bytes_are_kept_when_it_is_taken_out(store: Store) -> None:
    command = command_from("attach", ATTACH.data)
    for digest, media_type, content in command.documents():
        store.put_document(digest, media_type, content)
    detached = Step("detach", {"digest": hashlib.sha256(PDF).hexdigest()})
    given = Given(call_2023(), *drafted(), ATTACH, detached)
    assert given.case.attachments == ()
    assert store.get_document(detached.data["digest"]) == ("application/pdf", PDF)


def test_l17_a_delegation_that_is_revoked_stays_with_when_that_was() -> None:
    stamp = Given(call_2023(), started()).events[0].stamp
    held = authority(call_2023(), "IMDi-2023-030", "budget", "imdi-7", valid_to=date(2023, 12, 31))
    entries = [
        Entry(CASE, 1, AuthorityDelegated(delegation=held, stamp=stamp)),
        Entry(CASE, 2, AuthorityRevoked(reference="IMDi-2023-030", reason="Sluttet.", stamp=stamp)),
    ]
    known = fold_authorities(delegated(call_2023()).but(delegations={}), entries)
    assert known.delegations["IMDi-2023-030"].revoked_at == stamp.recorded_at
    assert known.delegations["IMDi-2023-030"].person == "imdi-7"


def test_l17_the_program_of_a_case_is_kept_with_it_as_the_whole_definition_it_is_decided_by(
    store: Store,
) -> None:
    call = publish(Service(store), "l17", "7900000.00")
    published = next(e.event for e in store.read(0, 10) if isinstance(e.event, CallPublished))
    assert published.files == call.files
    assert published.digest == call.digest == Call.read(published.files).digest


def test_l18_each_case_has_a_number_people_can_read_a_title_a_party_and_its_dates(store: Store) -> None:
    call = publish(Service(store), "l18", "7900000.00")
    prepared(store, call, 3, *submitted())
    found = rows(
        store, "SELECT number, title, applicant, applicant_name, started_at FROM case_list ORDER BY number"
    )
    assert [row["number"] for row in found] == ["l18-0001", "l18-0002", "l18-0003"]
    assert {(row["title"], row["applicant_name"], row["applicant"]) for row in found} == {
        ("Rett i jobb", "Oslo", "958935420")
    }
    first = Given(call, started()).events[0].stamp.recorded_at
    assert {row["started_at"] for row in found} == {first}


@pytest.mark.parametrize(
    "step",
    [
        edited("project", title=f"Rett i jobb for {MADE_UP}"),
        edited("project", references=[{"title": "A", "year": 2021, "results": f"{MADE_UP} fikk jobb."}]),
        Step("attach", {**ATTACH.data, "filename": f"{MADE_UP}.pdf"}),
        Step("withdraw", {"reason": MADE_UP}),
        Step("supply", {"request": 1, "answer": f"Det gjelder {MADE_UP[:6]} {MADE_UP[6:]}."}),
        declared(conflict=True).saying(reason=f"Er søsken med {D_NUMBER}."),
        state_aid().saying(grounds=MADE_UP),
        grant().saying(grounds={"rule": "r", "facts": MADE_UP, "considerations": "c"}),
        letter().saying(blocks={"purpose": f"Til {MADE_UP}."}),
        Step("register-complaint", {"text": f"Hilsen {MADE_UP[:6]}-{MADE_UP[6:]}"}),
        Step("assign", {"case_officer": MADE_UP}, role="case-officer"),
        Step("correct", {"entry": 1, "field": "text", "value": MADE_UP, "reason": "r"}, role="case-officer"),
        Step("a-declared-step", {"free": {"text": [MADE_UP]}}),
    ],
    ids=lambda step: step.name,
)
def test_l18_a_text_with_an_identity_number_is_refused_at_every_step_and_the_number_is_not_repeated(
    step: Step,
) -> None:
    refusal = Given(call_2023(), *drafted()).when(step).refused(IdentityNumber)
    assert refusal.failures[0].path
    for digits in (MADE_UP, MADE_UP[6:], D_NUMBER):
        assert digits not in refusal.detail + str(refusal.failures)


@pytest.mark.parametrize(
    "text",
    ["01819050063", "1819050062", "018190500620", "00019050062", "Ring 22 82 50 62", "BANK-01819050062X"],
)
def test_l18_what_only_looks_like_an_identity_number_is_none(text: str) -> None:
    assert not holds_one(text)
    Given(call_2023(), *drafted()).and_then(edited("project", title=text))


def test_l18_an_account_number_is_taken_as_one_though_it_could_be_a_persons() -> None:
    given = Given(call_2023(), *submitted(), declared())
    step = Step("register-account", {"account": ACCOUNT}, role="case-officer")
    given.when(step.saying(account=MADE_UP)).then(AccountRegistered)


@pytest.mark.parametrize("person", [MADE_UP, D_NUMBER, f"{MADE_UP[:6]} {MADE_UP[6:]}", f"idporten:{MADE_UP}"])
def test_l18_whoever_acts_is_known_by_a_pseudonym_and_never_by_an_identity_number(person: str) -> None:
    assert circumstances(person="0301-rådgiver-7").person == "0301-rådgiver-7"
    with pytest.raises(Refused):
        circumstances(person=person)


@pytest.mark.parametrize("person", ["", "x" * 201, "linje\nskift"])
def test_l18_whoever_acts_is_named_in_a_way_that_can_be_archived(person: str) -> None:
    with pytest.raises(BadRequest):
        circumstances(person=person)


@pytest.mark.parametrize("form", [APPLICATION_FORM, REPORT_FORM])
def test_l18_participants_are_head_counts_and_no_form_asks_who_they_are(form: str) -> None:
    schema = json.loads(call_2023().files[form])
    asked = dict(_leaves(schema))
    assert not [
        path
        for path in asked
        if path.rpartition(".")[2] in ("name", "names", "navn", "email", "phone", "ssn")
    ]
    counts = [kind for path, kind in asked.items() if "participants" in path or "target_groups." in path]
    assert counts
    assert set(counts) == {"integer"}


def _leaves(root: Any, node: Any = None, path: str = "") -> list[tuple[str, str]]:
    """Each field of a form that is filled in, with what kind of value it takes."""
    here = root if node is None else node
    here = root["$defs"][here["$ref"].rpartition("/")[2]] | here if "$ref" in here else here
    if "properties" in here:
        return [
            one
            for name, inner in here["properties"].items()
            for one in _leaves(root, inner, f"{path}.{name}")
        ]
    if "items" in here:
        return _leaves(root, here["items"], path)
    return [(path, str(here.get("type", "enum")))]


def test_l18_who_decided_and_signed_stays_under_the_same_pseudonym_through_the_whole_case() -> None:
    given = Given(call_2023(), *granted(), letter())
    entries = [
        Entry(CASE, n, event)
        for n, event in enumerate((e for e in given.events if e.stream == "case"), start=1)
    ]
    case = fold(CASE, entries)
    assert case.decision is not None
    assert case.approval is not None
    assert case.decision.person == case.acts["grant"][0] == case.acts["issue-letter"][0] == "imdi-decider"
    assert case.approval.person == case.acts["approve"][0] == "kommune-director"


def test_l18_what_was_archived_has_its_registration_time_in_the_log(store: Store) -> None:
    given = Given(call_2023(), *drafted())
    case = uuid4()
    entries = tuple(Entry(case, n, event) for n, event in enumerate(given.events, start=1))
    store.append(append(*entries)).result()
    trail = rows(store, "SELECT event, recorded_at, person FROM audit_trail ORDER BY position")
    assert [row["event"] for row in trail] == [entry.id for entry in entries]
    assert [row["recorded_at"] for row in trail] == [event.stamp.recorded_at for event in given.events]
