"""Where is sent to and where never: hostile URLs, spellings of addresses, names that lead inside, and that change."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hooked import HERE, desk_on, now, published
from hypothesis import given
from hypothesis import strategies as st
from receiver import Receiver
from steps import drafted

from grantflow.webhooks import TargetRefused, Targets, target
from grantflow.webhooks.target import is_public, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grantflow.store import Store

PUBLIC, PUBLIC_V6 = "93.184.215.14", "2606:2800:21f:cb07::1"
INSIDE = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3",  # noqa: S104 - nothing is bound to it
    "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "169.254.1.1", "100.64.0.1", "100.100.100.200", "192.0.0.8", "192.0.2.1", "192.88.99.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:93.184.215.14",
    "::127.0.0.1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1",
    "2001::1", "2001:db8::1", "2002:7f00:1::1", "2002:a00:1::", "3fff::1", "5f00::1", "100::1",
)  # fmt: skip
"""Addresses that nothing is sent to."""
SPELT = (
    "2130706433", "0x7f000001", "017700000001", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.0x1",
    "0x7f.1", "1.2.3.4.5", "127.0.0.1.", "0", "00000000", "0xA9FEA9FE", "169.254.43518", "1", "256.1.1.1", "127.0.0.01",
)  # fmt: skip
"""Spellings of addresses that some program reads as one."""
URLS = (
    "", "https://", "http://example.no:443/",
    "http://example.no:8443/hook",
    "https:///hook", "https:example.no", "https:/example.no/", "//example.no/", "example.no",
    "http://example.no/hook", "ftp://example.no/", "file:///etc/passwd", "gopher://example.no/", "javascript:alert(1)",
    "unix:///var/run/docker.sock", "https://user@example.no/", "https://user:word@example.no/",
    "https://example.no@10.0.0.1/", "https://example.no:22/", "https://example.no:25/", "https://example.no:5432/",
    "https://example.no:80/", "https://example.no:0/", "https://example.no:65536/", "https://example.no:-1/",
    "https://example.no:443443/", "https://example.no:\N{FULLWIDTH DIGIT FOUR}43/", "https://example.no/#here", "https://example.no/#",
    "https://example.no/a b", "https://example.no/\r\nX-Header: 1", "https://example.no/\x00", "https://example.no\\@10.0.0.1/",
    "https://exa mple.no/", "https://exämple.no/", "https://①②⑦.⓪.⓪.①/", "https://[::1", "https://[::1%25lo]/",
    "https://[fe80::1%eth0]/", "https://[example.no]/", "https://[127.0.0.1]/", "https://ex%61mple.no/",
    "https://-example.no/", "https://example..no/", "https://.example.no/", "https://example.no./", "https://*.no/",
    f"https://{'a' * 64}.no/", f"https://example.no/{'a' * 1_000}", "https://example.no/ø", "https://exa\tmple.no/",
)  # fmt: skip
"""URLs that are refused whatever their host is."""


def resolving(*addresses: str) -> Targets:
    return Targets(resolver=lambda _, __: list(addresses))


def test_a_usual_url_is_read() -> None:
    read_as, addresses = resolving(PUBLIC, PUBLIC_V6).checked("https://Hooks.Example.no/a/b?c=d&e=%20")
    assert (read_as.host, read_as.port, read_as.netloc) == ("hooks.example.no", 443, "hooks.example.no")
    assert [str(one) for one in addresses] == [PUBLIC, PUBLIC_V6]
    assert read_as.at(addresses[0]) == f"https://{PUBLIC}:443/a/b?c=d&e=%20"
    assert read_as.at(addresses[1]) == f"https://[{PUBLIC_V6}]:443/a/b?c=d&e=%20"
    assert resolving(PUBLIC).checked("https://example.no:8443")[0].netloc == "example.no:8443"
    assert resolving(PUBLIC_V6).checked(f"https://[{PUBLIC_V6}]/")[0].netloc == f"[{PUBLIC_V6}]"


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused_written_out_or_behind_a_name(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    for targets, url in (
        (Targets(), f"https://{host}/"),
        (resolving(address), "https://example.no/"),
        (resolving(PUBLIC, address), "https://example.no/"),
        (resolving(address, PUBLIC_V6), "https://example.no:8443/hook"),
    ):
        with pytest.raises(TargetRefused, match="inside a network"):
            targets.checked(url)


@pytest.mark.parametrize("host", SPELT)
def test_an_unusual_spelling_of_an_address_is_refused_before_anybody_reads_it(host: str) -> None:
    def never(_: str, __: int) -> Sequence[str]:
        raise AssertionError(host)

    for allowed in ((), HERE, ("0.0.0.0/0",)):
        with pytest.raises(TargetRefused):
            Targets(allowed, resolver=never).checked(f"https://{host}/")


@pytest.mark.parametrize("url", URLS)
def test_a_url_that_says_more_than_it_may_is_refused(url: str) -> None:
    with pytest.raises(TargetRefused):
        resolving(PUBLIC).checked(url)


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "ip6-localhost", "localhost."])
def test_names_of_this_machine_are_refused(name: str) -> None:
    with pytest.raises(TargetRefused):
        Targets().checked(f"https://{name}/")


def test_a_name_without_an_address_is_refused() -> None:
    def fails(_: str, __: int) -> Sequence[str]:
        raise OSError

    for targets in (Targets(resolver=fails), resolving(), resolving("nonsense")):
        with pytest.raises(TargetRefused):
            targets.checked("https://example.no/")


def test_what_the_setting_allows_may_be_sent_to_by_http_and_any_port_and_nothing_else() -> None:
    here = Targets(HERE)
    assert here.checked("http://127.0.0.1:1234/")[0].port == 1234
    for url in ("http://10.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", f"http://{PUBLIC}/"):
        with pytest.raises(TargetRefused):
            here.checked(url)
    with pytest.raises(TargetRefused):
        Targets(HERE, resolver=lambda _, __: ["127.0.0.1", "10.0.0.1"]).checked("http://example.no/")


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_no_address_of_the_world_is_also_a_private_one(address: object) -> None:
    public = is_public(address)  # type: ignore[arg-type]
    for sign in (
        "is_private",
        "is_loopback",
        "is_link_local",
        "is_multicast",
        "is_reserved",
        "is_unspecified",
    ):
        assert not (public and getattr(address, sign)), sign


@given(st.text(max_size=60))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"https://example.no{text}"):
        try:
            read_as = read(url)
        except TargetRefused:
            continue
        assert "@" not in read_as.netloc
        assert read_as.netloc.isascii()
        assert read_as.netloc.isprintable()


@pytest.fixture(scope="module")
def store(module_database_url: str) -> Iterator[Store]:
    with published(module_database_url) as store:
        yield store


def test_a_name_that_leads_elsewhere_when_it_is_delivered_gets_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is good when it is registered; when it is sent to, it leads to this machine, where somebody listens."""
    answers = [[PUBLIC], ["127.0.0.1"], [PUBLIC, "::1"], ["169.254.169.254"]]
    asked: list[str] = []

    def rebinding(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    with Receiver() as receiver, desk_on(store, targets=Targets(resolver=rebinding)) as desk:
        monkeypatch.setattr(target, "PORTS", {443, 8443, receiver.port})
        made = desk.subscribe(f"https://evil.example.no:{receiver.port}/hook")
        desk.cases(1, *drafted()[:1])
        for hours in range(3):
            desk.turn(now() + timedelta(hours=hours))
            told = desk.show(made.id)
            assert told.delivered == 0
        assert told.last_reason == "The host evil.example.no is inside a network, and not of the world."
        assert not receiver.got
    assert len(asked) == 4


def test_it_is_connected_to_the_very_address_that_was_looked_at(store: Store) -> None:
    """The name is asked for once a sending: whoever asked again would be led to somebody else."""
    asked: list[str] = []

    def changing(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) <= 2 else ["127.0.0.2"]

    with Receiver() as receiver, desk_on(store, targets=Targets(HERE, resolver=changing)) as desk:
        desk.subscribe(f"http://moving.example.no:{receiver.port}/hook")
        desk.cases(1, *drafted()[:1])
        desk.turn(now())
        assert asked == ["moving.example.no"] * 2, "once when it was registered, once when it was sent to"
        assert [got.headers["host"] for got in receiver.got] == [f"moving.example.no:{receiver.port}"]


def test_the_next_address_is_tried_where_no_connection_comes_about(store: Store) -> None:
    targets = Targets((*HERE, "::1/128"), resolver=lambda _, __: ["::1", "127.0.0.3", "127.0.0.1"])
    with Receiver() as receiver, desk_on(store, targets=targets) as desk:
        made = desk.subscribe(f"http://two.example.no:{receiver.port}/hook")
        desk.cases(1, *drafted()[:1])
        desk.turn(now())
        assert (len(receiver.got), desk.show(made.id).delivered) == (1, 1)
