"""Fetches an issuer's key set: from a file, from its address, or from where its discovery document says."""

from __future__ import annotations

import json
import time
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 3.0
"""Seconds that a fetch may take."""
LARGEST = 256 * 1024
"""The most bytes that a document may have."""
_CHUNK = 16 * 1024
_OK = 200
_LOCAL = ("127.0.0.1", "localhost")


class NotFetched(Exception):  # noqa: N818 - it happens, and is lived with
    """What was to be fetched can't be had; says why, for the log."""


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Go nowhere else: the keys come from where the settings say."""


def is_address(text: str) -> bool:
    """Whether keys may be fetched from there: https, or http on this machine; with nothing of a login in it."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
    return safe and bool(parts.hostname) and "@" not in parts.netloc and text.isascii() and text.isprintable()


def from_file(path: Path) -> Any:  # noqa: ANN401 - any JSON
    """The JSON in a file. NotFetched when it can't be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        msg = f"{path.name} can't be read: {error.strerror or error}"
        raise NotFetched(msg) from error
    return _json(raw)


def from_address(address: str) -> Any:  # noqa: ANN401 - any JSON
    """The JSON at an address, within the limits. NotFetched when it can't be had."""
    if not is_address(address):
        msg = "the address is neither https nor on this machine"
        raise NotFetched(msg)
    until = time.monotonic() + TIMEOUT
    asked = Request(address, headers={"Accept": "application/json", "User-Agent": "grantflow"})  # noqa: S310 - https
    raw = b""
    try:
        with _opener(address).open(asked, timeout=TIMEOUT) as answer:
            if answer.status != _OK:
                msg = f"the answer was {answer.status}"
                raise NotFetched(msg)
            while len(raw) <= LARGEST and (chunk := answer.read1(_CHUNK)):
                raw += chunk
                if time.monotonic() > until:
                    msg = f"it took longer than {TIMEOUT:g} seconds"
                    raise NotFetched(msg)
    except HTTPError as error:
        error.close()
        msg = f"the answer was {error.code}"
        raise NotFetched(msg) from None
    except (OSError, HTTPException, ValueError) as error:
        msg = f"{type(error).__name__}: {error}"[:200]
        raise NotFetched(msg) from None
    return _json(raw)


def from_discovery(issuer: str) -> Any:  # noqa: ANN401 - any JSON
    """The key set that an OpenID provider's own configuration names. NotFetched when it is another's."""
    told = from_address(discovery_address(issuer))
    if not isinstance(told, dict) or told.get("issuer") != issuer:
        msg = "the discovery document is of another issuer"
        raise NotFetched(msg)
    address = told.get("jwks_uri")
    if not isinstance(address, str):
        msg = "the discovery document names no jwks_uri"
        raise NotFetched(msg)
    return from_address(address)


def discovery_address(issuer: str) -> str:
    """Where an OpenID provider tells about itself (OpenID Connect Discovery 1.0, section 4)."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def _opener(address: str) -> OpenerDirector:
    """What opens an address: no redirects, and no proxy for what is on this machine."""
    local = urlsplit(address).hostname in _LOCAL
    return build_opener(_NoRedirects, ProxyHandler({})) if local else build_opener(_NoRedirects)


def _json(raw: bytes) -> Any:  # noqa: ANN401 - any JSON
    if len(raw) > LARGEST:
        msg = f"it is larger than {LARGEST} bytes"
        raise NotFetched(msg)
    try:
        return json.loads(raw.decode())
    except (ValueError, RecursionError) as error:
        msg = "what came is not JSON"
        raise NotFetched(msg) from error
