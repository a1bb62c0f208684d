"""A notice from the call's rule to a real mail server and back into history, whatever the server does."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import told
from given import IMDI, START, STAVANGER
from mail_server import PASSWORD, USER, mail_server
from steps import AFTER_DEADLINE, submitted
from told import SENDER, Town, by_officer, faults_of, keys

from grantflow.domain.notice import NoticeFailed, NoticeMade, NoticeSent
from grantflow.notifying import smtp
from grantflow.notifying.sending import AT_ONCE, GIVE_UP
from grantflow.smtp_address import SmtpServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from mail_server import MailServer

    from grantflow.domain.notice import Notice
    from grantflow.store import Store

NOW = START + timedelta(days=1)
POST = "integrering@oslo.example.no"


@pytest.fixture
def post(tmp_path: Path) -> Iterator[MailServer]:
    """Give a mail server that takes what is sent."""
    with mail_server(tmp_path / "mail") as server:
        yield server


@pytest.fixture
def town(store: Store) -> Town:
    """Give a store with the call in it."""
    return Town(store)


def mailed(town: Town, case: UUID) -> Notice:
    """The one mail of a case."""
    (notice,) = [one for one in town.notices(case) if one.made.channel == "email"]
    return notice


def test_a_receipt_goes_from_the_rule_to_the_mailbox_and_into_history(town: Town, post: MailServer) -> None:
    case = town.case(*submitted())
    version = town.service.states.case(case).version
    town.mailbox(POST)
    town.notifier(post).turn(NOW)
    made, waiting, sent = town.events(case)
    assert isinstance(made, NoticeMade)
    assert isinstance(waiting, NoticeMade)
    assert isinstance(sent, NoticeSent)
    assert keys(town.notices(case)) == [("receipt", "applicant", "portal"), ("receipt", "applicant", "email")]
    (mail,) = post.mails()
    assert (mail["X-Rcpt"], mail["To"], mail["From"]) == (POST, POST, SENDER)
    assert mail["Subject"] == waiting.subject == "Søknaden er mottatt: Rett i jobb"
    assert mail.get_content().replace("\r\n", "\n") == waiting.text
    assert mail["Message-ID"] == sent.message == f"<{waiting.notice}.1@imdi.example.no>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert (sent.address, sent.answer, sent.attempt) == (POST, "250 2.0.0 OK queued as 0000", 1)
    assert town.service.states.case(case).version == version, "telling of a case does not change it"
    assert faults_of(town.store) == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_mail_goes_by_tls_and_with_a_password(town: Town, tmp_path: Path, tls: str) -> None:
    case = town.case(*submitted())
    town.mailbox(POST)
    with mail_server(tmp_path / tls, tls=tls, auth=True) as server:
        town.notifier(server).turn(NOW)
        assert [mail["To"] for mail in server.mails()] == [POST]
    assert mailed(town, case).sent_at == NOW


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda url: url.replace("hemmelig", "feil"), "does not take our user and password"),
        (lambda url: url.partition("&ca=")[0], "certificate verify failed"),
    ],
)
def test_no_mail_goes_to_a_server_that_is_not_the_one_or_does_not_know_us(
    town: Town, tmp_path: Path, spoil: object, reason: str
) -> None:
    assert callable(spoil)
    case = town.case(*submitted())
    town.mailbox(POST)
    with mail_server(tmp_path / "mail", tls="starttls", auth=True) as server:
        town.notifier(spoil(server.url)).turn(NOW)
        assert server.mails() == []
    failed = town.events(case)[-1]
    assert isinstance(failed, NoticeFailed)
    assert reason in failed.reason
    assert not failed.final
    for secret in (PASSWORD, "hemmelig", "feil:", USER + ":"):
        assert secret not in failed.reason


def test_a_server_without_tls_gets_no_mail_where_tls_is_asked_for(town: Town, post: MailServer) -> None:
    case = town.case(*submitted())
    town.mailbox(POST)
    town.notifier(post.url + "?starttls=required").turn(NOW)
    assert post.mails() == []
    assert "STARTTLS extension not supported" in str(getattr(town.events(case)[-1], "reason", ""))


def test_what_is_put_off_is_tried_again_later_and_later_until_it_is_taken(
    town: Town, post: MailServer
) -> None:
    case = town.case(*submitted())
    town.mailbox("later@oslo.example.no")
    notifier, at, waited = town.notifier(post), NOW, []
    upcoming = notifier.turn(at)
    while mailed(town, case).waits:
        assert upcoming is not None
        assert notifier.turn(at) == upcoming, "nothing is tried before its time"
        waited.append(upcoming - at)
        at = upcoming
        upcoming = notifier.turn(at)
    minute = timedelta(minutes=1)
    assert [round(pause / minute) for pause in waited] in ([[1, n] for n in (4, 5, 6)])
    assert [type(one).__name__ for one in town.events(case)[2:]] == [
        "NoticeFailed",
        "NoticeFailed",
        "NoticeSent",
    ]
    assert mailed(town, case).attempts == 3
    assert "451 4.7.1" in str(getattr(town.events(case)[2], "reason", ""))
    assert len(post.mails()) == 1
    assert faults_of(town.store) == []


def test_what_is_refused_for_good_is_not_tried_again(town: Town, post: MailServer) -> None:
    case = town.case(*submitted())
    town.mailbox("never@oslo.example.no")
    assert town.notifier(post).turn(NOW) is None or mailed(town, case).failed
    failed = town.events(case)[-1]
    assert isinstance(failed, NoticeFailed)
    assert failed.final
    assert failed.reason == "550 5.1.1 There is nobody of that name"
    town.notifier(post).turn(NOW + timedelta(days=2))
    assert town.events(case)[-1] == failed


def test_a_server_that_is_away_is_tried_for_three_days_and_then_it_is_given_up(
    town: Town, tmp_path: Path
) -> None:
    case = town.case(*submitted())
    town.mailbox(POST)
    with mail_server(tmp_path / "mail") as server:
        notifier = town.notifier(server)
    tried, upcoming = 0, notifier.turn(NOW)
    while mailed(town, case).waits:
        assert upcoming is not None
        assert tried < 30
        tried, upcoming = tried + 1, notifier.turn(upcoming)
    events = [one for one in town.events(case) if isinstance(one, NoticeFailed)]
    assert 6 <= len(events) <= 12
    assert events[-1].final
    assert events[-1].stamp.recorded_at - events[0].stamp.recorded_at >= GIVE_UP
    assert all("could not be reached" in one.reason for one in events)
    assert faults_of(town.store) == []


def test_a_server_that_takes_nothing_from_our_address_is_as_one_that_is_away(
    town: Town, post: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the settings that are wrong, and no mail: all of them go when that has been put right."""
    cases = [town.case(*submitted(), organisation=one) for one in town.municipalities(6)]
    for one in town.municipalities(6):
        town.mailbox(f"post@k{one}.example.no", one)
    monkeypatch.setattr(told, "SENDER", "unwanted@imdi.example.no")
    town.notifier(post).turn(NOW)
    monkeypatch.undo()
    assert all(mailed(town, case).waits for case in cases)
    failed = [one for case in cases for one in town.events(case) if isinstance(one, NoticeFailed)]
    assert 1 <= len(failed) <= AT_ONCE, "after the first nothing more is tried"
    assert "it takes no mail from unwanted@imdi.example.no: 553 5.7.1" in failed[0].reason
    town.notifier(post).turn(NOW + timedelta(minutes=2))
    assert len(post.mails()) == len(cases)
    assert faults_of(town.store) == []


def test_a_server_that_was_away_for_long_gets_new_mails_soon_after_it_is_back(
    town: Town, tmp_path: Path
) -> None:
    """Each mail that failed waits longer and longer; the server itself is not left alone for so long."""
    folder, numbers = tmp_path / "mail", town.municipalities(9)
    with mail_server(folder) as gone:
        notifier = town.notifier(gone)
    at = NOW
    for number in numbers:
        town.mailbox(f"post@k{number}.example.no", number)
        town.case(*submitted(), organisation=number)
        notifier.turn(at)
        at += timedelta(hours=20)
    case = town.case(*submitted())
    town.mailbox(POST)
    port = int(gone.url.rpartition(":")[2])
    with mail_server(folder, port=port) as back:
        notifier.turn(at - timedelta(hours=19))
        assert POST in {mail["To"] for mail in back.mails()}
    assert not mailed(town, case).waits


def test_one_that_hangs_and_one_that_breaks_hold_up_nobody(
    town: Town, post: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "ANSWER_SECONDS", 2.0)
    cases = {}
    for organisation, address in zip(
        town.municipalities(6),
        ("silent@a.no", "cut@b.no", "a@c.no", "never@d.no", "b@e.no", "c@f.no"),
        strict=True,
    ):
        cases[address] = town.case(*submitted(), organisation=organisation)
        town.mailbox(address, organisation)
    begun = time.monotonic()
    town.notifier(post).turn(NOW)
    assert time.monotonic() - begun < 10
    assert sorted(mail["To"] for mail in post.mails()) == ["a@c.no", "b@e.no", "c@f.no"]
    reasons = {address: getattr(town.events(case)[-1], "reason", "") for address, case in cases.items()}
    assert reasons["silent@a.no"] == "the connection was lost on the way: the server fell silent"
    assert reasons["cut@b.no"].startswith("the connection was lost on the way: ")


def test_what_broke_in_the_middle_is_sent_again_as_the_same_mail(town: Town, post: MailServer) -> None:
    case = town.case(*submitted())
    town.mailbox("cut-once@oslo.example.no")
    notifier = town.notifier(post)
    upcoming = notifier.turn(NOW)
    assert upcoming is not None
    notifier.turn(upcoming)
    (mail,) = post.mails()
    assert mail["Message-ID"] == f"<{mailed(town, case).made.notice}.1@imdi.example.no>"


def test_without_a_server_mails_wait_and_the_portal_has_its_own_at_once(town: Town, post: MailServer) -> None:
    case = town.case(*submitted())
    town.mailbox(POST)
    town.notifier().turn(NOW)
    assert [one.waits for one in town.notices(case)] == [False, True]
    town.notifier(post).turn(NOW + timedelta(days=2))
    assert len(post.mails()) == 1


def test_a_mail_that_has_waited_too_long_for_a_server_is_given_up_and_that_is_told(
    town: Town, post: MailServer
) -> None:
    case = town.case(*submitted())
    town.mailbox(POST)
    town.notifier().turn(NOW)
    town.notifier(post).turn(NOW + timedelta(days=40))
    assert post.mails() == []
    assert "out of date" in mailed(town, case).failed
    assert faults_of(town.store) == []


def test_a_mail_waits_for_an_address_and_goes_when_there_is_one(town: Town, post: MailServer) -> None:
    case = town.case(*submitted())
    notifier = town.notifier(post)
    notifier.turn(NOW)
    assert mailed(town, case).waits
    town.mailbox(POST)
    notifier.turn(NOW + timedelta(seconds=1))
    assert [mail["To"] for mail in post.mails()] == [POST]


def test_two_roles_with_one_mailbox_get_one_mail_and_two_mailboxes_get_two(
    town: Town, post: MailServer
) -> None:
    first, second = (town.case(*town.decided(), organisation=one) for one in town.municipalities(2))
    one, other = (town.service.states.case(case).applicant.number for case in (first, second))
    town.mailbox("felles@a.no", one)
    town.mailbox("post@b.no", other)
    town.mailbox("direktor@b.no", other, role="director")
    town.notifier(post).turn(AFTER_DEADLINE + timedelta(days=2))
    about = [(mail["To"], mail["Subject"]) for mail in post.mails() if "vedtak" in mail["Subject"]]
    assert sorted(to for to, _ in about) == ["direktor@b.no", "felles@a.no", "post@b.no"]
    together = [one.together for one in town.events(first) if isinstance(one, NoticeSent)]
    assert sorted(together) == [1, 2, 2], "the receipt, and the decision to applicant and director"
    assert faults_of(town.store) == []


def test_what_is_gathered_goes_once_a_day_in_one_mail(town: Town, post: MailServer) -> None:
    cases = [town.case(*town.answered(), organisation=one) for one in town.municipalities(3)]
    town.mailbox("saksbehandling@imdi.example.no", IMDI)
    notifier = town.notifier(post)
    at = NOW
    upcoming = notifier.turn(at)
    assert [mail for mail in post.mails() if "imdi" in mail["To"]] == []
    assert upcoming is not None
    while upcoming is not None and not post.mails():
        upcoming = notifier.turn(upcoming)
    (mail,) = post.mails()
    assert mail["Subject"] == "3 meldinger om tilskudd"
    assert mail.get_content().count("har svart på spørsmål om søknaden") == 3
    assert {one.together for case in cases for one in town.events(case) if isinstance(one, NoticeSent)} == {3}
    assert mail["Date"].startswith(("Wed", "Thu", "Fri", "Sat", "Sun", "Mon", "Tue"))
    assert faults_of(town.store) == []


def test_one_that_was_given_up_is_sent_once_more_when_somebody_wants_it(town: Town, post: MailServer) -> None:
    case = town.case(*submitted())
    town.mailbox("never@oslo.example.no")
    town.notifier(post).turn(NOW)
    notice = mailed(town, case).made.notice
    town.mailbox(POST)
    later = NOW + timedelta(days=5)
    town.service.notices.resend(case, notice, "Postkassen var feil.", by_officer("again", later))
    town.notifier(post).turn(later)
    (mail,) = post.mails()
    assert mail["Message-ID"] == f"<{notice}.2@imdi.example.no>", "sent once more on purpose is another mail"
    assert mailed(town, case).sent_at == later
    assert faults_of(town.store) == []


@pytest.mark.parametrize(
    ("url", "tls"),
    [
        ("smtp://mail.example.no", "starttls"),
        ("smtp://mail.example.no?starttls=off", "none"),
        ("smtp://127.0.0.1:1025", "none"),
        ("smtp://u:p@localhost?starttls=required", "starttls"),
        ("smtps://u:p@mail.example.no", "implicit"),
    ],
)
def test_tls_is_asked_for_unless_the_server_is_this_machine(url: str, tls: str) -> None:
    server = SmtpServer.read(url)
    assert server is not None
    assert server.tls == tls


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example.no", "smtp://", "mail.example.no", "smtp://u:hemmelig@mail.example.no?starttls=off",
        "smtp://mail.example.no?starttls=maybe", "smtp://mail.example.no?tls=1", "smtp://mail.example.no/inbox",
        "smtp://mail.example.no?ca=/nowhere.pem", "smtp://u:hemmelig@mail.example.no:99999",
    ],
)  # fmt: skip
def test_an_address_of_a_server_that_can_not_be_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        SmtpServer.read(url)
    assert "hemmelig" not in str(refused.value)


def test_the_municipality_gets_its_own_form_of_norwegian(town: Town, post: MailServer) -> None:
    nynorsk, bokmal = town.written_to_in("nn"), STAVANGER
    cases = {one: town.case(*submitted(), organisation=one) for one in (nynorsk, bokmal)}
    for one in cases:
        town.mailbox(f"post@k{one}.example.no", one)
    town.notifier(post).turn(NOW)
    told = {
        mail["To"]: (mail["Content-Language"], mail["Subject"], mail.get_content()) for mail in post.mails()
    }
    language, subject, text = told[f"post@k{nynorsk}.example.no"]
    assert (language, subject) == ("nn", "Søknaden er motteken: Rett i jobb")
    assert "har motteke søknaden" in text
    assert told[f"post@k{bokmal}.example.no"][:2] == ("nb", "Søknaden er mottatt: Rett i jobb")
