"""One way to turn a value into bytes, and bytes into an address: sorted JSON, then SHA-256."""

import hashlib
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder(order="sorted")


def canonical(value: Any) -> bytes:  # noqa: ANN401 - any JSON value or struct
    """The value as JSON bytes with keys in order, so that equal values give equal bytes."""
    return _encoder.encode(value)


def digest_of(value: Any) -> str:  # noqa: ANN401 - any JSON value or struct
    """SHA-256 of the canonical bytes, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()
