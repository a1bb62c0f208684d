"""A real mail server as a process of its own, that takes mails, or does what its recipients' names say.

`later@` is put off twice, `never@` refused for good, `silent@` hears nothing more, `cut@` is hung up on in the middle,
`cut-once@` only the first time. From `unwanted@` nothing is taken. Every mail that it says yes to is a file.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import ipaddress
import re
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

USER, PASSWORD = "grantflow", "hemmelig:p@ss"
PUT_OFF = 2
_SECONDS = 30


class Handler:
    """Answers as the recipient's name says."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._asked: dict[str, int] = {}

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's own
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Say whether anything is taken from that sender."""
        del server, session
        if address.startswith("unwanted"):
            return "553 5.7.1 Sender address rejected: not owned by user"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's own
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Say whether there is such a recipient."""
        del server, session, options
        name = address.partition("@")[0]
        asked = self._asked[address] = self._asked.get(address, 0) + 1
        if name == "never":
            return "550 5.1.1 There is nobody of that name"
        if name == "later" and asked <= PUT_OFF:
            return "451 4.7.1 Greylisted, try again later"
        if name == "silent":
            await asyncio.sleep(3_600)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take the mail, or hang up."""
        del session
        (address,) = envelope.rcpt_tos
        name = address.partition("@")[0]
        if name == "cut" or (name == "cut-once" and self._asked[address] == 1):
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
            return "421 Gone"
        number = len(list(self._folder.glob("*.eml")))
        content = envelope.content
        assert isinstance(content, bytes)
        part = self._folder / f"{number:04d}.part"
        part.write_bytes(f"X-Rcpt: {address}\r\n".encode() + content)
        part.rename(self._folder / f"{number:04d}.eml")
        return f"250 2.0.0 OK queued as {number:04d}"


def _authenticated(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    del server, session, envelope, mechanism
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=right, handled=False)


async def _serve(folder: Path, port: int, *, tls: str, auth: bool) -> None:
    context = None
    if tls != "none":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
    handler = Handler(folder)
    options: dict[str, Any] = {"auth_required": True, "authenticator": _authenticated} if auth else {}
    if tls == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    elif auth:
        options["auth_require_tls"] = False

    def factory() -> SMTP:
        return SMTP(handler, hostname="mail.test", **options)

    server = await asyncio.get_running_loop().create_server(
        factory, "127.0.0.1", port, ssl=context if tls == "implicit" else None
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


class MailServer(NamedTuple):
    """Where it listens, and what it has taken."""

    url: str
    folder: Path
    process: subprocess.Popen[str]

    def mails(self) -> list[EmailMessage]:
        """Every mail that it said yes to, in order."""
        read = policy.default
        return [
            message_from_bytes(path.read_bytes(), policy=read) for path in sorted(self.folder.glob("*.eml"))
        ]

    def stop(self) -> None:
        """Be gone."""
        self.process.kill()
        self.process.wait()


@contextmanager
def mail_server(
    folder: Path, *, tls: str = "none", auth: bool = False, port: int = 0
) -> Iterator[MailServer]:
    """Serve while the block runs; with TLS, under a certificate of its own for 127.0.0.1, in `server.pem`."""
    folder.mkdir(exist_ok=True, parents=True)
    if tls != "none" and not (folder / "server.pem").exists():
        (folder / "server.pem").write_bytes(_certificate())
    port = port or _free_port()
    command = [sys.executable, __file__, str(folder), str(port), "--tls", tls, *(["--auth"] if auth else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    user = f"{USER}:{re.sub('[:@]', lambda one: f'%{ord(one[0]):02X}', PASSWORD)}@" if auth else ""
    scheme, options = (
        ("smtps" if tls == "implicit" else "smtp"),
        {
            "none": "",
            "starttls": f"?starttls=required&ca={folder / 'server.pem'}",
            "implicit": f"?ca={folder / 'server.pem'}",
        }[tls],
    )
    try:
        yield MailServer(f"{scheme}://{user}127.0.0.1:{port}{options}", folder, process)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.test")])
    now = dt.datetime.fromtimestamp(time.time(), dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(pem)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--tls", default="none")
    parser.add_argument("--auth", action="store_true")
    asked = parser.parse_args()
    asyncio.run(_serve(asked.folder, asked.port, tls=asked.tls, auth=asked.auth))
