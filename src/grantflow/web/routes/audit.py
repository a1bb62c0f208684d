"""The auditor's questions, answered from the events themselves."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get
from litestar.params import Parameter

from grantflow.accesses import with_reads
from grantflow.domain.errors import NotFound
from grantflow.history import gather
from grantflow.question import Question
from grantflow.rooms import questions
from grantflow.store import Overloaded
from grantflow.web.accessed import noted
from grantflow.web.asking import At, instant
from grantflow.web.caller import Caller, caller_of
from grantflow.web.house import AnyRequest, House, TheHouse
from grantflow.web.problems import Forbidden
from grantflow.web.rights import roles_with
from grantflow.web.views import AnswerRow, AnswerView, Page, QuestionView


@get("/audit/questions", opt={"right": "ask"}, sync_to_thread=True)
def list_questions() -> Page[QuestionView]:
    """List the questions: number, name, what each asks, and the law behind it."""
    return Page(
        [QuestionView(q.number, q.name, q.asks, q.law, list(q.columns), q.breaches) for q in questions()]
    )


@get("/audit/questions/{name:str}", opt={"right": "ask"}, sync_to_thread=True)
def ask(
    request: AnyRequest,
    house: TheHouse,
    name: Annotated[str, Parameter(description="The question, by its name or number.")],
    call: Annotated[str, Parameter(description="Only this call; an auditor may ask about all at once.")] = "",
    at: At = "",
) -> AnswerView:
    """Ask one question: rows with the events that prove them, and what was examined. No rows is an answer too."""
    caller, states = caller_of(request), house.app.service.states
    asked = next((one for one in questions() if name in {one.name, str(one.number)}), None)
    if asked is None:
        msg = f"There is no question {name[:60]!r}; /audit/questions lists them."
        raise NotFound(msg)
    related = {"any"}
    if call:
        announcement = states.announcement(call)
        if states.call(call, announcement.digest).authority == caller.identity.organisation:
            related.add("authority")
    if not roles_with("ask", caller.identity, frozenset(related)):  # type: ignore[arg-type]
        msg = "Name a call of your own directorate (?call=); only an auditor asks about the others."
        raise Forbidden(msg)
    if not house.asking.acquire(blocking=False):
        raise Overloaded
    try:
        return _answered(house, caller, asked, call, at)
    finally:
        house.asking.release()


def _answered(house: House, caller: Caller, asked: Question, call: str, at: str) -> AnswerView:
    history = gather(house.app.store.everything(), call=call, at=instant(at, "at") if at else None)
    if call and call not in history.announcements:
        msg = f"No call '{call[:80]}' was published by then."
        raise NotFound(msg)
    history = with_reads(house.app.store, history)
    noted(house, caller, "asked", f"question {asked.name}", call=call, count=len(history.cases))
    rows = [
        AnswerRow(msgspec.to_builtins(dict(row.found)), list(row.events)) for row in asked.answer(history)
    ]
    return AnswerView(question=asked.name, scope=history.scope, items=rows)


HANDLERS = [list_questions, ask]
