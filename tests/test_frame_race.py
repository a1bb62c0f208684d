"""However many decide at once, in however many processes, the frame holds: not one grant too many or too few."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import pytest
from granter import THREADS
from steps import GRANTED, assessed, declared
from variants import prepared, publish

from grantflow.domain.application import fold
from grantflow.domain.frame import Frame, fold_frame
from grantflow.domain.money import kroner, ore
from grantflow.service import Service
from grantflow.states import frame_stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from grantflow.store import Store

GRANTER = str(Path(__file__).with_name("granter.py"))
PROCESSES, ROOM, REPETITIONS = 4, 10, 50
FRAME = kroner(ROOM * ore(GRANTED))


class Granters:
    """Processes that grant cases in the same instant."""

    def __init__(self, address: str, stack: ExitStack) -> None:
        self._said = stack.enter_context(TemporaryFile("w+"))  # noqa: SIM115 - closed by the stack
        self._processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, GRANTER, address],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._said,
                    text=True,
                    bufsize=1,
                )
            )
            for _ in range(PROCESSES)
        ]
        for process in self._processes:
            stack.callback(process.kill)

    def grant(self, cases: list[UUID]) -> dict[UUID, str]:
        """Grant all the cases; what came of each."""
        shares = [cases[n::PROCESSES] for n in range(PROCESSES)]
        for process, share in zip(self._processes, shares, strict=True):
            assert process.stdin is not None
            process.stdin.write(" ".join(map(str, share)) + "\n")
        codes: dict[UUID, str] = {}
        for process, share in zip(self._processes, shares, strict=True):
            assert process.stdout is not None
            answered = process.stdout.readline().split()
            assert len(answered) == len(share), self._why()
            codes |= zip(share, answered, strict=True)
        return codes

    def _why(self) -> str:
        self._said.seek(0)
        return self._said.read()[-4_000:]


@pytest.fixture
def granters(database_url: str) -> Iterator[Granters]:
    with ExitStack() as stack:
        yield Granters(database_url, stack)


@pytest.mark.timeout(120)
def test_64_grants_at_once_from_4_processes_use_a_frame_with_room_for_10_exactly(
    store: Store, granters: Granters
) -> None:
    service = Service(store)
    for repetition in range(REPETITIONS):
        call = publish(service, f"race-{repetition}", FRAME)
        cases = prepared(store, call, PROCESSES * THREADS, *assessed(), declared("decider"))
        codes = granters.grant(cases)
        assert Counter(codes.values()) == {"granted": ROOM, "frame-exceeded": len(cases) - ROOM}
        frame = fold_frame(Frame(id=frame_stream(call.id)), store.load(frame_stream(call.id)))
        assert frame.version == 1 + ROOM
        assert (frame.committed_ore, frame.left_ore) == (call.frame, 0)
        granted = {case for case in cases if fold(case, store.load(case)).state == "granted"}
        assert granted == {case for case, code in codes.items() if code == "granted"}
        assert granted == set(frame.commitments)
