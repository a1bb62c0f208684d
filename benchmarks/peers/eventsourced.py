"""eventsourcing, defaults, on PostgreSQL: an aggregate whose methods check its state, and a durable event each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

from benchmarks.driving import CONTENT, TRANSITIONS, asked, by_threads, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

AFTER = {(source, name): target for name, source, target in TRANSITIONS}


class Case(Aggregate):
    """A grant case. Its events are its audit trail; their versions are the lock."""

    @event("Started")
    def __init__(self, person: str, content: dict[str, Any]) -> None:
        self.state = "draft"
        self.person, self.content = person, content

    def take(self, transition: str, person: str, content: dict[str, Any]) -> None:
        """Take a transition, if there is such an arrow."""
        target = AFTER.get((self.state, transition))
        if target is None:
            msg = f"no {transition} from {self.state}"
            raise ValueError(msg)
        self.moved(target, person, content)

    @event("Moved")
    def moved(self, state: str, person: str, content: dict[str, Any]) -> None:
        """Record where the case is now."""
        self.state = state
        self.person, self.content = person, content


class Cases(Application[UUID]):
    """Loads, decides, saves."""

    def start(self) -> UUID:
        """Begin a case."""
        case = Case("draft", CONTENT)
        self.save(case)
        return case.id

    def take(self, case_id: UUID, transition: str) -> None:
        """Take a transition durably."""
        case: Case = self.repository.get(case_id)
        case.take(transition, transition, CONTENT)
        self.save(case)


def main() -> None:
    """Measure, and answer."""
    given = asked(__doc__).parse_args()
    where = conninfo_to_dict(given.address)
    os.environ |= {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(where["dbname"]),
        "POSTGRES_HOST": str(where["host"]),
        "POSTGRES_PORT": str(where.get("port", "5432")),
        "POSTGRES_USER": str(where.get("user", "postgres")),
        "POSTGRES_PASSWORD": str(where.get("password", "-")),
        "POSTGRES_POOL_SIZE": str(given.clients),  # the one thing changed: nobody waits for a connection
    }
    cases = Cases()

    def client() -> Iterator[None]:
        while True:
            case = cases.start()
            yield
            for name, _, _ in TRANSITIONS[1:]:
                cases.take(case, name)
                yield

    tell(by_threads([client] * given.clients, given.seconds, given.warm))
    cases.close()


if __name__ == "__main__":
    main()
