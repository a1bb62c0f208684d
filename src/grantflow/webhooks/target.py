"""Where may be sent to: a URL is read strictly, its name resolved, and every address looked at before it is used."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from grantflow.domain.errors import Refused

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
"""Gives the addresses of a host; OSError when it has none."""

PORTS = frozenset({443, 8443})
"""The ports that may be sent to; any, where the setting allows the address."""
LONGEST = 1_000
_DEFAULT_PORTS = {"https": 443, "http": 80}
_MOST_PORTS = 65_535
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PATH = re.compile(r"[A-Za-z0-9/._~!$&'()*+,;=:@%?-]*")
_HARMLESS_V6 = ipaddress.IPv6Network("2000::/3")
"""What is given out to the world at all; the rest of IPv6 is local, mapped, multicast or reserved."""
_BARRED = tuple(
    ipaddress.ip_network(one)
    for one in (
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
"""Shared, for protocols, relays, for measuring and documentation; and IPv6 that leads to an IPv4 address inside it."""


class TargetRefused(Refused):
    """The URL is not one that anything is sent to; it says why."""

    code = "target-refused"
    status = 422


class Target(NamedTuple):
    """A URL in its parts: the host without brackets, and everything from the path on."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def netloc(self) -> str:
        """The host as the header `Host` names it."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == _DEFAULT_PORTS[self.scheme] else f"{shown}:{self.port}"

    def at(self, address: Address) -> str:
        """The same URL with an address for its host."""
        host = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def resolve(host: str, port: int) -> list[str]:
    """Ask the system for the addresses of a host."""
    return [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Targets:
    """What may be sent to: the world by https; and the networks that the operator allows, by http and any port too."""

    def __init__(self, allowed: Sequence[str] = (), resolver: Resolve = resolve) -> None:
        self._allowed: list[IPv4Network | IPv6Network] = [ipaddress.ip_network(one) for one in allowed]
        self._resolve = resolver

    def checked(self, url: str) -> tuple[Target, list[Address]]:
        """The URL read, and the addresses of its host, each of which may be sent to; TargetRefused otherwise.

        Whoever connects must connect to one of these very addresses: asked again, the name may give others.
        """
        target = read(url)
        try:
            named = self._resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            msg = f"The host {target.host} has no address."
            raise TargetRefused(msg) from error
        addresses = list(dict.fromkeys(map(_address, named)))
        if not addresses:
            msg = f"The host {target.host} has no address."
            raise TargetRefused(msg)
        for address in addresses:
            self._may(target, address)
        return target, addresses

    def _may(self, target: Target, address: Address) -> None:
        if any(address in network for network in self._allowed):
            return
        if not is_public(address):
            msg = f"The host {target.host} is inside a network, and not of the world."
            raise TargetRefused(msg)
        if target.scheme != "https":
            msg = "The URL must begin with https://."
            raise TargetRefused(msg)
        if target.port not in PORTS:
            msg = f"The port {target.port} is not sent to. There are: {', '.join(map(str, sorted(PORTS)))}."
            raise TargetRefused(msg)


def read(url: str) -> Target:
    """A URL in its parts, where it has no other than it needs and none that programs read differently."""
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        msg = f"The URL must be at most {LONGEST} printable ASCII characters, without spaces or backslashes."
        raise TargetRefused(msg)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        msg = "The URL can't be read."
        raise TargetRefused(msg) from error
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not url.lower().startswith(f"{scheme}://"):
        msg = "The URL must begin with https://."
        raise TargetRefused(msg)
    if "@" in parts.netloc:
        msg = "The URL must hold no name and no password: the signature tells who sends."
        raise TargetRefused(msg)
    if parts.fragment or "#" in url:
        msg = "The URL must have no fragment (#)."
        raise TargetRefused(msg)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _PATH.fullmatch(path) or not path.startswith("/"):
        msg = "The path of the URL must be percent-encoded."
        raise TargetRefused(msg)
    return Target(scheme, _host(parts.netloc, parts.hostname or ""), _port(scheme, port), path)


def is_public(address: Address) -> bool:
    """Whether an address is of the world: given out to somebody, and not leading back inside."""
    if address.is_multicast or address.is_private or address.is_reserved or not address.is_global:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address not in _HARMLESS_V6:
        return False
    return not any(address in network for network in _BARRED)


def _port(scheme: str, port: int | None) -> int:
    if port is None:
        return _DEFAULT_PORTS[scheme]
    if not 0 < port <= _MOST_PORTS:
        msg = f"There is no port {port}."
        raise TargetRefused(msg)
    return port


def _host(netloc: str, host: str) -> str:
    """The host: an address as everybody writes it, or a name that nobody takes for one."""
    if netloc.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host)) if "%" not in host else _unreadable()
        except ValueError:
            _unreadable()
    if not _NAME.fullmatch(host):
        _unreadable()
    if _NUMBER.fullmatch(
        host.rpartition(".")[2]
    ):  # such a name is taken for an IPv4 address, in some spelling
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            _unreadable()
    return host


def _unreadable() -> str:
    msg = "The host must be a name, or an address in its usual spelling."
    raise TargetRefused(msg)


def _address(text: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        msg = "The host has an address that can't be read."
        raise TargetRefused(msg) from error
