"""What an auditor's question is: its name and number, what it asks, and how the history answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping  # noqa: TC003 - dataclasses may look them up
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grantflow.domain.event import Entry
    from grantflow.history import CaseHistory, History


@dataclass(frozen=True)
class Row:
    """One line of an answer: what was found, by column (any JSON value), and the events that prove it (if any)."""

    found: Mapping[str, Any]
    events: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """A question of the national auditor's.

    Where `breaches` is true each row is a breach, and no row is what one hopes for; otherwise the rows are what was
    asked for. `law` is the paragraph or rule behind it. `columns` are the keys of each row's `found`, in order.
    `reads` tells that it is answered from who has looked (`History.reads`), which stands in no event and no ledger.
    """

    number: int
    name: str
    asks: str
    law: str
    columns: tuple[str, ...]
    answer: Callable[[History], Iterable[Row]]
    breaches: bool = False
    reads: bool = False


def row(case: CaseHistory | None, entries: Iterable[Entry], /, **found: Any) -> Row:  # noqa: ANN401 - any JSON value
    """A line of an answer; where it is about a case, its number and applicant come first."""
    about = {"case": case.number, "applicant": case.case.applicant.name} if case else {}
    return Row({**about, **found}, tuple(entry.id for entry in entries))
