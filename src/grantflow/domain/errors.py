"""Every refusal the engine can give: one class, one code, one status.

A refusal is an answer, not a fault: it says what was refused, why, and what would be allowed. Nothing has happened
when one is raised. Any other exception is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import msgspec

from grantflow.domain.calendar import clock
from grantflow.domain.money import kr

if TYPE_CHECKING:
    from datetime import datetime


_NAMED = 3
"""How many failures a refusal's sentence names; the rest are in `failures`."""


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule or form condition that did not hold.

    `rule` is its id, `source` the paragraph it comes from, `path` the field it speaks of (dotted, `budget.lines[2]`),
    `message` its text by language (`nb`, `nn`, `en`).
    """

    rule: str
    message: Mapping[str, str]
    source: str = ""
    path: str = ""

    def text(self, language: str = "en") -> str:
        """The message in `language`, or in the first language it has."""
        return self.message.get(language) or next(iter(self.message.values()))


class Refused(Exception):  # noqa: N818 - the field's word; an error would be a bug
    """The root of all refusals; `code` is stable for machines, `status` is HTTP's."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409

    def __init__(self, detail: str, *, failures: tuple[Failure, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.failures = failures


class BadRequest(Refused):
    """The command is not of the form its step asks for."""

    code = "bad-request"
    status = 400


class NotFound(Refused):
    """There is no such thing, or the caller may not know that there is."""

    code = "not-found"
    status = 404


class StepNotAllowed(Refused):
    """The process has no arrow for this step from the state the case is in."""

    code = "step-not-allowed"

    def __init__(self, step: str, state: str, allowed: tuple[str, ...]) -> None:
        now = ", ".join(allowed) or "nothing: the case has ended"
        super().__init__(f"'{step}' is not possible when the case is {state}. Possible now: {now}.")


class RoleNotAllowed(Refused):
    """The person's role may not take this step."""

    code = "role-not-allowed"
    status = 403

    def __init__(self, step: str, role: str, roles: tuple[str, ...]) -> None:
        super().__init__(f"The role {role} may not take the step '{step}'. It is for: {', '.join(roles)}.")


class NotYourCase(NotFound):
    """The case belongs to another organisation (a municipality never sees that another's case exists)."""

    def __init__(self) -> None:
        super().__init__("There is no such case.")


class NotTheAuthority(Refused):
    """A directorate's role was claimed for an organisation that is not the one behind the call."""

    code = "not-the-authority"
    status = 403


class PastDeadline(Refused):
    """The step came at or after the first instant that is too late."""

    code = "past-deadline"

    def __init__(self, deadline: str, limit: datetime, at: datetime) -> None:
        super().__init__(
            f"The {deadline} deadline passed at {clock(limit)} in Oslo; this came at {clock(at)}. "
            "The directorate can extend it for one case with grounds (extend-deadline)."
        )


class RulesFailed(Refused):
    """Declared rules of the call, or its form, do not hold for the content; `failures` names each."""

    code = "rules-failed"
    status = 422

    def __init__(self, step: str, failures: tuple[Failure, ...]) -> None:
        first = "; ".join(f"{f.rule}: {f.text()}" for f in failures[:_NAMED])
        more = f" (and {len(failures) - _NAMED} more)" if len(failures) > _NAMED else ""
        super().__init__(f"'{step}' is refused by the call's rules: {first}{more}", failures=failures)


class ApprovalOutdated(Refused):
    """What the director approved is not what would be submitted (R22)."""

    code = "approval-outdated"


class ImpartialityNotDeclared(Refused):
    """A person touched the case before declaring impartiality (fvl §§ 6-10)."""

    code = "impartiality-not-declared"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "Declare your impartiality in this case first (declare-impartiality): nobody prepares or decides before."
        )


class Disqualified(Refused):
    """A person who declared a conflict tried to act in the case (fvl §§ 6-10)."""

    code = "disqualified"
    status = 403

    def __init__(self) -> None:
        super().__init__("You have declared a conflict in this case; somebody else must take this step.")


class SamePerson(Refused):
    """One person would hold two of the roles that must differ in one case."""

    code = "same-person"
    status = 403

    def __init__(self, step: str, earlier: str, source: str) -> None:
        super().__init__(
            f"The person who took '{earlier}' in this case can't also take '{step}' ({source}). Somebody else must."
        )


class FrameExceeded(Refused):
    """The grant would take the call past its frame (R3); amounts are øre."""

    code = "frame-exceeded"

    def __init__(self, amount: int, left: int, area: str = "") -> None:
        whose = f"the part of the area '{area}'" if area else "the call's frame"
        super().__init__(f"{kr(amount)} would exceed {whose}: {kr(left)} is left.")


class NotReady(Refused):
    """Something that must come before this step has not happened."""

    code = "not-ready"


class NotAllowed(Refused):
    """The step is possible, but not with this content."""

    code = "not-allowed"


class NothingDue(Refused):
    """The clock asked for something that is not due (any more) in this case."""

    code = "nothing-due"


class VersionMismatch(Refused):
    """The case is not as the caller last saw it (`If-Match`)."""

    code = "version-mismatch"
    status = 412

    def __init__(self, expected: int, version: int) -> None:
        super().__init__(
            f"The case is at version {version}, and you asked for version {expected}. Nothing was done: read it anew."
        )


class ClockBehind(Refused):
    """The command's instant lies before what the case has already recorded."""

    code = "clock-behind"


class NoAuthority(Refused):
    """No written delegation covers this person, this matter, this amount and this day (bestemmelser 2.5.2.1; R22)."""

    code = "no-authority"
    status = 403


class SuperiorDisqualified(Refused):
    """A superior of the person is disqualified in the case, so the person can't decide in it either (fvl § 6)."""

    code = "superior-disqualified"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "Your superior has declared a conflict in this case, and then those directly under them can't decide in it "
            "either (fvl § 6). Somebody who answers to another must."
        )


class IdentityNumber(Refused):
    """A text holds what is a national identity number. It is not repeated here, nor in any log."""

    code = "identity-number"
    status = 422

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path or 'the text'} holds a national identity number. Participants are counted, never named: "
            "take it out, and say it again.",
            failures=(
                Failure(
                    rule="identity-number",
                    message={
                        "nb": "Teksten har et fødselsnummer. Det skal ikke stå i saken.",
                        "nn": "Teksten har eit fødselsnummer. Det skal ikkje stå i saka.",
                        "en": "The text holds a national identity number, which must not stand in the case.",
                    },
                    path=path,
                ),
            ),
        )
