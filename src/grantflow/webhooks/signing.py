"""The signature of Standard Webhooks: over id, timestamp and body, with each secret that holds just then."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from standardwebhooks import Webhook

from grantflow import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A secret, drawn: 32 bytes as base64 after `whsec_`."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def message_id(subscriber: UUID, event: str) -> str:
    """What an event is called when it is sent to a subscriber: the same each time, and told to nobody else."""
    return f"msg_{uuid5(subscriber, event).hex}"


def headers(held: Sequence[str], message: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of one sending: every secret signs, so that either of two is good while they are changed."""
    text = body.decode()
    return {
        "Content-Type": "application/cloudevents+json",
        "User-Agent": f"grantflow/{__version__}",
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message, at, text) for secret in held),
    }
