"""What a caller may do in a case from where it stands: each step with its form, and whether it is open now."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from grantflow.domain.admission import admit
from grantflow.domain.call import step_form
from grantflow.domain.command import COMMANDS, Situation
from grantflow.domain.errors import Refused
from grantflow.domain.frame import Frame
from grantflow.states import frame_stream
from grantflow.web.asking import circumstances
from grantflow.web.rights import roles_to_take
from grantflow.web.views import RefusedNow, StepView

if TYPE_CHECKING:
    from grantflow.domain.process import Step
    from grantflow.web.caller import Caller
    from grantflow.web.cases import Seen
    from grantflow.web.house import House


def open_steps(house: House, caller: Caller, found: Seen) -> list[StepView]:
    """Every step out of the case's state, or taken within it, that some role of the caller may take."""
    process = found.call.process
    steps: list[StepView] = []
    for name in process.steps_from(found.case.state):
        step = process.steps[name]
        roles = list(roles_to_take(step, caller.identity, found.related))
        if roles:
            steps.append(_step(house, caller, found, step, roles))
    return steps


def _step(house: House, caller: Caller, found: Seen, step: Step, roles: list[str]) -> StepView:
    refused = _refused(house, caller, found, step.id, roles)
    return StepView(
        step=step.id,
        name=step.name,
        leads_to=found.call.process.target(step.id, found.case.state) or "",
        roles=roles,
        open=refused is None,
        refused=refused,
        schema=_schema(found, step),
    )


def _refused(house: House, caller: Caller, found: Seen, step: str, roles: list[str]) -> RefusedNow | None:
    """What every step of this kind would be refused for now, whatever it said; its content is judged when it comes."""
    by = circumstances(house, caller, tuple(roles), "")
    command = COMMANDS.get(step)
    states = house.app.service.states
    situation = Situation(
        call=found.call, case=found.case, frame=Frame(id=frame_stream(found.call.id)), by=by, step=step
    )
    if command is not None and command.binding:
        situation = msgspec.structs.replace(situation, authorities=states.authorities(by.organisation))
    try:
        admit(situation)
    except Refused as refusal:
        return RefusedNow(refusal.code, refusal.detail)
    return None


def _schema(found: Seen, step: Step) -> dict[str, Any]:
    if step.id in COMMANDS:
        return command_schema(step.id)
    return found.call.forms[step_form(step.form)].schema if step.form else {"type": "object"}


@cache
def command_schema(step: str) -> dict[str, Any]:
    """The JSON Schema of a step's content, made of the type that checks it."""
    (schema,), components = msgspec.json.schema_components([COMMANDS[step]], ref_template="#/$defs/{name}")
    if "$ref" in schema:
        schema = components.pop(schema["$ref"].rpartition("/")[2])
    return {**schema, "$defs": components} if components else schema
