"""What stays inside the directorate: how a case was prepared there is not shown to those who have applied.

Preparation for the authority's own use is internal (offentleglova § 14, forvaltningsloven § 18 a); the decision, its
grounds and the letter are the applicant's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grantflow.domain.assessment import CaseAssessed, CriterionScored
from grantflow.domain.casework import CaseAssigned, ImpartialityDeclared
from grantflow.domain.declared import DeclaredStepTaken
from grantflow.domain.roles import MUNICIPAL
from grantflow.domain.state_aid import StateAidAssessed

if TYPE_CHECKING:
    from grantflow.domain.call import Call
    from grantflow.domain.event import Event

INTERNAL: tuple[type[Event], ...] = (
    CaseAssessed,
    CaseAssigned,
    CriterionScored,
    ImpartialityDeclared,
    StateAidAssessed,
)
"""Events that applicants don't see; nor those of the call's own steps that are the directorate's preparation."""
INTERNAL_FIELDS = frozenset(
    {"acts", "assessment", "case_officer", "conflicts", "earlier", "noted", "scores", "state_aid"}
)
"""Fields of a case that tell of them."""


def shown(event: Event, call: Call, *, outside: bool) -> bool:
    """Whether an event of a case in this call is shown to somebody who reads from the outside, or from the inside."""
    if isinstance(event, DeclaredStepTaken):
        return not outside or _for_applicants(call, event.declared)
    return not (outside and isinstance(event, INTERNAL))


def shown_fields(file: dict[str, Any], call: Call, *, outside: bool) -> dict[str, Any]:
    """The fields of a case that are shown."""
    if not outside:
        return file
    fields = {name: value for name, value in file.items() if name not in INTERNAL_FIELDS}
    if "declared" in fields:
        taken = fields["declared"].items()
        fields["declared"] = {step: told for step, told in taken if _for_applicants(call, step)}
    return fields


def shown_path(path: str, call: Call, *, outside: bool) -> bool:
    """Whether a field of a case, by its dotted path, is shown."""
    first, _, rest = path.partition(".")
    if outside and first == "declared":
        return _for_applicants(call, rest.partition(".")[0])
    return not outside or first.partition("[")[0] not in INTERNAL_FIELDS


def _for_applicants(call: Call, step: str) -> bool:
    """Whether one of the call's own steps is theirs to see: some of them may take it, or it opens a stage to them."""
    declared = call.process.steps.get(step)
    return declared is not None and bool(declared.opens or MUNICIPAL & set(declared.roles))
