"""Hands mails over to a mail server (SMTP), and says what it made of them."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from grantflow.smtp_address import SmtpServer  # noqa: TC001 - a field's type, and small

if TYPE_CHECKING:
    from email.message import EmailMessage

    from grantflow.settings import Settings

CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 20.0
_PERMANENT = 500
_YES = 2
"""The hundreds of the codes that say yes."""
_LONGEST = 200


class NotTakenError(Exception):
    """The server has answered, and does not take this mail: for good, or for now."""

    def __init__(self, code: int, said: bytes | str) -> None:
        self.permanent = code >= _PERMANENT
        super().__init__(f"{code} {_plain(said)}")


class LostError(Exception):
    """The connection broke, or fell silent, while this mail was on its way: nobody knows whether it was taken."""


class UnreachableError(Exception):
    """There is no talking to the server at all: not there, no TLS, or it does not know us or our address."""


class Mailer:
    """A mail server, and the address that mails come from."""

    def __init__(self, server: SmtpServer, sender: str) -> None:
        self._server, self.sender = server, sender

    def session(self) -> Session:
        """One connection, made when the first mail goes."""
        return Session(self._server, self.sender)


def mailer_from(settings: Settings) -> Mailer | None:
    """The mail server of the settings; None where there is none."""
    return Mailer(settings.smtp, settings.mail_from) if settings.smtp else None


class Session:
    """One connection to the server for mails one after another, made anew when it has broken. For one thread."""

    def __init__(self, server: SmtpServer, sender: str) -> None:
        self._server, self._sender = server, sender
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
        self._drop()

    def send(self, message: EmailMessage, to: str) -> str:
        """Hand a mail over; gives what the server answered to it. NotTakenError, LostError or UnreachableError else."""
        if self._smtp is None:
            self._smtp = self._connected()
        smtp = self._smtp
        try:
            self._begin(smtp)
            _taken(smtp.rcpt(to))
            answer = _taken(smtp.data(message.as_bytes()))
        except NotTakenError:
            self._reset()
            raise
        except smtplib.SMTPDataError as error:
            self._reset()
            raise NotTakenError(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise LostError(_why(error)) from error
        return answer

    def _begin(self, smtp: smtplib.SMTP) -> None:
        """Begin a mail. A server that takes none from our address takes none at all, whomever it is to."""
        try:
            _taken(smtp.mail(self._sender))
        except NotTakenError as error:
            self._reset()
            msg = f"it takes no mail from {self._sender}: {error}"
            raise UnreachableError(msg) from error

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        smtp: smtplib.SMTP | None = None
        try:
            context = ssl.create_default_context(cafile=server.ca or None)
            if server.tls == "implicit":
                smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=CONNECT_SECONDS, context=context)
            else:
                smtp = smtplib.SMTP(server.host, server.port, timeout=CONNECT_SECONDS)
            smtp.ehlo()
            if server.tls == "starttls":
                smtp.starttls(context=context)
                smtp.ehlo()
            if server.user:
                smtp.login(server.user, server.password)
            if smtp.sock is not None:
                smtp.sock.settimeout(ANSWER_SECONDS)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            if smtp is not None:
                smtp.close()
            raise UnreachableError(_why(error)) from error
        return smtp

    def _reset(self) -> None:
        """Begin anew with the next mail; on a connection that has broken, by another."""
        if self._smtp is None:
            return
        try:
            self._smtp.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None


def _taken(answer: tuple[int, bytes]) -> str:
    """The server's answer, where it is a yes."""
    code, said = answer
    if code // 100 != _YES:
        raise NotTakenError(code, said)
    return f"{code} {_plain(said)}"


def _why(error: Exception) -> str:
    """What went wrong, in words that hold no secret: the server's own, or the kind of fault."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"the server does not take our user and password ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_plain(error.smtp_error)}"
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return "the server fell silent"
    return _plain(str(error)) or type(error).__name__


def _plain(said: bytes | str) -> str:
    """What a server said, as one line that can be kept."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:_LONGEST]
