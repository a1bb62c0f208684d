"""The address of a mail server, as the settings give it: smtp://user:password@host:port, or smtps://."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

Tls = Literal["implicit", "starttls", "none"]
HERE = frozenset({"localhost", "127.0.0.1", "::1"})
"""This machine: what goes there is on no wire."""
_PORTS: dict[str, int] = {"implicit": 465, "starttls": 587, "none": 25}
_OPTIONS = {"starttls", "ca"}


@dataclass(frozen=True)
class SmtpServer:
    """Where mails are handed over. The password stands in no text that is made of this."""

    host: str
    port: int
    tls: Tls
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""
    """A file of certificates to trust, beside none but these; empty for the machine's own."""

    @classmethod
    def read(cls, text: str) -> SmtpServer | None:
        """The server that a URL names; None for no text. ValueError says what is wrong, without saying what it was."""
        if not text:
            return None
        parts = urlsplit(text)
        asked = parse_qs(parts.query, keep_blank_values=True)
        if (
            parts.scheme not in ("smtp", "smtps")
            or not parts.hostname
            or parts.path.strip("/")
            or parts.fragment
        ):
            msg = "is not the address of a mail server, such as smtp://user:password@mail.example.no:587"
            raise ValueError(msg)
        if set(asked) - _OPTIONS or any(len(one) != 1 for one in asked.values()):
            msg = f"has an option after '?' that there is not; there are {' and '.join(sorted(_OPTIONS))}, each once"
            raise ValueError(msg)
        tls = _tls(
            parts.scheme, parts.hostname, asked.get("starttls", [""])[0], with_user=bool(parts.username)
        )
        ca = asked.get("ca", [""])[0]
        if ca and not Path(ca).is_file():
            msg = "names a file of certificates (ca) that is not there"
            raise ValueError(msg)
        return cls(
            parts.hostname,
            parts.port or _PORTS[tls],
            tls,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
            ca,
        )

    def __str__(self) -> str:
        """As it may be shown: without the password."""
        scheme = "smtps" if self.tls == "implicit" else "smtp"
        user = f"{self.user}:********@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{user}{host}:{self.port}"


def _tls(scheme: str, host: str, asked: str, *, with_user: bool) -> Tls:
    """TLS from the first byte, or begun by STARTTLS and no mail without it; neither only where that is safe."""
    if scheme == "smtps":
        return "implicit"
    if asked not in ("", "required", "off"):
        msg = "says 'starttls' of something else than 'required' or 'off'"
        raise ValueError(msg)
    if asked == "off" and with_user and host not in HERE:
        msg = "has a password for another machine and starttls=off: it would be read on the way"
        raise ValueError(msg)
    return "none" if asked == "off" or (not asked and host in HERE) else "starttls"
