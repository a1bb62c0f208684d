"""Who looked at or exported what, and when."""

from collections.abc import Iterator

from grantflow.domain.event import Event
from grantflow.history import History
from grantflow.question import Question, Row, row

KINDS = ("evidence-exported@", "access-")
"""How the topics begin of the events that say so."""


def answer(history: History) -> Iterator[Row]:
    """Every event that tells of somebody reading, and of nothing that was done in a case."""
    for entry in history.entries:
        event = entry.event
        if not _tells_of_reading(event):
            continue
        stamp = event.stamp
        yield row(
            None,
            [entry],
            at=stamp.recorded_at.isoformat(),
            person=stamp.person,
            organisation=stamp.organisation,
            role=stamp.role,
            authority=stamp.authority or "",
            channel=stamp.channel,
            what=event.topic,
            facts=event.facts(),
        )


def _tells_of_reading(event: Event) -> bool:
    return event.stream == "access" or event.topic.startswith(KINDS)


question = Question(
    number=23,
    name="access",
    asks="Who looked at or exported what (nothing records it yet), when, in which capacity?",
    law="riksrevisjonsloven §§ 6-1, 6-3; offentleglova § 1; personvernforordningen art. 32",
    columns=("at", "person", "organisation", "role", "authority", "channel", "what", "facts"),
    answer=answer,
)
