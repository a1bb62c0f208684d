"""One sending over the network, and what came of it: nothing that a receiver does takes longer than it may."""

from __future__ import annotations

import asyncio
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import httpx
import structlog

from grantflow.webhooks.pace import ANSWER_SECONDS
from grantflow.webhooks.target import TargetRefused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from grantflow.webhooks.target import Address, Target, Targets

log = structlog.get_logger(__name__)

_ASKS_FOR_REST = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_LONGEST_HEADER = 100


class Outcome(NamedTuple):
    """What came of a sending: the status where there was one, else a reason; and how long it was asked to wait."""

    status: int | None = None
    reason: str = ""
    retry_after: str = ""

    @property
    def delivered(self) -> bool:
        """Whether the receiver has said yes."""
        return self.status is not None and HTTPStatus(200) <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def gone(self) -> bool:
        """Whether the receiver wants nothing more."""
        return self.status == HTTPStatus.GONE


class Sender:
    """Posts to receivers. `names` are the threads in which names are resolved, which may hang on some of them."""

    def __init__(self, targets: Targets, names: Executor, trusted: ssl.SSLContext | None = None) -> None:
        self._targets, self._names = targets, names
        self._trusted = trusted or ssl.create_default_context()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Post it once, and give what came of it; whatever the receiver does, an Outcome within ANSWER_SECONDS.

        The yes is in the status: what comes after the head of an answer is not read.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                loop = asyncio.get_running_loop()
                target, addresses = await loop.run_in_executor(self._names, self._targets.checked, url)
                return await self._to_the_first_that_answers(target, addresses, headers, body)
        except TimeoutError:
            return Outcome(reason=f"no answer within {ANSWER_SECONDS:.0f} seconds")
        except TargetRefused as refusal:
            return Outcome(reason=refusal.detail)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return Outcome(reason=_told(error))

    async def _to_the_first_that_answers(
        self, target: Target, addresses: list[Address], headers: Mapping[str, str], body: bytes
    ) -> Outcome:
        """Try the addresses in turn while no connection comes about; what was sent to one is sent to no other."""
        for address in addresses[:-1]:
            try:
                return await self._post(target, address, headers, body)
            except httpx.ConnectError:
                continue
        return await self._post(target, addresses[-1], headers, body)

    async def _post(
        self, target: Target, address: Address, headers: Mapping[str, str], body: bytes
    ) -> Outcome:
        """Post to that address and no other, as the host that was meant: in the header, in TLS and its certificate."""
        transport = httpx.AsyncHTTPTransport(verify=self._trusted, trust_env=False)
        async with httpx.AsyncClient(
            transport=transport, trust_env=False, follow_redirects=False, timeout=ANSWER_SECONDS
        ) as client:
            request = client.build_request(
                "POST",
                target.at(address),
                content=body,
                headers={
                    **headers,
                    "Host": target.netloc,
                    "Accept-Encoding": "identity",
                    "Connection": "close",
                },
                extensions={"sni_hostname": target.host},
            )
            response = await client.send(request, stream=True)
            try:
                wait = (
                    response.headers.get("retry-after", "") if response.status_code in _ASKS_FOR_REST else ""
                )
                reason = "" if response.is_success else f"answered {response.status_code}"
                return Outcome(response.status_code, reason, wait[:_LONGEST_HEADER])
            finally:
                await response.aclose()


def _told(error: Exception) -> str:
    """What went wrong, in words of ours: what a receiver says is not repeated."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "its certificate is not trusted for this host"
        if isinstance(cause, ssl.SSLError):
            return "no TLS connection came about"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError):
        return "no connection came about"
    if isinstance(error, httpx.RemoteProtocolError):
        return "what it answered is not HTTP, or was cut off"
    return f"the connection broke ({type(error).__name__})"
