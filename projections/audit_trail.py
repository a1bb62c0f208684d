"""Who did what, when, in which role, on whose authority: every event there is, one row each."""

from grantflow.domain.event import Entry
from grantflow.projection import Pen, Projection, Table


def every(pen: Pen, entry: Entry) -> None:
    """One row an event, whatever its type: a new type can't be forgotten."""
    stamp = entry.event.stamp
    pen.add(
        "audit_trail",
        position=entry.position,
        event=entry.id,
        stream=entry.originator_id,
        version=entry.originator_version,
        topic=entry.event.topic,
        step=stamp.step,
        state=stamp.state,
        person=stamp.person,
        organisation=stamp.organisation,
        role=stamp.role,
        authority=stamp.authority,
        channel=stamp.channel,
        command=stamp.command,
        recorded_at=stamp.recorded_at,
        effective_at=stamp.effective_at,
        facts=entry.event.facts(),
    )


projection = Projection(
    name="audit_trail",
    question="Who did what, when, in which role and on whose authority?",
    tables={
        "audit_trail": Table(
            columns={
                "position": "bigint",
                "event": "text NOT NULL",
                "stream": "uuid NOT NULL",
                "version": "bigint NOT NULL",
                "topic": "text NOT NULL",
                "step": "text NOT NULL",
                "state": "text NOT NULL",
                "person": "text NOT NULL",
                "organisation": "text NOT NULL",
                "role": "text NOT NULL",
                "authority": "text",
                "channel": "text NOT NULL",
                "command": "text NOT NULL",
                "recorded_at": "timestamptz NOT NULL",
                "effective_at": "timestamptz",
                "facts": "jsonb NOT NULL",
            },
            key=("position",),
            indexes=(("stream", "version"), ("person",), ("topic",)),
            together=("stream", "version"),
        )
    },
    every=every,
)
