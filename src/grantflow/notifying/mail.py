"""A mail as it goes out: of one notice, or of what was gathered for a day."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from grantflow.domain.notice import Notice

_GATHERED = {
    "nb": "{count} meldinger om tilskudd",
    "nn": "{count} meldingar om tilskot",
}
_LINE = "\n" + "-" * 72 + "\n\n"
_TOGETHER = UUID("5d2f3f0e-4b1c-5c55-8a86-1b7e3f2e7d10")


def message_id(notices: Sequence[Notice], sender: str) -> str:
    """What the mail is known by: the same notices, in the same round, are the same mail, however often it is tried."""
    names = sorted(f"{one.made.notice}.{one.round}" for one in notices)
    name = names[0] if len(names) == 1 else str(uuid5(_TOGETHER, " ".join(names)))
    return f"<{name}@{sender.rpartition('@')[2]}>"


def mail(notices: Sequence[Notice], to: str, sender: str, at: datetime) -> EmailMessage:
    """The mail to one mailbox. `EmailMessage` refuses a header with a line break in it, whatever is written there."""
    texts = dict.fromkeys((one.made.subject, one.made.text) for one in notices)
    language = notices[0].made.language
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = to
    message["Subject"] = (
        next(iter(texts))[0] if len(texts) == 1 else _GATHERED[language].format(count=len(texts))
    )
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id(notices, sender)
    message["Auto-Submitted"] = "auto-generated"
    if len(texts) == 1:
        message.set_content(next(iter(texts))[1])
    else:
        message.set_content(_LINE.join(f"{subject}\n\n{text}" for subject, text in texts))
    message["Content-Language"] = language  # setting the content takes it away
    return message
