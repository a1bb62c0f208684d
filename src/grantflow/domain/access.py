"""That somebody has looked at something: who, when, in which capacity, at what."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec.structs import force_setattr

Channel: TypeAlias = Literal["http", "cli"]
Did: TypeAlias = Literal["read", "exported", "listed", "asked"]


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """One looking. It changes nothing in a case, and so it is no event.

    `person` is a pseudonym, as in a stamp. `what` says what was shown (`case`, `history`, `list`, `question
    four-eyes`). It is of one `case`; or of those `cases` that a page of a list showed; or of no case by name: then
    `count` says how many cases of the `call` (None: of all calls) it showed, and each of them counts as seen. `request`
    is what the server calls the request.
    """

    at: datetime
    person: str
    organisation: str
    role: str
    channel: Channel
    did: Did
    what: str
    case: UUID | None = None
    call: str | None = None
    request: str | None = None
    cases: tuple[UUID, ...] = ()
    count: int = 0
    """How many cases it showed; reckoned from `case` or `cases` where there are such."""

    def __post_init__(self) -> None:
        if not self.count:
            force_setattr(self, "count", 1 if self.case else len(self.cases))
