"""Judged anew, an honest history stands as it is, and each wrong event is named at its place with what is wrong."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from conftest import ledger_keys
from gathered import changed, clean_year, gathered, numbered, planted, stamped, the
from given import Given, Step
from lived import lived
from steps import call_2023, drafted, started
from ways import first_way, second_way
from wrong_events import BROUGHT_IN, WRONG

from grantflow.app import App
from grantflow.definitions import definition_files
from grantflow.demo import Story, play, play_areas
from grantflow.domain.announcement import CallPublished, CallRevised
from grantflow.domain.application import CaseEvent
from grantflow.domain.authority import AuthorityDelegated
from grantflow.domain.call import CALL
from grantflow.domain.digest import digest_of
from grantflow.domain.drafting import ApplicationStarted, DocumentAttached, SectionEdited
from grantflow.domain.earlier import FirstLetterIssued
from grantflow.domain.errors import NotFound
from grantflow.domain.frame import Frame, FrameCommitted, fold_frame
from grantflow.domain.letters import LetterIssued
from grantflow.history import History, gather
from grantflow.rejudging import Lookups, Refusal, rejudge, rejudge_all, rejudge_streams
from grantflow.rooms import room

if TYPE_CHECKING:
    from collections.abc import Callable

    from walking import Way

    from grantflow.domain.event import Entry, Event
    from grantflow.store import Store

CALLS = room("workflows") / "calls"


def _says(pattern: str, what: str) -> bool:
    return re.search(pattern, what.replace("\N{NO-BREAK SPACE}", " ")) is not None


def judged(history: History, **how: Any) -> list[Refusal]:
    return list(rejudge_all(Lookups(history, **how)))


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_at_its_entry(name: str) -> None:
    wrong = WRONG[name]
    history = planted(clean_year(), wrong.change)
    of_kind = [entry for entry in history.entries if isinstance(entry.event, wrong.kind)]
    brought = [entry for entry in of_kind if entry.event.stamp.command == BROUGHT_IN]
    entry = brought[0] if brought else of_kind[wrong.nth]
    stream = [refusal for refusal in judged(history) if refusal.entry.originator_id == entry.originator_id]
    assert stream, judged(history)
    assert stream[0].entry == entry, stream[0]
    found = [refusal.what for refusal in stream if refusal.entry == entry]
    assert any(_says(wrong.what, what) for what in found), found


@pytest.mark.parametrize("name", WRONG)
def test_nothing_is_named_in_a_case_that_is_not_touched(name: str) -> None:
    history = planted(clean_year(), WRONG[name].change)
    if name != "other rules than their digest":
        assert list(rejudge(history.cases[-1].entries, Lookups(history))) == []


@pytest.mark.parametrize("kind", [AuthorityDelegated, FrameCommitted, SectionEdited])
def test_what_follows_on_an_entry_that_is_missing_is_named(kind: type[Event]) -> None:
    entries = clean_year().entries
    gone = the(entries, kind)
    left = [entry for entry in entries if entry is not gone]
    following = next(
        entry for entry in left if entry.id == f"{gone.originator_id}.{gone.originator_version + 1}"
    )
    named = [refusal for refusal in judged(gather(left)) if refusal.entry == following]
    assert any("does not follow" in refusal.what for refusal in named)


def test_an_honest_year_stands_as_it_is() -> None:
    assert judged(clean_year()) == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("through", [first_way, second_way])
def test_honest_lives_under_both_calls_stand_as_they_are(
    through: Callable[[], Way], server: str, template: str
) -> None:
    for life in lived(through(), server, template):
        assert list(rejudge_all(life.lookups)) == []
        _the_funds_tell_the_frame_at_every_position(life.history)


def _the_funds_tell_the_frame_at_every_position(history: History) -> None:
    lookups = Lookups(history)
    for call, entries in history.frames.items():
        for case in history.cases:
            for n, entry in enumerate(entries):
                frame = lookups.funds(call).before(entry.position, case.id)
                known = fold_frame(Frame(id=entry.originator_id), entries[:n])
                assert frame.commitments.get(case.id) == known.commitments.get(case.id)
                for area in ("", *known.areas):
                    assert frame.left_in(area) == known.left_in(area)


def _year(app: App) -> None:
    play(app, definition_files(CALLS / "imdi-2023-tillegg"), Story(40, seed=7))


def _areas(app: App) -> None:
    play_areas(app, definition_files(CALLS / "eksempel-2025-omrader"), Story(seed=7))


@pytest.mark.parametrize(("played", "least"), [(_year, 40), (_areas, 8)])
def test_the_demos_stand_as_they_are_judged_with_one_case_at_hand_at_a_time(
    store: Store, played: Callable[[App], None], least: int
) -> None:
    played(App.on(store, ledger_keys()))
    entries = store.read(0, 100_000)
    outside = gather(entry for entry in entries if not isinstance(entry.event, CaseEvent))

    def at(position: int) -> Entry | None:
        try:
            return store.entry(position)
        except NotFound:
            return None

    lookups = Lookups(outside, document=lambda digest: store.get_document(digest)[1], entry=at)
    assert list(rejudge_streams(lookups)) == []
    cases = {entry.originator_id for entry in entries if isinstance(entry.event, CaseEvent)}
    assert len(cases) >= least
    assert [refusal for case in cases for refusal in rejudge(store.load(case), lookups)] == []


def test_a_document_is_what_its_digest_says_or_it_is_named() -> None:
    document = b"%PDF-1.7\n%%EOF\n"
    attached = Step(
        "attach",
        {
            "filename": "plan.pdf",
            "media_type": "application/pdf",
            "content": base64.b64encode(document).decode(),
        },
    )
    history = gathered(call_2023(), Given(call_2023(), *drafted(), attached))
    assert judged(history, document=lambda _: document) == []
    other = judged(history, document=lambda _: document + b"\n")
    assert [type(refusal.entry.event) for refusal in other] == [DocumentAttached]
    assert "attachment.digest says" in other[0].what
    assert "is not at hand" in judged(history)[0].what


def test_an_entry_of_an_older_version_is_held_to_what_it_said_itself() -> None:
    """The first letters were their blocks: what is made of them today is not what a decision makes of them."""
    letter = the(clean_year().entries, LetterIssued).event
    assert isinstance(letter, LetterIssued)
    first = FirstLetterIssued(
        language=letter.language,
        blocks=letter.blocks,
        reservations=letter.reservations,
        signed_by=letter.signed_by,
        stamp=letter.stamp,
    )

    def stored_first(entries: list[Entry]) -> list[Entry]:
        entry = the(entries, LetterIssued)
        return [msgspec.structs.replace(e, event=first.upcast()) if e is entry else e for e in entries]

    history = planted(clean_year(), stored_first)
    entry = the(history.entries, LetterIssued)

    def topic(one: Entry) -> str:
        return FirstLetterIssued.topic if one == entry else one.event.topic

    assert [refusal.entry for refusal in judged(history)] == [entry]
    assert judged(history, topic=topic) == []
    signed = planted(history, changed(LetterIssued, signed_by="x"))
    entry = the(signed.entries, LetterIssued)
    assert ["signed_by says 'x'" in refusal.what for refusal in judged(signed, topic=topic)] == [True]


def test_a_case_begins_under_the_newest_definition_or_one_that_was_revised_in_that_instant() -> None:
    history = gathered(call_2023(), Given(call_2023(), started()))
    files = {**call_2023().files, CALL: call_2023().files[CALL] + "\n"}
    began = the(history.entries, ApplicationStarted)
    published = the(history.entries, CallPublished).event

    def revised(ahead: timedelta) -> History:
        assert isinstance(published, CallPublished)
        said = {name: getattr(published, name) for name in ("call", "names", "year", "frame_ore")}
        stamp = stamped(published, recorded_at=began.event.stamp.recorded_at - ahead, step="revise").stamp
        event = CallRevised(**said, digest=digest_of(files), files=files, grounds="Ny linje.", stamp=stamp)
        stream = the(history.entries, CallPublished).originator_id
        before = [entry for entry in history.entries if entry is not began]
        return gather(
            numbered([*before, msgspec.structs.replace(began, originator_id=stream, event=event), began])
        )

    assert judged(revised(timedelta())) == []
    refusals = judged(revised(timedelta(seconds=1)))
    assert [type(refusal.entry.event) for refusal in refusals] == [ApplicationStarted]
    assert "definition says" in refusals[0].what
