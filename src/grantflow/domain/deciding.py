"""How a command becomes events: admitted by the general rules, then by the call's declared ones, then by its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from grantflow.domain.admission import admit
from grantflow.domain.command import COMMANDS, Command, Situation, refuse_if
from grantflow.domain.declared import TakeDeclaredStep
from grantflow.domain.errors import BadRequest, Failure, NotFound
from grantflow.domain.identity_numbers import refuse_identity_numbers
from grantflow.domain.plain import oddity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grantflow.domain.event import Event


def command_from(step: str, data: dict[str, Any]) -> Command:
    """The command for `step` with its content checked for form; BadRequest says what is wrong and where.

    A step that the engine doesn't know may be one that the call declares: its content is that of a form.
    """
    kind = COMMANDS.get(step, TakeDeclaredStep)
    odd = oddity({name: value for name, value in data.items() if name not in kind.binary})
    if odd is not None:
        msg = f"The content of '{step}' does not fit: {odd['en']}."
        raise BadRequest(msg, failures=(Failure(rule="content", message=odd),))
    exempt = kind.binary | kind.numbers
    refuse_identity_numbers({name: value for name, value in data.items() if name not in exempt})
    if kind is TakeDeclaredStep:
        return TakeDeclaredStep(content=data)
    try:
        return msgspec.convert(data, kind, strict=True)
    except (msgspec.ValidationError, ValueError) as error:
        msg = f"The content of '{step}' does not fit: {error}{_choices(kind, str(error))}"
        raise BadRequest(msg) from error


def _choices(kind: type[Command], error: str) -> str:
    """What a field can be, where the error is about one of few words."""
    if not error.startswith("Invalid enum value"):
        return ""
    struct = msgspec.inspect.type_info(kind)
    fields = struct.fields if isinstance(struct, msgspec.inspect.StructType) else ()
    told = next((field.type for field in fields if error.endswith(f"`$.{field.encode_name}`")), None)
    words = [
        str(word)
        for one in getattr(told, "types", (told,))
        if isinstance(one, msgspec.inspect.LiteralType)
        for word in one.values
    ]
    return f"; it can be {', '.join(words)}." if words else ""


def decide(s: Situation, command: Command) -> Sequence[Event]:
    """The one way a command is judged. `s.call` may be the whole call: it is looked at as it is for this case."""
    s = _within(s, command.area_of(s.case))
    admit(s)
    if s.call.has_rules(s.step):
        # To hand an expression what it does not ask for costs more than asking it.
        asked = s.call.facts_asked(s.step)
        facts = {name: value for name, value in facts_of(s).items() if name in asked}
        reading = s.call.facts.of({**command.subject(s.case), "facts": facts}, s.at)
        refuse_if(s.step, s.call.unmet(s.step, reading))
        s = msgspec.structs.replace(s, reading=reading)
    return command.decide(s)


def _within(s: Situation, area: str) -> Situation:
    if area and area not in s.call.areas:
        known = ", ".join(s.call.areas) or "none"
        msg = f"The call has no area '{area[:60]}'. Its areas: {known}."
        raise NotFound(msg)
    return msgspec.structs.replace(s, call=s.call.within(area, s.case.stage))


def facts_of(s: Situation) -> dict[str, Any]:
    """What declared rules may ask of the case itself, beside its content."""
    case, decision = s.case, s.case.decision
    return {
        "applicant_organisation": case.applicant.number or s.by.organisation,
        "area": s.call.area,
        "stage": s.call.stage,
        "state": case.state,
        "year": s.call.year,
        "themes": [theme.id for theme in s.call.themes],
        "asked": case.asked_ore,
        "granted": decision.amount_ore if decision else 0,
        "conditions": [condition.id for condition in decision.conditions] if decision else [],
    }
