"""Receivers as they come: that hang, drip, lie, break off or show a wrong certificate; none holds up another."""

from __future__ import annotations

import ipaddress
import ssl
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hooked import HERE, Desk, desk_on, now, published
from receiver import Receiver, drips, hangs, late, raw, says, yes
from steps import drafted

from grantflow.webhooks import Targets, sending, subscriptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from receiver import Behaviour

    from grantflow.store import Store

SECONDS = 2.0
HEAD = b"HTTP/1.1 200 OK\r\n"
BAD: dict[str, tuple[Behaviour, str]] = {
    "hangs": (hangs, "no answer within 2 seconds"),
    "answers too late": (late(SECONDS + 0.5), "no answer within 2 seconds"),
    "drips": (drips, "no answer within 2 seconds"),
    "endless headers": (
        raw(HEAD, endless=b"X-More: " + b"a" * 1_000 + b"\r\n"),
        "what it answered is not HTTP",
    ),
    "garbage": (raw(b"\x00\xff\x16\x03 nothing like HTTP\r\n\r\n"), "what it answered is not HTTP"),
    "closes at once": (raw(), "what it answered is not HTTP"),
    "half a head": (raw(HEAD + b"X-Ha"), "what it answered is not HTTP"),
    "no such status": (raw(b"HTTP/1.1 2000 OK\r\n\r\n"), "what it answered is not HTTP"),
    "redirects": (says(302, "Location: http://127.0.0.1:1/"), "answered 302"),
    "redirects for good": (says(308, "Location: /elsewhere"), "answered 308"),
    "not found": (says(404), "answered 404"),
    "broken": (says(500), "answered 500"),
    "only informs": (raw(*[b"HTTP/1.1 102 Processing\r\n\r\n"] * 3), "what it answered is not HTTP"),
}
ODD: dict[str, Behaviour] = {
    "slow": late(SECONDS / 4),
    "says yes and closes in the middle": raw(HEAD + b"Content-Length: 1000\r\n\r\nonly this"),
    "says yes for ever": raw(HEAD + b"\r\n", endless=b"x" * 65_536),
    "an endless body in chunks": raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", endless=b"5\r\nhello\r\n"),
    "a body that does not unpack": raw(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"),
    "accepted": says(202),
    "early hints first": raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" + HEAD + b"Content-Length: 0\r\n\r\n"),
}
"""Those whose yes has come all the same."""


@pytest.fixture(scope="module")
def store(module_database_url: str) -> Iterator[Store]:
    with published(module_database_url) as store:
        yield store


@pytest.fixture
def desk(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(sending, "ANSWER_SECONDS", SECONDS)
    with desk_on(store) as desk:
        yield desk


def test_bad_receivers_are_tried_again_and_hold_up_nobody(desk: Desk) -> None:
    """All of them at once, and one good one among them, which has all it should have before the first gives up."""
    receivers = {name: Receiver(behave) for name, (behave, _) in BAD.items()}
    with Receiver() as good:
        for one in receivers.values():
            one.__enter__()
        try:
            which = {name: desk.subscribe(one.url).id for name, one in receivers.items()}
            desk.subscribe(good.url)
            cases = desk.cases(3, *drafted()[:3])
            began = time.monotonic()
            desk.deliverer.turn(now())
            desk.until(lambda: len(good.got) == 9)
            assert time.monotonic() - began < SECONDS, "the good one has waited for a bad one"
            assert desk.deliverer.settle()
            assert time.monotonic() - began < SECONDS * 4
            for name, (_, reason) in BAD.items():
                told = desk.show(which[name])
                assert told.delivered == 0, name
                assert told.failures >= 1, name
                assert (told.last_reason or "").startswith(reason), (name, told.last_reason)
            for one in receivers.values():
                one.behave = yes
                one.got.clear()
            for _ in range(12):
                desk.turn(now() + timedelta(hours=2))
            for name, one in receivers.items():
                assert desk.show(which[name]).waiting == 0, name
                for case in cases:
                    assert [got.event["data"]["version"] for got in one.of(case)] == [1, 2, 3], name
        finally:
            for one in receivers.values():
                one.__exit__()


@pytest.mark.parametrize("name", ODD)
def test_a_yes_counts_whatever_comes_after_it(desk: Desk, name: str) -> None:
    with Receiver(ODD[name]) as receiver:
        made = desk.subscribe(receiver.url)
        desk.cases(1, *drafted()[:2])
        began = time.monotonic()
        desk.turn(now())
        assert time.monotonic() - began < 2 * SECONDS
        assert desk.show(made.id).delivered == len(receiver.got) == 2


def test_many_who_hang_leave_room_for_one_who_works(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than can be sent to at once hang, and are found out; from then on, one that works is not held up."""
    monkeypatch.setattr(subscriptions, "MOST", 100)
    monkeypatch.setattr(sending, "ANSWER_SECONDS", 0.4)
    with Receiver(hangs) as bad, Receiver() as good:
        hung = [
            desk.subscribe(
                bad.url,
            ).id
            for _ in range(40)
        ]
        desk.cases(8, *drafted()[:1])
        desk.until(lambda: all(one.failures for one in desk.hooks.list("")), seconds=15)
        assert len(hung) == 40
        desk.subscribe(good.url)
        began = time.monotonic()
        desk.until(lambda: len(good.got) == 8)
        assert time.monotonic() - began < SECONDS


def test_no_redirect_is_followed(desk: Desk) -> None:
    with Receiver() as other, Receiver(says(307, f"Location: {other.url}")) as receiver:
        desk.subscribe(receiver.url)
        desk.cases(1, *drafted()[:1])
        desk.turn(now())
        assert (len(receiver.got), len(other.got)) == (1, 0)


def test_no_proxy_of_the_environment_is_used(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as proxy, Receiver() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        desk.subscribe(receiver.url)
        desk.cases(1, *drafted()[:1])
        desk.turn(now())
        assert (len(receiver.got), len(proxy.got)) == (1, 0)


class Trust:
    """An authority of the tests' own, and servers' certificates from it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "GrantFlow's tests")])
        self._own = self._certificate(self._name, self._key, x509.BasicConstraints(ca=True, path_length=None))

    def context(self) -> ssl.SSLContext:
        """What trusts it."""
        pem = self._own.public_bytes(serialization.Encoding.PEM).decode()
        return ssl.create_default_context(cadata=pem)

    def server(self, *names: str, ended: bool = False) -> ssl.SSLContext:
        """A server with a certificate for these names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = self._certificate(name, key, _names(names), ended=ended)
        file = self._folder / f"{len(list(self._folder.iterdir()))}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _certificate(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        extension: x509.ExtensionType,
        *,
        ended: bool = False,
    ) -> x509.Certificate:
        today = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(today - timedelta(days=3))
            .not_valid_after(today + timedelta(days=-1 if ended else 1))
            .add_extension(extension, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _names(names: tuple[str, ...]) -> x509.SubjectAlternativeName:
    told: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(one)) if one[0].isdigit() else x509.DNSName(one) for one in names
    ]
    return x509.SubjectAlternativeName(told)


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return Trust(tmp_path_factory.mktemp("certificates"))


def sent(
    store: Store, tls: ssl.SSLContext, trusted: ssl.SSLContext | None, host: str
) -> tuple[str, list[str]]:
    """What comes of sending one event to a host by that name: why it failed, and whom each request was meant for."""
    targets = Targets(HERE, resolver=lambda _, __: ["127.0.0.1"])
    with Receiver(tls=tls) as receiver, desk_on(store, targets=targets, trusted=trusted) as desk:
        made = desk.subscribe(f"https://{host}:{receiver.port}/hook")
        desk.cases(1, *drafted()[:1])
        desk.turn(now())
        told = desk.show(made.id)
        assert told.delivered == len(receiver.got)
        return told.last_reason or "", [got.headers["host"].partition(":")[0] for got in receiver.got]


def test_a_certificate_must_be_trusted_for_the_host_that_was_meant(store: Store, trust: Trust) -> None:
    refused = "its certificate is not trusted for this host", list[str]()
    name, good = "hooks.example.no", trust.context()
    assert sent(store, trust.server(name), good, name) == ("", [name])
    assert sent(store, trust.server("127.0.0.1"), good, "127.0.0.1") == ("", ["127.0.0.1"])
    assert sent(store, trust.server(name), None, name) == refused, "nobody we know vouches for it"
    assert sent(store, trust.server("127.0.0.1"), good, name) == refused, (
        "it is for the address, and not the name"
    )
    assert sent(store, trust.server("other.example.no"), good, name) == refused
    assert sent(store, trust.server(name), good, "127.0.0.1") == refused
    assert sent(store, trust.server(name, ended=True), good, name) == refused


def test_the_name_is_told_in_the_handshake(store: Store, trust: Trust) -> None:
    meant: list[str | None] = []
    tls = trust.server("hooks.example.no")
    tls.sni_callback = lambda _, name, __: meant.append(name)
    assert sent(store, tls, trust.context(), "hooks.example.no")[0] == ""
    assert meant == ["hooks.example.no"]


def test_plain_http_where_tls_is_meant_is_a_failure(desk: Desk) -> None:
    with Receiver() as receiver:
        made = desk.subscribe(receiver.url.replace("http:", "https:"))
        desk.cases(1, *drafted()[:1])
        desk.turn(now())
        assert desk.show(made.id).last_reason == "no TLS connection came about"
        assert not receiver.got
