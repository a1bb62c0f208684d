"""SQLAlchemy with transitions and an audit table: a row lock, a state machine, an audit row in the transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker
from transitions import Machine

from benchmarks.driving import CONTENT, TRANSITIONS, asked, by_threads, tell

if TYPE_CHECKING:
    from collections.abc import Iterator


class Base(DeclarativeBase):
    """The tables."""


class Case(Base):
    """A case as it stands."""

    __tablename__ = "cases"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(default="draft")
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Audit(Base):
    """What happened to it, one row a transition."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    case_id: Mapped[UUID] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    person: Mapped[str]
    transition: Mapped[str]
    source: Mapped[str]
    target: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    case: Mapped[Case] = relationship()


MACHINE = Machine(
    model=None,
    states=[target for _, _, target in TRANSITIONS],
    transitions=[
        {"trigger": name, "source": source, "dest": target} for name, source, target in TRANSITIONS[1:]
    ],
    initial="draft",
    auto_transitions=False,
)


def start(session: Session) -> UUID:
    """Begin a case."""
    case = Case(id=uuid4(), state="draft", content=CONTENT)
    session.add(_told(case, "draft", "new"))
    session.commit()
    return case.id


def take(session: Session, case_id: UUID, name: str) -> None:
    """Take a transition durably."""
    case = session.execute(sa.select(Case).where(Case.id == case_id).with_for_update()).scalar_one()
    source = case.state
    MACHINE.add_model(case, initial=source)  # one machine for all cases; one a case would cost much more
    try:
        case.trigger(name)  # type: ignore[attr-defined] - the machine's
    finally:
        MACHINE.remove_model(case)
    case.content = CONTENT
    session.add(_told(case, name, source))
    session.commit()


def _told(case: Case, name: str, source: str) -> Audit:
    return Audit(
        case=case,
        at=datetime.now(UTC),
        person=name,
        transition=name,
        source=source,
        target=case.state,
        content=CONTENT,
    )


def main() -> None:
    """Measure, and answer."""
    given = asked(__doc__).parse_args()
    where = conninfo_to_dict(given.address)
    engine = sa.create_engine(
        "postgresql+psycopg://", connect_args=where, pool_size=given.clients, max_overflow=0
    )
    Base.metadata.create_all(engine)
    sessions = sessionmaker(engine)

    def client() -> Iterator[None]:
        while True:
            with sessions() as session:
                case = start(session)
            yield
            for name, _, _ in TRANSITIONS[1:]:
                with sessions() as session:
                    take(session, case, name)
                yield

    tell(by_threads([client] * given.clients, given.seconds, given.warm))
    engine.dispose()


if __name__ == "__main__":
    main()
