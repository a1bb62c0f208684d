"""Whether every recipient fulfils the entry conditions, asked again of what was submitted."""

from collections.abc import Iterator
from typing import Any

from grantflow.domain.application import Application
from grantflow.domain.call import Call, DefinitionError
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.command import Situation
from grantflow.domain.deciding import facts_of
from grantflow.domain.errors import Failure
from grantflow.domain.frame import Frame
from grantflow.domain.money import kroner
from grantflow.domain.submission import ApplicationSubmitted
from grantflow.history import CaseHistory, History, Moment
from grantflow.question import Question, Row, row

FIGURES = {"asked": "asked_ore", "own_contribution": "own_contribution_ore", "participants": "participants"}
"""The figures a submission carries along with the form, by the fact that the call reads them as."""


def answer(history: History) -> Iterator[Row]:
    """For whoever holds a grant or was paid: each rule, field or figure of a submission that does not hold."""
    for case in history.cases:
        granted = case.case.decision is not None and case.case.decision.outcome == "granted"
        if not granted and not case.case.paid_ore:
            continue
        submissions = list(case.each(ApplicationSubmitted))
        if not submissions:
            nothing = Failure("submitted", {"en": "The recipient has submitted no application."})
            yield _row(case, case.moments[-1], nothing, "", None)
        for moment in submissions:
            yield from _failing(history, case, moment)


def _failing(history: History, case: CaseHistory, moment: Moment) -> Iterator[Row]:
    """What was submitted, judged by the rules it was bound to, at the instant it was submitted."""
    before, call = moment.before, history.call_of(moment.before)
    for failure in call.application_form.check(before.content, complete=True, section=None):
        yield _row(case, moment, failure, "", _at(before.content, failure.path))
    content = {**before.content, "facts": _facts(call, moment)}
    required = {rule.id: rule.rule for rule in call.rules}
    for failure in call.failures("submit", content, moment.at):
        yield _row(case, moment, failure, required[failure.rule], _at(before.content, failure.path))
    for fact, field in FIGURES.items():
        told, filled_in = getattr(moment.event, field), _read(call, before, fact, moment)
        if filled_in is not None and told != filled_in:
            words = [kroner(one) if field.endswith("_ore") else str(one) for one in (told, filled_in)]
            text = f"The submission says {fact} {words[0]}; the form that was filled in says {words[1]}."
            yield _row(case, moment, Failure(f"{fact}-as-filled-in", {"en": text}, path=fact), "", words[0])


def _facts(call: Call, moment: Moment) -> dict[str, Any]:
    """What a rule may ask of the case itself, as it stood when it was submitted."""
    stamp, case = moment.event.stamp, moment.before
    by = Circumstances(
        at=stamp.recorded_at,
        person=stamp.person,
        organisation=stamp.organisation,
        role=stamp.role,
        channel=stamp.channel,
        command=stamp.command,
    )
    return facts_of(Situation(call, case, Frame(id=case.id), by, "submit"))


def _read(call: Call, case: Application, fact: str, moment: Moment) -> int | None:
    """A figure as the call reads it off the form; None where the form can't be read so."""
    try:
        return call.facts.of(case.content, moment.at).fact(f"application.{fact}", int, 0)
    except DefinitionError:
        return None


def _at(content: dict[str, Any], path: str) -> Any:  # noqa: ANN401 - whatever was filled in
    """What stands at a failure's path, where the path leads to a field."""
    at: Any = content
    for name in path.split("."):
        at = at.get(name) if isinstance(at, dict) else None
    return at


def _row(case: CaseHistory, moment: Moment, failure: Failure, requirement: str, value: Any) -> Row:  # noqa: ANN401
    return row(
        case,
        [moment.entry],
        rule=failure.rule,
        requirement=requirement,
        failed=failure.text(),
        source=failure.source,
        field=failure.path,
        value=value,
        at=moment.at.isoformat(),
    )


question = Question(
    number=16,
    name="entry-conditions",
    asks="Does any recipient fail an entry condition of the call: participants, own contribution, references?",
    law="R1, R5-R13, R15, R18-R20: the call's own rules for submission",
    columns=(
        "case", "applicant", "rule", "requirement", "failed", "source", "field", "value", "at",
    ),
    answer=answer,
    breaches=True,
)  # fmt: skip
