"""A stage for tests of who may see what: two directorates' calls, and cases of three municipalities in them."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from gathered import BERGEN, TRONDHEIM, of
from given import IMDI, OSLO_KOMMUNE, STAVANGER, Step
from noted import append
from serving import Serving, service_on
from steps import call_2023, drafted, paid, submitted
from variants import by_lead, delegate, prepared
from walking import PDF

from grantflow.domain.call import CALL, Call
from grantflow.domain.drafting import DocumentAttached
from grantflow.domain.event import Entry
from grantflow.domain.submission import ApplicationSubmitted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from uuid import UUID

    from grantflow.store import Store

BUFDIR = "986128433"
"""Another directorate, with a call of its own."""
RIKSREVISJONEN = "974760843"
NOW = datetime(2024, 3, 1, 9, tzinfo=UTC)
PLANTED = "plantet"
"""Stands in everything that is written in the directorate while a case is prepared, and nowhere else."""
THEIR_CALL = "bufdir-2023"
_ATTACHED = Step("attach", {"filename": "plan.pdf", "media_type": "application/pdf", "content": PDF})
_ASSIGNED = Step("assign", {"case_officer": f"{PLANTED}-saksbehandler"}, role="case-officer")
_INTERNAL = {"score": "grounds", "assess": "grounds", "assess-state-aid": "grounds"} | {
    "declare-impartiality": "reason"
}


class Stage(NamedTuple):
    """The service and its cases, each named after whose it is and how far it has come."""

    serving: Serving
    joint: UUID
    """Oslo's, together with Bergen, paid."""
    other: UUID
    """Stavanger's own, submitted."""
    draft: UUID
    """Trondheim's, which Bergen is named in, and not submitted."""
    dropped: UUID
    """Oslo's, submitted with Bergen, and then again without."""
    theirs: UUID
    """Oslo's, submitted under the other directorate's call."""
    document: str
    """The digest of what is attached to the first two."""

    @property
    def cases(self) -> dict[UUID, str]:
        """Each case by the name it has here."""
        return {getattr(self, name): name for name in ("joint", "other", "draft", "dropped", "theirs")}


@contextmanager
def staged(store: Store, home: Path) -> Iterator[Stage]:
    """Put it all on a fresh database, and serve it in March 2024."""
    with service_on(store, home, clock=lambda: NOW) as serving:
        service, call = serving.app.service, call_2023()
        service.calls.publish(call.files, by_lead("publish"))
        delegate(service)
        theirs = _under_bufdir(call)
        service.calls.publish(
            theirs.files, msgspec.structs.replace(by_lead("publish-theirs"), organisation=BUFDIR)
        )
        first = prepared(store, call, 1, *_written(_planted(_with_document(_joint(paid())))))
        second = prepared(store, call, 1, *of(STAVANGER, *_with_document(submitted())))
        third = prepared(store, call, 1, *of(TRONDHEIM, *_joint(drafted())))
        fourth = prepared(store, call, 1, *_joint(submitted()))
        fifth = prepared(store, theirs, 1, *submitted())
        _drop_partners(store, fourth[0])
        document = _put_documents(store, first[0])
        serving.catch_up()
        yield Stage(serving, first[0], second[0], third[0], fourth[0], fifth[0], document)


def _under_bufdir(call: Call) -> Call:
    text = call.files[CALL]
    for old, new in ((f'id = "{call.id}"', f'id = "{THEIR_CALL}"'), (f'authority = "{IMDI}"', "")):
        assert text.count(old) == 1
        text = text.replace(old, new or f'authority = "{BUFDIR}"')
    return Call.read({**call.files, CALL: text})


def _joint(steps: Iterable[Step]) -> Iterator[Step]:
    """The same steps, in an application together with Bergen."""
    partners = {"organisations": [{"organisation": BERGEN, "role": "Deltar"}]}
    for step in steps:
        yield step.saying(content=partners) if step.data.get("section") == "partners" else step


def _with_document(steps: Iterable[Step]) -> Iterator[Step]:
    return chain.from_iterable((_ATTACHED, step) if step.name == "approve" else (step,) for step in steps)


def _planted(steps: Iterable[Step]) -> Iterator[Step]:
    """The same steps, with a word in everything that is internal."""
    for step in steps:
        field = _INTERNAL.get(step.name)
        yield step.saying(**{field: f"{PLANTED} {step.name}"}) if field else step


def _written(steps: Iterable[Step]) -> Iterator[Step]:
    """The same steps, and a case officer who is given the case."""
    return chain.from_iterable((_ASSIGNED, step) if step.name == "assess" else (step,) for step in steps)


def _drop_partners(store: Store, case: UUID) -> None:
    """Submit once more, alone, as a call with two stages lets one do."""
    entries = store.load(case)
    before = next(e.event for e in entries if isinstance(e.event, ApplicationSubmitted))
    again = msgspec.structs.replace(before, partners=())
    store.append(append(Entry(case, len(entries) + 1, again))).result()


def _put_documents(store: Store, case: UUID) -> str:
    """Keep what the case's attachment holds, as the command does; gives its digest."""
    attached = [e.event.attachment for e in store.load(case) if isinstance(e.event, DocumentAttached)]
    store.put_document(attached[0].digest, "application/pdf", base64.b64decode(PDF))
    return attached[0].digest


MUNICIPALITIES = {"own": OSLO_KOMMUNE, "partner": BERGEN, "outsider": TRONDHEIM, "other": STAVANGER}
