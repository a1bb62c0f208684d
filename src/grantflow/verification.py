"""Verifies a whole store: the ledger, what the events say, the documents, and the read models. It changes nothing."""

from __future__ import annotations

from contextlib import contextmanager
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from grantflow.judging import judge
from grantflow.ledger.anchors import own_anchors, read_anchor
from grantflow.ledger.diagnosis import Fault
from grantflow.ledger.fields import verify_fields
from grantflow.ledger.verifying import Looked, verify_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from grantflow.connections import Connection
    from grantflow.ledger.anchors import Anchor
    from grantflow.ledger.note import Verifier
    from grantflow.projector import Projector
    from grantflow.store import Store

MOST_FAULTS = 100
"""So many faults are told; the first is the one to look at."""
_COMMANDS = """
    SELECT first_position, last_position, after FROM (
        SELECT first_position, last_position,
               coalesce(lag(last_position) OVER (ORDER BY first_position, last_position), 0) AS after FROM commands
        UNION ALL SELECT max(notification_id) + 1, NULL, (SELECT coalesce(max(last_position), 0) FROM commands)
        FROM stored_events HAVING count(*) > 0
    ) c WHERE first_position <> after + 1 ORDER BY first_position LIMIT 20
"""
"""Where the commands on record do not follow on each other, from the first event to the last."""
_DOCUMENTS = "SELECT digest, size, content FROM documents ORDER BY digest"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, and what is wrong. No fault is what one hopes for; the first is the one to look at."""

    events: int
    sealed: int
    checkpoints: int
    cases: int
    documents: int
    read_models: int
    trusted_keys: bool
    """Whether the checkpoints were held against keys from outside, and not only those the database names itself."""
    faults: tuple[Fault, ...]
    more: bool = False
    """Whether there are more faults than are told."""


class Kept(NamedTuple):
    """What somebody outside has kept: public keys, and checkpoints (signed notes), each with where it is from."""

    keys: tuple[Verifier, ...] = ()
    checkpoints: tuple[tuple[str, str], ...] = ()


class Progress(NamedTuple):
    """Where a verification has come: what is being looked at, how many are done, and how many there are (or 0)."""

    what: str
    done: int
    of: int


class Verification:
    """One verification of a store, by what was kept outside. `rules` and `read_models` can be left out to save time."""

    def __init__(
        self,
        store: Store,
        projector: Projector,
        kept: Kept = Kept(),  # noqa: B008 - immutable
        told: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._store, self._projector, self._kept, self._told = store, projector, kept, told
        self._looked = Looked()
        self._cases = self._documents = self._read_models = 0

    def run(self, *, rules: bool = True, read_models: bool = True) -> Verdict:
        """Look at everything, and say what is wrong."""
        faults = list(islice(self._faults(rules=rules, read_models=read_models), MOST_FAULTS + 1))
        return Verdict(
            events=self._looked.events,
            sealed=self._looked.sealed,
            checkpoints=self._looked.checkpoints,
            cases=self._cases,
            documents=self._documents,
            read_models=self._read_models,
            trusted_keys=bool(self._kept.keys),
            faults=tuple(faults[:MOST_FAULTS]),
            more=len(faults) > MOST_FAULTS,
        )

    def _faults(self, *, rules: bool, read_models: bool) -> Iterator[Fault]:
        with self._standing() as connection:
            anchors, wrong = self._anchors(connection)
            yield from wrong
            counting, address = self._counting("events"), self._store.database_url
            yield from verify_log(
                connection, anchors, self._looked, counting, address=address, content_of=self._store.body
            )
            yield from self._kept_documents(connection)
        yield from verify_fields(self._store, self._counting("events' fields"))
        yield from self._commands()
        if rules:
            judged = judge(self._store, self._counting("events judged"))
            yield from judged.faults()
            self._cases = judged.cases
        if read_models:
            yield from self._compared()

    @contextmanager
    def _standing(self) -> Iterator[Connection]:
        """A connection that sees the database as it is at one instant."""
        with self._store.connection() as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection

    def _anchors(self, connection: Connection) -> tuple[list[Anchor], list[Fault]]:
        """Every checkpoint the log is held against: the database's own, and those kept outside."""
        anchors, faults = own_anchors(connection, self._kept.keys)
        own = {anchor.checkpoint.origin for anchor in anchors}
        for source, text in self._kept.checkpoints:
            anchor, wrong = read_anchor(text, source, self._kept.keys)
            if anchor is not None and not self._kept.keys:
                wrong = None  # a checkpoint that somebody has kept is theirs to trust, whoever signed it
            if anchor is not None and own and anchor.checkpoint.origin not in own:
                wrong = f"{source} is of another log, {anchor.checkpoint.origin!r}"
            elif anchor is not None:
                anchors.append(anchor)
            if wrong is not None:
                faults.append(Fault(kind="checkpoint", what=wrong))
        return anchors, faults

    def _kept_documents(self, connection: Connection) -> Iterator[Fault]:
        """The documents that are not what their digests say."""
        with connection.cursor("documents", binary=True) as cursor:
            cursor.itersize = 10
            cursor.execute(_DOCUMENTS)
            for digest, size, content in cursor:
                self._documents += 1
                if sha256(content).hexdigest() != digest or len(content) != size:
                    yield Fault(kind="document", what=f"the document {digest} is not what was attached")

    def _commands(self) -> Iterator[Fault]:
        """The places where events stand that no command on record led to, or a command that led to none."""
        with self._standing() as connection:
            rows = connection.execute(_COMMANDS).fetchall()
        for first, last, after in rows:
            if last is None and first <= after:
                what = f"commands are on record for events up to position {after}, and the log ends at {first - 1}"
                yield Fault(kind="truncated", position=first, what=what)
            elif first > after + 1:
                what = (
                    f"no command is on record that led to the events from position {after + 1} to {first - 1}"
                )
                yield Fault(kind="command", position=after + 1, what=what)
            else:
                what = f"two commands are on record for the event at position {first}"
                yield Fault(kind="command", position=first, what=what)

    def _compared(self) -> Iterator[Fault]:
        """The rows of the read models that do not follow from the events."""
        for name in self._projector.projections:
            self._told(Progress(f"read model {name}", self._read_models, len(self._projector.projections)))
            yield from self._differing(name)
            self._read_models += 1

    def _differing(self, name: str) -> Iterator[Fault]:
        ahead = self._ahead_of_the_log(name)
        if ahead is not None:
            yield ahead
            return
        try:
            differences = self._projector.check(name, most=5)
        except Exception as error:  # noqa: BLE001 - a log that was tampered with can be anything
            what = f"read model {name} can't be made from this log: {type(error).__name__}: {error}"
            yield Fault(kind="read-model", what=what)
            return
        for difference in differences:
            side = "is there, and no event says so" if difference.side == "live" else "is missing"
            row = msgspec.json.encode(difference.row, enc_hook=str).decode()
            what = f"read model {name}, table {difference.table}: a row {side}: {row[:300]}"
            yield Fault(kind="read-model", what=what)

    def _ahead_of_the_log(self, name: str) -> Fault | None:
        """A read model that has seen more events than there are: the end of the log is gone."""
        last = self._store.last_position()
        seen = next((one.position for one in self._projector.standings() if one.name == name), 0)
        if seen <= last:
            return None
        what = (
            f"read model {name} has seen {seen} events, and the log has {last}: what stood after that is gone"
        )
        return Fault(kind="truncated", position=last + 1, what=what)

    def _counting(self, what: str) -> Callable[[int, int], None]:
        return lambda done, of: self._told(Progress(what, done, of))


def described(fault: Fault) -> dict[str, Any]:
    """A fault as a row of a table."""
    return {"kind": fault.kind, "position": fault.position or None, "event": fault.event, "what": fault.what}
