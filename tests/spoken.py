"""The command line spoken to in this process, to be quick: what each command answers, as the process would."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from structlog.testing import capture_logs

from grantflow import logs
from grantflow.cli.commands import run

if TYPE_CHECKING:
    from collections.abc import Callable


class Answer(NamedTuple):
    """How a command ended: its exit code, and what it said where."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def speaking(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """What runs one command on a database; `stdin` is what it can read."""
    monkeypatch.setenv("GRANTFLOW_DATABASE_URL", url)
    monkeypatch.setattr(logs, "set_up", lambda *_, **__: None)

    def say(*words: str, stdin: str = "") -> Answer:
        monkeypatch.setattr(sys, "argv", ["grantflow", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with capture_logs(), pytest.raises(SystemExit) as end:
            run()
        told = capsys.readouterr()
        return Answer(int(end.value.code or 0), told.out, told.err)

    return say
