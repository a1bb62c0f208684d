"""Who looked at or exported which cases, and when."""

from collections.abc import Iterator

from grantflow.domain.access import Access
from grantflow.history import History
from grantflow.question import Question, Row, row


def answer(history: History) -> Iterator[Row]:
    """Every row of the access log that concerns these cases; no event proves it."""
    for access in history.reads:
        yield row(
            None,
            (),
            at=access.at.isoformat(),
            person=access.person,
            organisation=access.organisation,
            role=access.role,
            channel=access.channel,
            did=access.did,
            what=access.what,
            call=access.call,
            cases=_numbers(history, access),
            count=access.count,
            request=access.request,
        )


def _numbers(history: History, access: Access) -> list[str]:
    """The cases it showed, of those that the question is about; none by name where it showed a whole call."""
    numbers = [history.by_id[case].number for case in access.cases if case in history.by_id]
    if access.case:
        known = history.by_id.get(access.case)
        numbers.append(known.number if known else str(access.case))
    return numbers


question = Question(
    number=23,
    name="access",
    asks="Who looked at or exported which cases, when, in which capacity (by the access log, not in the ledger)?",
    law="riksrevisjonsloven §§ 6-1, 6-3; offentleglova § 1; personvernforordningen art. 32",
    columns=(
        "at", "person", "organisation", "role", "channel", "did", "what", "call", "cases", "count", "request",
    ),
    answer=answer,
    reads=True,
)  # fmt: skip
