"""What is sent to subscribers: signed, in order, each event once to whoever behaves, and nobody waits for another."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from given import IMDI, OSLO_KOMMUNE, START
from hooked import Desk, desk_on, now, published
from receiver import Receiver, raw, says, signed_by, yes
from standardwebhooks import Webhook
from steps import drafted, submitted
from variants import publish

from grantflow import accesses, warming
from grantflow.cloud_events import cloud_event
from grantflow.domain.announcement import CallEvent
from grantflow.domain.call_file import CallFile, LettersFile
from grantflow.domain.errors import BadRequest, NotAllowed, NotFound
from grantflow.domain.notice_rules import NoticesFile
from grantflow.domain.process import ProcessFile
from grantflow.notifying import Notifier, tables
from grantflow.outcomes import KeyReused
from grantflow.turns import TurnEnded, heard_by
from grantflow.web import rights
from grantflow.webhooks import Asked, Subscriber, TargetRefused, fanning, subscriptions
from grantflow.webhooks.pace import AT_ONCE_TO_ONE
from grantflow.webhooks.subscriber import COLUMNS
from grantflow.webhooks.subscriptions import MOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from receiver import Behaviour, Got, Line

    from grantflow.store import Store


@pytest.fixture(scope="module")
def store(module_database_url: str) -> Iterator[Store]:
    with published(module_database_url) as store:
        yield store


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    with desk_on(store) as desk:
        yield desk


def test_all_that_happens_comes_once_in_order_signed_and_as_in_the_feed(desk: Desk) -> None:
    cases = desk.cases(5, *drafted())
    log = desk.store.read(desk.start, 1_000)
    with Receiver() as receiver:
        made = desk.subscribe(receiver.url)
        desk.until(lambda: len(receiver.got) >= len(log))
        assert desk.deliverer.settle()
    assert sorted(one.position for one in receiver.got) == [entry.position for entry in log]
    assert len({one.id for one in receiver.got}) == len(log)
    by_position = {entry.position: entry for entry in log}
    for got in receiver.got:
        assert got.body == msgspec.json.encode(cloud_event(by_position[got.position]))
        assert signed_by(made.secret, got)
        assert Webhook(made.secret).verify(got.body, got.headers) == got.event
        assert got.path == "/hook?from=grantflow"
        assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    for case in cases:
        versions = [one.event["data"]["version"] for one in receiver.of(case)]
        assert versions == list(range(1, len(drafted()) + 1))
    told = desk.show(made.id)
    assert (told.delivered, told.waiting, told.dead, told.secret) == (len(log), 0, 0, "********")


def test_one_that_fails_gets_the_same_id_again_and_each_event_once_when_it_works(desk: Desk) -> None:
    (case,) = desk.cases(1, *drafted())
    with Receiver(says(500)) as receiver:
        made = desk.subscribe(receiver.url, types=["section-edited", "application-started"])
        desk.until(lambda: desk.show(made.id).failures >= 2, hours=1)
        assert desk.deliverer.settle()
        failed = list(receiver.got)
        told = desk.show(made.id)
        assert (told.last_status, told.last_reason, told.state) == (500, "answered 500", "active")
        receiver.behave = yes
        desk.until(lambda: desk.show(made.id).waiting == 0, hours=2)
        assert desk.deliverer.settle()
    assert len({one.id for one in failed}) == 1, "nothing of the case overtakes what has failed"
    came = receiver.got[len(failed) :]
    assert came[0].id == failed[0].id
    assert len(came) == len({one.id for one in came}) == len(drafted())
    assert [one.position for one in came] == sorted(one.position for one in came)
    assert {one.case for one in came} == {str(case)}
    assert desk.show(made.id).failures == 0


def test_a_case_that_fails_holds_up_no_other_and_keeps_its_order(desk: Desk) -> None:
    cases = desk.cases(3, *drafted())
    ill = str(cases[1])

    def moody(got: Got, line: Line) -> None:
        line.status(500 if got.case == ill else 204)

    with Receiver(moody) as receiver:
        made = desk.subscribe(receiver.url)
        others = len(drafted()) * 2
        desk.until(lambda: desk.show(made.id).delivered >= others)
        assert {one.position for one in receiver.of(ill)} == {receiver.of(ill)[0].position}
        receiver.behave = yes
        desk.until(lambda: desk.show(made.id).waiting == 0, minutes=5)
    versions = [one.event["data"]["version"] for one in receiver.of(ill)]
    assert versions == sorted(versions)
    assert set(versions) == set(range(1, len(drafted()) + 1))
    for case in (cases[0], cases[2]):
        assert [one.event["data"]["version"] for one in receiver.of(case)] == list(
            range(1, len(drafted()) + 1)
        )


@pytest.mark.parametrize(("ill_case", "turns"), [(says(500), (1, 2)), (raw(), (1, 61, 62))])
def test_a_case_that_has_failed_for_long_does_not_stand_in_the_way_of_what_happens_later(
    desk: Desk, ill_case: Behaviour, turns: tuple[int, ...]
) -> None:
    """Nothing else happened meanwhile that would have shown that the receiver works. Silence makes wait a minute."""
    (ill,) = desk.cases(1, *drafted()[:1])

    def moody(got: Got, line: Line) -> None:
        (ill_case if got.case == str(ill) else yes)(got, line)

    with Receiver(moody) as receiver:
        made = desk.subscribe(receiver.url)
        for hours in range(8):
            desk.turn(now() + timedelta(hours=hours * 2))
        assert desk.show(made.id).failures == 8
        (later,) = desk.cases(1, *drafted()[:2])
        for seconds in turns:
            desk.turn(now() + timedelta(hours=14, seconds=seconds))
        assert [one.event["data"]["version"] for one in receiver.of(later)] == [1, 2]
    assert desk.show(made.id).state == "active"


def test_what_was_never_tried_comes_before_what_has_failed(desk: Desk) -> None:
    """Or else a case that asks for rest each time would keep the others from ever being tried."""
    (ill,) = desk.cases(1, *drafted()[:1])

    def moody(got: Got, line: Line) -> None:
        (says(503, "Retry-After: 120") if got.case == str(ill) else yes)(got, line)

    with Receiver(moody) as receiver:
        made = desk.subscribe(receiver.url)
        desk.turn(now())
        (later,) = desk.cases(1, *drafted()[:1])
        desk.turn(now() + timedelta(seconds=130))
        assert [one.case for one in receiver.got][:2] == [str(ill), str(later)]
    assert desk.show(made.id).delivered == 1


def test_some_cases_of_one_subscriber_go_at_a_time_and_not_all(desk: Desk) -> None:
    desk.cases(3 * AT_ONCE_TO_ONE, *drafted()[:1])
    under_way, most = 0, 0
    gate = threading.Lock()

    def counting(_: Got, line: Line) -> None:
        nonlocal under_way, most
        with gate:
            under_way += 1
            most = max(most, under_way)
        line.wait(0.3)
        with gate:
            under_way -= 1
        line.status(200)

    with Receiver(counting) as receiver:
        made = desk.subscribe(receiver.url)
        desk.until(lambda: desk.show(made.id).waiting == 0 and desk.show(made.id).delivered > 0)
    assert 1 < most <= AT_ONCE_TO_ONE


def test_the_id_is_the_subscribers_own(desk: Desk) -> None:
    with Receiver() as one, Receiver() as other:
        desk.subscribe(one.url)
        desk.subscribe(other.url)
        desk.cases(1, *drafted()[:2])
        desk.until(lambda: len(one.got) == len(other.got) == 2)
    assert not {got.id for got in one.got} & {got.id for got in other.got}
    assert all(got.id.startswith("msg_") and "." not in got.id for got in one.got)


def test_while_the_secret_is_changed_both_sign_and_after_a_day_only_the_new(desk: Desk) -> None:
    with Receiver() as receiver:
        made = desk.subscribe(receiver.url)
        rotated = desk.hooks.rotate(made.id, desk.owner(), now(), "k")
        assert rotated.secret.startswith("whsec_")
        assert rotated.secret != made.secret
        assert desk.hooks.rotate(made.id, desk.owner(), now(), "k").secret == rotated.secret, "the same key"
        desk.cases(1, *drafted()[:1])
        desk.until(lambda: len(receiver.got) == 1)
        desk.cases(1, *drafted()[:1])
        assert desk.deliverer.settle()
        desk.turn(now() + timedelta(hours=24, seconds=1))
        during, after = receiver.got
    assert signed_by(made.secret, during)
    assert signed_by(rotated.secret, during)
    assert Webhook(made.secret).verify(during.body, during.headers)
    assert not signed_by(made.secret, after)
    assert signed_by(rotated.secret, after)


def test_only_the_kinds_and_the_call_that_were_asked_for_come(desk: Desk) -> None:
    publish(desk.service, "annet", "1000000.00")
    desk.cases(2, *drafted())
    with Receiver() as by_kind, Receiver() as by_call, Receiver() as by_both:
        desk.subscribe(by_kind.url, types=["application-started", "call-published"], after=0)
        other = desk.subscribe(by_call.url, call="annet", after=0)
        desk.subscribe(by_both.url, call="imdi-2023-tillegg", types=["application-started"])
        desk.until(lambda: len(by_kind.got) >= 4 and len(by_call.got) == 2 and len(by_both.got) == 2)
        desk.turn(now())
    assert {one.event["type"] for one in by_kind.got} == {
        "grantflow.application-started.v2",
        "grantflow.call-published.v1",
    }
    assert {one.event["data"]["facts"]["call"] for one in by_call.got} == {"annet"}
    assert other.call == "annet"
    assert {one.event["type"] for one in by_both.got} == {"grantflow.application-started.v2"}


def test_paused_nothing_comes_and_resumed_all_of_it_does(desk: Desk) -> None:
    with Receiver() as receiver:
        made = desk.subscribe(receiver.url)
        paused = desk.hooks.pause(made.id, desk.owner(), now())
        assert (paused.state, paused.reason) == ("paused", "paused by arkiv")
        desk.cases(1, *drafted())
        assert desk.turn(now()) is None
        assert not receiver.got
        assert desk.show(made.id).waiting == 0, "what nobody wants yet stays in the log"
        assert desk.hooks.resume(made.id, desk.owner(), now()).state == "active"
        desk.until(lambda: len(receiver.got) == len(drafted()))
    assert [one.position for one in receiver.got] == sorted(one.position for one in receiver.got)


def test_gone_pauses_at_once_and_its_owner_is_told(desk: Desk) -> None:
    with Receiver(says(410)) as receiver:
        made = desk.subscribe(receiver.url, types=["application-started"])
        desk.cases(1, *drafted()[:2])
        desk.until(lambda: desk.show(made.id).state == "paused")
        assert desk.deliverer.settle()
        desk.turn(now() + timedelta(days=1))
        assert len(receiver.got) == 1
        assert desk.show(made.id).reason == "it answered 410 Gone"
        assert desk.told == ["it answered 410 Gone"]
        receiver.behave = yes
        desk.hooks.resume(made.id, desk.owner(), now())
        desk.until(lambda: desk.show(made.id).delivered == 1)
    assert receiver.got[0].id == receiver.got[1].id


@pytest.mark.parametrize("status", [429, 503])
def test_who_asks_for_rest_gets_it_and_no_more_than_an_hour(desk: Desk, status: int) -> None:
    at = now()
    with Receiver(says(status, "Retry-After: 900")) as receiver:
        made = desk.subscribe(receiver.url)
        desk.cases(2, *drafted()[:1])
        desk.turn(at)
        rested = desk.rows("SELECT rests_until FROM webhook_subscribers")[0][0]
        assert timedelta(seconds=899) < rested - at < timedelta(seconds=902)
        before = len(receiver.got)
        receiver.behave = yes
        upcoming = desk.turn(at + timedelta(seconds=890))
        assert upcoming is not None
        assert upcoming >= rested
        assert len(receiver.got) == before, "no case of it is tried meanwhile"
        desk.until(lambda: desk.show(made.id).waiting == 0, seconds=5, minutes=16)
    with Receiver(says(status, "Retry-After: 99999999")) as receiver:
        desk.subscribe(receiver.url)
        desk.turn(at)
        (rested,) = desk.rows("SELECT max(rests_until) FROM webhook_subscribers")[0]
        assert timedelta(minutes=59) < rested - at < timedelta(minutes=61)


def test_what_is_refused_for_three_days_is_dead_and_comes_back_in_order_when_it_is_redriven(
    desk: Desk,
) -> None:
    ill, well = (str(case) for case in desk.cases(2, *drafted()[:3]))

    def moody(got: Got, line: Line) -> None:
        line.status(422 if got.case == ill else 200)

    at = now()
    with Receiver(moody) as receiver:
        made = desk.subscribe(receiver.url)
        for _ in range(200):
            at += timedelta(minutes=61)
            if at - now() > timedelta(hours=70):
                break
            desk.cases(1, *drafted()[:1])
            desk.turn(at)
        assert desk.show(made.id).dead == 0, "not before three days are over"
        at += timedelta(hours=3)
        for _ in range(3):
            desk.turn(at)
        told = desk.show(made.id)
        assert (told.dead, told.state) == (1, "active"), "others come through, so the subscriber is not ill"
        first = receiver.of(ill)[0]
        attempts = [one for one in receiver.of(ill) if one.id == first.id]
        assert len(attempts) > 40
        assert {one.position for one in receiver.of(ill)} > {first.position}, "the next one is tried"
        receiver.behave = yes
        assert desk.hooks.redrive(made.id, desk.owner(), at).redriven == 1
        count = len(receiver.of(ill))
        for _ in range(3):
            desk.turn(at + timedelta(hours=2))
    came = [one.position for one in receiver.of(ill)[count:]]
    assert came == sorted(came)
    assert came[0] == first.position
    assert len(came) == 3
    assert desk.show(made.id).dead == desk.show(made.id).waiting == 0
    assert len(receiver.of(well)) == 3


def test_one_that_fails_for_two_days_is_paused_and_nothing_is_lost(desk: Desk) -> None:
    desk.cases(2, *drafted()[:2])
    at = now()
    with Receiver(says(502)) as receiver:
        made = desk.subscribe(receiver.url)
        for _ in range(47):
            desk.turn(at)
            at += timedelta(hours=1, minutes=13)
            if desk.show(made.id).state == "paused":
                break
        told = desk.show(made.id)
        assert (told.state, told.dead) == ("paused", 0)
        assert timedelta(hours=47) < told.since - now() < timedelta(hours=51)
        assert told.reason == "nothing has come through for 2 days: answered 502"
        assert desk.told == [told.reason]
        receiver.behave = yes
        desk.hooks.resume(made.id, desk.owner(), at)
        desk.turn(at)
        assert desk.show(made.id).waiting == 0


def test_who_may_no_longer_see_a_case_gets_nothing_that_waited_of_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver(says(500)) as receiver:
        made = desk.subscribe(receiver.url, types=["application-started"])
        desk.cases(1, *drafted()[:1])
        desk.turn(now())
        monkeypatch.setattr(fanning, "may_follow", lambda *_, **__: False)
        receiver.behave = yes
        desk.turn(now() + timedelta(hours=1))
    told = desk.show(made.id)
    assert (len(receiver.got), told.dead) == (1, 1)
    assert told.last_reason == "not to be seen by its owner any more"


def test_what_is_sent_of_a_case_is_in_the_access_log_before_it_is_sent(desk: Desk) -> None:
    known: list[int] = []

    def looking(_: Got, line: Line) -> None:
        known.append(len(accesses.read(desk.store, cases=[case])))
        line.status(200)

    (case,) = desk.cases(1, *drafted()[:2])
    with Receiver(looking) as receiver:
        desk.subscribe(receiver.url, types=["application-started", "section-edited"])
        desk.until(lambda: len(receiver.got) == 2)
    assert known == [1, 2]
    one = accesses.read(desk.store, cases=[case])[0]
    assert (one.case, one.organisation, one.person, one.what) == (case, IMDI, "arkiv", "webhook")


def test_no_more_is_put_for_one_who_lets_much_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanning, "MOST_WAITING", 10)
    monkeypatch.setattr(fanning, "BATCH", 5)
    desk.cases(6, *drafted()[:5])
    with Receiver(says(500)) as receiver, Receiver() as other:
        made = desk.subscribe(receiver.url)
        desk.subscribe(other.url)
        desk.until(lambda: len(other.got) == 30)
        assert 10 <= desk.show(made.id).waiting <= 15
        receiver.behave = yes
        desk.until(lambda: desk.show(made.id).delivered == 30, minutes=10)
    assert desk.show(made.id).position == desk.start + 30


def test_nobody_waits_for_one_who_is_far_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanning, "BATCH", 5)
    desk.cases(6, *drafted()[:5])
    url, last = "http://127.0.0.1:9/hook", desk.store.last_position()
    far = desk.subscribe(url)
    middle, near = desk.subscribe(url, after=last - 11), desk.subscribe(url, after=last - 1)
    fan = fanning.Fan(desk.store, desk.service.states)
    assert fan.out(now())
    assert [desk.show(one.id).waiting for one in (far, middle, near)] == [5, 5, 1]
    while fan.out(now()):
        pass
    assert [desk.show(one.id).waiting for one in (far, middle, near)] == [30, 11, 1]


def test_a_turn_that_is_over_looks_no_further(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanning, "BATCH", 5)
    desk.cases(2, *drafted()[:5])
    far = desk.subscribe("http://127.0.0.1:9/hook")
    near = desk.subscribe("http://127.0.0.1:9/hook", after=desk.store.last_position() - 1)
    heard = iter([False, True])

    def listener() -> None:
        if next(heard):
            raise TurnEnded

    with pytest.raises(TurnEnded), heard_by(listener):
        fanning.Fan(desk.store, desk.service.states).out(now())
    assert [desk.show(one.id).waiting for one in (far, near)] == [5, 0]


def test_whether_somebody_is_behind_a_call_is_asked_once_a_stretch_and_only_where_it_matters(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("hvem-1", "hvem-2", "hvem-3"):
        publish(desk.service, name, "1000000.00")
    desk.cases(2, *submitted())
    Notifier(desk.service).turn(START + timedelta(days=1))
    about_calls = [one for one in desk.store.read(desk.start, 1_000) if isinstance(one.event, CallEvent)]
    asked: list[str] = []
    real = fanning.Fan._is_behind_a_call

    def counted(fan: fanning.Fan, organisation: str) -> bool:
        asked.append(organisation)
        return real(fan, organisation)

    monkeypatch.setattr(fanning.Fan, "_is_behind_a_call", counted)
    url = "http://127.0.0.1:9/hook"
    own = [desk.subscribe(url), desk.subscribe(url)]
    strange = desk.subscribe(url, OSLO_KOMMUNE, types=["call-published"])
    fanning.Fan(desk.store, desk.service.states).out(now())
    assert sorted(asked) == sorted([IMDI, OSLO_KOMMUNE])
    assert all(desk.show(one.id).waiting > len(about_calls) >= 3 for one in own)
    assert desk.show(strange.id).waiting == 0
    asked.clear()
    told = [desk.subscribe(url, one, types=["notice-made"]) for one in (IMDI, OSLO_KOMMUNE)]
    fanning.Fan(desk.store, desk.service.states).out(now())
    assert desk.show(told[0].id).waiting >= 4
    assert (desk.show(told[1].id).waiting, asked) == (0, [])


def test_one_who_asks_for_a_call_gets_what_was_told_in_its_cases_and_of_no_other(desk: Desk) -> None:
    publish(desk.service, "et-annet", "1000000.00")
    desk.cases(1, *submitted())
    Notifier(desk.service).turn(START + timedelta(days=1))
    url, kinds = "http://127.0.0.1:9/hook", ["notice-made"]
    of_it = desk.subscribe(url, call="imdi-2023-tillegg", types=kinds)
    of_another = desk.subscribe(url, call="et-annet", types=kinds)
    fanning.Fan(desk.store, desk.service.states).out(now())
    assert desk.show(of_it.id).waiting >= 2
    assert desk.show(of_another.id).waiting == 0


def test_the_database_knows_each_lock_by_a_number_of_its_own_and_the_roles_stand_once() -> None:
    assert tables.LOCK != subscriptions._LOCK
    page = (Path(__file__).parent.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    locks = page[page.index("advisory ones:") :].partition("\n\n")[0]
    assert {str(tables.LOCK), str(subscriptions._LOCK)} <= set(locks.split())
    assert set(rights.RIGHTS["subscribe"].who) == set(subscriptions.ROLES)
    assert vars(rights)["SUBSCRIBERS"] is subscriptions.ROLES


def test_what_a_call_is_read_as_is_made_ready_before_there_are_threads() -> None:
    files = {CallFile, LettersFile, NoticesFile, ProcessFile}
    assert files <= warming._warm, "the store that this module stands on has seen to it"


def test_what_was_delivered_long_ago_is_forgotten(desk: Desk) -> None:
    with Receiver() as receiver:
        made = desk.subscribe(receiver.url)
        desk.cases(1, *drafted()[:2])
        desk.until(lambda: desk.show(made.id).delivered == 2)
        desk.turn(now() + timedelta(days=29))
        assert desk.show(made.id).delivered == 2
        desk.turn(now() + timedelta(days=31))
        assert desk.show(made.id).delivered == 0
        assert len(receiver.got) == 2


def test_no_secret_is_told_twice_or_logged(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    with Receiver(says(500)) as receiver:
        made = desk.subscribe(receiver.url)
        desk.cases(1, *drafted()[:1])
        new = desk.hooks.rotate(made.id, desk.owner(), now()).secret
        desk.turn(now())
        shown = [desk.show(made.id), *desk.hooks.list(""), desk.hooks.pause(made.id, desk.owner(), now())]
    (held,) = desk.rows(f"SELECT {COLUMNS} FROM webhook_subscribers")  # noqa: S608 - the columns are ours
    said = "".join(capsys.readouterr()) + repr(shown) + repr(Subscriber.of(held)) + str(Subscriber.of(held))
    assert made.secret.startswith("whsec_")
    for secret in (made.secret, new):
        assert secret in held
        assert secret not in said


def test_the_same_key_and_asking_give_the_same_answer_and_another_is_refused(desk: Desk) -> None:
    asked = Asked("http://127.0.0.1:9/hook")
    first = desk.hooks.add(asked, desk.owner(), now(), "k-1")
    assert desk.hooks.add(asked, desk.owner(), now(), "k-1") == first
    with pytest.raises(KeyReused):
        desk.hooks.add(Asked("http://127.0.0.1:9/other"), desk.owner(), now(), "k-1")
    assert len(desk.hooks.list(IMDI)) == 1


def test_what_can_not_be_subscribed_to_is_refused(desk: Desk) -> None:
    url = "http://127.0.0.1:9/hook"
    refused = [
        (Asked(url, types=["call-burnt"]), BadRequest),
        (Asked(url, call="no-such"), NotFound),
        (Asked(url, after=10_000), BadRequest),
        (Asked("ftp://127.0.0.1/"), TargetRefused),
    ]
    for asked, kind in refused:
        with pytest.raises(kind):
            desk.hooks.add(asked, desk.owner(), now())
    with pytest.raises(NotAllowed):
        desk.hooks.add(Asked(url), desk.owner(role="director"), now())
    for _ in range(MOST):
        desk.hooks.add(Asked(url), desk.owner(), now())
    with pytest.raises(NotAllowed):
        desk.hooks.add(Asked(url), desk.owner(), now())


def test_of_another_organisation_there_is_no_subscriber_and_a_removed_one_is_forgotten(desk: Desk) -> None:
    with Receiver(says(500)) as receiver:
        made = desk.subscribe(receiver.url)
        desk.cases(1, *drafted()[:2])
        desk.turn(now())
        stranger = desk.owner(OSLO_KOMMUNE)
        for refused in (
            desk.hooks.pause,
            desk.hooks.resume,
            desk.hooks.rotate,
            desk.hooks.redrive,
            desk.hooks.remove,
        ):
            with pytest.raises(NotFound):
                refused(made.id, stranger, now())
        with pytest.raises(NotFound):
            desk.hooks.show(made.id, OSLO_KOMMUNE)
        assert desk.hooks.list(OSLO_KOMMUNE) == []
        assert desk.hooks.remove(made.id, desk.owner(), now()).waiting == 2
        desk.turn(now() + timedelta(hours=5))
    assert desk.hooks.list("") == []
    assert desk.rows("SELECT FROM webhook_deliveries") == []
