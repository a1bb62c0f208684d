"""JSON from outside, read strictly: UTF-8 in normal form, no key twice, nothing that is not JSON."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

from grantflow.domain.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

_ESCAPE = rb"\u"


def json_object(raw: bytes, named: str) -> dict[str, Any]:
    """The object in these bytes, its texts in NFC; BadRequest says what `named` holds that it should not."""
    try:
        data = _read(unicodedata.normalize("NFC", raw.decode()))
        if _ESCAPE in raw:  # what is written as an escape is put in normal form once it is read
            told = unicodedata.normalize("NFC", json.dumps(data, ensure_ascii=False))
            told.encode()  # which half of a surrogate pair does not survive
            data = _read(told)
    except UnicodeEncodeError as error:
        msg = f"The content of {named} holds half of a surrogate pair, which can't be stored."
        raise BadRequest(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"The content of {named} is not JSON as it should be: {error}"
        raise BadRequest(msg) from error
    if not isinstance(data, dict):
        msg = f"The content of {named} must be one JSON object."
        raise BadRequest(msg)
    return data


def _read(text: str) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_no_constant)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        msg = "a key stands twice in one object"
        raise ValueError(msg)
    return data


def _no_constant(name: str) -> Iterator[None]:
    msg = f"{name} is not a JSON number"
    raise ValueError(msg)
