"""Imports a file of commands: opens it, takes its lines, tells how far it has come, and what became of them."""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
import psycopg

from grantflow.cli.ending import REFUSED
from grantflow.cli.opening import opened, rows
from grantflow.cli.output import console, counting, table_of, visible, write, write_json
from grantflow.domain.errors import BadRequest, Failure
from grantflow.importing.importer import Importer
from grantflow.importing.lines import Unreadable, lines_of
from grantflow.store import Overloaded, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from grantflow.app import App
    from grantflow.domain.errors import Refused
    from grantflow.importing.importer import Answer

SOME_REFUSED = 3
MOST_TOLD, MOST_BYTES = 1_000, 4_000_000
"""So many refused lines stand in the report, and no more than so many bytes of them. --refused FILE has them all."""
MOST_SHOWN = 20
_OFTEN = 100


class Refusal(msgspec.Struct, frozen=True):
    """A line that was refused, and why."""

    line: int
    key: str
    step: str
    code: str
    detail: str
    failures: tuple[Failure, ...]


class Progress(msgspec.Struct, frozen=True):
    """How far it has come: lines, and of about how many."""

    done: int
    of: int
    what: str = "Importing"


class Report:
    """What became of the lines: figures, the first that were refused, and all of those in a file where one is named."""

    def __init__(self, refused: BinaryIO | None) -> None:
        self._refused = refused
        self.figures: Counter[str] = Counter()
        self.steps: dict[str, Counter[str]] = {}
        self.codes: Counter[str] = Counter()
        self.first: list[bytes] = []
        self.last_line = 0
        self._bytes = 0

    @property
    def lines(self) -> int:
        """How many lines have been answered."""
        return self.figures.total()

    def take(self, answer: Answer) -> None:
        """Count a line, and remember it if it was refused."""
        self.last_line = answer.line
        self.figures[answer.what] += 1
        refusal = answer.refusal
        if refusal is None:
            if answer.what != "untold":
                self.steps.setdefault(answer.step, Counter())[answer.what] += 1
            return
        self.codes[refusal.code] += 1
        told = _told(answer, refusal)
        if self._refused is not None:
            self._refused.write(told + b"\n")
        if len(self.first) < MOST_TOLD and self._bytes < MOST_BYTES:
            self.first.append(told)
            self._bytes += len(told)

    def as_json(self, *, dry_run: bool, stopped: Refused | None) -> dict[str, Any]:
        """The report for machines."""
        return {
            "dry_run": dry_run,
            "lines": self.lines,
            "last_line": self.last_line,
            **{what: self.figures[what] for what in ("done", "repeated")},
            "untold": self.figures["untold"],
            "refused_lines": self.figures["refused"],
            "steps": self.steps,
            "codes": self.codes,
            "refused": [msgspec.Raw(told) for told in self.first],
            "stopped": stopped and {"code": stopped.code, "detail": stopped.detail},
        }

    def show(self, *, dry_run: bool) -> None:
        """The report for people."""
        if not self.lines:
            write("There is no line in it.\n")
            return
        figures, would = self.figures, " would be" if dry_run else ""
        untold = f", {figures['untold']} that can't be told" if figures["untold"] else ""
        write(
            f"{self.lines} lines: {figures['done']}{would} done, {figures['repeated']} done before, "
            f"{figures['refused']}{would} refused{untold}.\n"
        )
        page = console()
        if self.steps:
            steps = sorted(self.steps.items())
            page.print(
                table_of(
                    [{"step": step, "done": n["done"], "done before": n["repeated"]} for step, n in steps]
                )
            )
        if self.codes:
            page.print(table_of([{"refused": code, "lines": n} for code, n in self.codes.most_common()]))
            shown = [msgspec.json.decode(told, type=Refusal) for told in self.first[:MOST_SHOWN]]
            first = [{"line": one.line, "key": one.key, "why": one.detail} for one in shown]
            left = figures["refused"] - len(first)
            page.print(table_of(first, f"The first {len(first)} of {left + len(first)}" if left else ""))


def run_import(file: str, refused: str, *, dry_run: bool, as_json: bool) -> None:
    """Import the file; exit as the command says."""
    with ExitStack() as stack:
        source, end = _source(file, stack)
        report = Report(_beside(refused, source, stack))
        app = stack.enter_context(opened())
        importer = Importer(app.store, lambda numbers: _numbers(app, numbers), dry_run=dry_run)
        stopped = _run(importer, source, end, report)
    if as_json:
        write_json(report.as_json(dry_run=dry_run, stopped=stopped))
    else:
        report.show(dry_run=dry_run)
    if stopped is not None:
        so_far = f"Everything to line {report.last_line} is answered; the same again goes on from there."
        sys.stderr.write(f"Stopped ({stopped.code}): {visible(stopped.detail.rstrip('.'))}. {so_far}\n")
        raise SystemExit(REFUSED)
    if report.figures["refused"]:
        raise SystemExit(SOME_REFUSED)


def _run(importer: Importer, source: BinaryIO, end: int | None, report: Report) -> Refused | None:
    """Take all lines; what stopped it, if something did."""
    try:
        with counting() as progress:
            for answer in importer.answers(lines_of(source, end)):
                report.take(answer)
                if report.lines % _OFTEN == 0:
                    progress(Progress(report.lines, report.lines * (end or 0) // answer.read))
    except (Unavailable, Overloaded, Unreadable) as stopped:
        return stopped
    except psycopg.OperationalError as error:
        return Unavailable.because(error)
    return None


def _source(name: str, stack: ExitStack) -> tuple[BinaryIO, int | None]:
    """What is read, and how long it is now, where that can be known: what is added meanwhile is for another time."""
    if name == "-":
        return (sys.stdin.buffer if sys.stdin else BytesIO()), None
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - the stack closes it
    except OSError as error:
        msg = f"{name} can't be read: {error.strerror or error}."
        raise BadRequest(msg) from error
    stack.enter_context(file)
    about = os.fstat(file.fileno())
    return file, about.st_size or None if stat.S_ISREG(about.st_mode) else None


def _beside(name: str, source: BinaryIO, stack: ExitStack) -> BinaryIO | None:
    """The file for what is refused, if one is named."""
    if not name:
        return None
    path = Path(name)
    try:
        if (
            path.exists()
            and not isinstance(source, BytesIO)
            and os.path.samestat(path.stat(), os.fstat(source.fileno()))
        ):
            msg = f"--refused {name} is the file that is imported. Name another."
            raise BadRequest(msg)
        return stack.enter_context(path.open("wb"))
    except OSError as error:
        msg = f"{name} can't be written: {error.strerror or error}."
        raise BadRequest(msg) from error


def _numbers(app: App, numbers: Sequence[str]) -> dict[str, UUID]:
    found = rows(
        app, "SELECT number, case_id FROM case_list WHERE number = ANY(%(numbers)s)", numbers=list(numbers)
    )
    return {row["number"]: row["case_id"] for row in found}


def _told(answer: Answer, refusal: Refused) -> bytes:
    one = Refusal(
        line=answer.line,
        key=answer.key,
        step=answer.step,
        code=refusal.code,
        detail=refusal.detail,
        failures=refusal.failures,
    )
    return msgspec.json.encode(one)
