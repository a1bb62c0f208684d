"""An answer in JSON that goes out as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from litestar import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar.types import ASGIApp, Receive, Scope, Send

T = TypeVar("T")


class Answer(Response[T]):
    """A `Response` in JSON with nothing else to it: no cookies, no type of its own, nothing to do afterwards.

    What the framework does to get such a response out takes as long as deciding what it says.
    """

    def __init__(self, content: T, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(content, status_code=status, headers=dict(headers))

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIApp:  # type: ignore[override]  # noqa: ANN401
        """The ASGI application that sends it."""
        body = msgspec.json.encode(self.content)
        said = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        length = (b"content-length", str(len(body)).encode())
        headers = [*said, (b"content-type", b"application/json"), length]

        async def sent(_: Scope, __: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": self.status_code or 200, "headers": headers})
            await send({"type": "http.response.body", "body": body, "more_body": False})

        return sent
