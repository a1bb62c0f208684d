"""The command line in a process for which the database goes away once the first window of an import is stored."""

from __future__ import annotations

from typing import Any

from grantflow.cli import main as command
from grantflow.service import Service
from grantflow.store import Unavailable


def main() -> None:
    """Run the command with the arguments of the process."""
    really = Service.handle_all
    calls: list[Any] = []

    def handle_all(self: Service, requests: Any, *, window: int = 512) -> Any:
        calls.append(requests)
        if len(calls) > 1:
            msg = "The database does not answer: it has left."
            raise Unavailable(msg)
        return really(self, requests, window=window)

    Service.handle_all = handle_all  # type: ignore[method-assign]
    command()
