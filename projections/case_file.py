"""Everything there is to know about a case as it stands: the whole of its folded state, one row a case."""

from uuid import UUID

from grantflow.domain.application import Application, CaseEvent, evolve
from grantflow.domain.event import Entry
from grantflow.projection import Pen, Projection, Table


def every(pen: Pen, entry: Entry) -> None:
    """The case one event further, by the same fold that decisions are made on."""
    if not isinstance(entry.event, CaseEvent):
        return
    case = evolve(_known(pen, entry.originator_id), entry)
    pen.put("case_file", case_id=case.id, call=case.call, state=case.state, version=case.version, file=case)


def _known(pen: Pen, case_id: UUID) -> Application:
    row = pen.get("case_file", case_id)
    if row is None:
        return Application(id=case_id)
    known = row["file"]
    return known if isinstance(known, Application) else Application.restored(known)


projection = Projection(
    name="case_file",
    question="What is known about this case, as it stands now?",
    tables={
        "case_file": Table(
            columns={
                "case_id": "uuid",
                "call": "text NOT NULL",
                "state": "text NOT NULL",
                "version": "bigint NOT NULL",
                "file": "jsonb NOT NULL",
            },
            key=("case_id",),
            indexes=(("call", "state"),),
        )
    },
    every=every,
    by_stream=True,
)
