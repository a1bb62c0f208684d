"""One person in two of the steps that must be taken by different people, looked for over the whole case."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from grantflow.question import Question, Row, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.domain.event import Entry
    from grantflow.history import CaseHistory, History


def answer(history: History) -> Iterator[Row]:
    """A row a person and pair of steps. Every definition that the case was bound to says which steps are apart."""
    for case in history.cases:
        took: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
        for entry in case.entries:
            took[entry.event.stamp.step][entry.event.stamp.person].append(entry)
        for (one, other), source in _apart(history, case).items():
            for person in took[one].keys() & took[other].keys():
                yield row(
                    case,
                    [*took[one][person], *took[other][person]],
                    person=person,
                    one=one,
                    other=other,
                    source=source,
                )


def _apart(history: History, case: CaseHistory) -> dict[tuple[str, str], str]:
    """The pairs of steps that are kept apart, and the rule that says so."""
    digests = dict.fromkeys(moment.after.definition for moment in case.moments)
    return {
        pair: apart.source
        for digest in digests
        for apart in history.definitions[digest].process.apart
        for pair in combinations(apart.steps, 2)
    }


question = Question(
    number=9,
    name="four-eyes",
    asks="Did one person take two of the steps that must be taken by different people, over the whole case?",
    law="bestemmelser om økonomistyring 2.5.2.2, 3.7.3.3, 6.3.8.1; the call, on who signs the accounts (R27)",
    columns=("case", "applicant", "person", "one", "other", "source"),
    answer=answer,
    breaches=True,
)
