"""`docs/access.md`: who may see and do what, told for people from the table that the service itself goes by.

.venv/bin/python -m grantflow.web.access_page > docs/access.md
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

from grantflow.domain.roles import CALLERS, MUNICIPAL, STAFF
from grantflow.domain.step_roles import ROLES_OF
from grantflow.shielding import INTERNAL, INTERNAL_FIELDS
from grantflow.web.app import HANDLERS, PREFIX
from grantflow.web.envelope import NOT_FOUND_SECONDS
from grantflow.web.rights import RIGHTS, step_relations
from grantflow.web.routes import standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MADE_BY = ".venv/bin/python -m grantflow.web.access_page > docs/access.md"
_COLUMNS = (*sorted(MUNICIPAL), *sorted(STAFF), "integration", "auditor")
_RELATIONS = ("any", "own", "partner", "authority")
_OWN_STEP = "(a step of the call's own)"
_INTRO = f"""\
# Who may see and do what

<!-- Made of src/grantflow/web/rights.py by: {MADE_BY} -->

Whoever asks over HTTP shows a token. It says who they are (a pseudonym), for which organisation they ask, and in which
roles; nothing of that is ever taken from what they send. A role gives rights, and a right to a case depends on what the
organisation is to the case:

| relation | the caller's organisation is |
|---|---|
| own | the applicant of the case |
| partner | one that applies together with the applicant, once the application is submitted |
| authority | the directorate behind the call |
| any | whatever it is: the right does not depend on a case, or holds for all of them |

Municipal roles ({", ".join(sorted(MUNICIPAL))}) are for people of municipalities and
counties. The directorate's ({", ".join(sorted(STAFF))}) count only
where the organisation in the token is the one behind the call: nobody gets into another's cases by being given such a
role elsewhere. An auditor reads everything and changes nothing. An integration is a program. The clock, which lets
deadlines pass, is the machine itself, and calls nobody.

Somebody with several roles acts in one of them: the one that the header `Acting-Role` names, or the first that may take
the step."""
_STEPS = """\
## Steps

`start` is taken by the right to `begin`, and makes the case one's own. Any other step is open to a role where the
call's process gives it to that role, in a case that stands in the cell's relation to the role's organisation. The
process of a call can give a step to fewer roles than stand here, and never to others (`grantflow call check`). What
the table allows the case itself may still refuse: by its state, its deadlines, impartiality, four eyes and written
authority (403 with another code than `no-right` and `role-not-allowed`, 409, 422)."""
_PARTNERS = """\
## Partners

An organisation that the submitted application names as taking part reads the case as the applicant does: as it stands
and stood, its history, documents and letters, in lists and in the feed. It takes no step. A draft is not seen by those
it names, and whoever is no longer among the partners when an application is submitted anew no longer sees the case."""
_INSIDE = """\
## What stays inside the directorate

How a case was prepared for the authority's own use is internal (offentleglova § 14, forvaltningsloven § 18 a).
Applicants and partners, and their programs, get none of it by any route: not in the case, its history, what changed,
proofs or the feed. The decision, its grounds and the letter are theirs."""
_NO = f"""\
## What one may not see is not there

A case that the caller may not see answers 404, in the same words as one that does not exist, after at least
{NOT_FOUND_SECONDS * 1000:.0f} milliseconds whichever it is. It is in no list, and no cursor and no page tells of it.

| answer | means |
|---|---|
| 401 | no token, or one that does not hold |
| 403 `no-right` | none of the caller's roles has the right at all, or not to this case, which they do see |
| 403 `role-not-allowed` | the role may not take this step |
| 404 | there is no such case, or the caller may not know of it |

A step is refused for the role before its content is looked at."""
_LOG = """\
## Who has looked

Each time a case is shown, alone, in a list, in the feed, in a proof or as a document that is fetched, and each time a
question is asked of many, it is written down before the answer is sent: who saw it, for which organisation, in which
roles, when, and by which request. Where that can't be written, nothing is shown (503). The log is beside the events and
holds no content. The auditor's questions answer from it who has seen a case."""


def page() -> str:
    """The whole page, as Markdown."""
    parts = (_INTRO, _rights(), _scopes(), _STEPS, _steps(), _PARTNERS, _INSIDE, _internal(), _NO, _LOG)
    return "\n\n".join(parts) + "\n"


def _rights() -> str:
    """Each right: what it lets one do, by which requests; then the roles that have it."""
    does = _table(
        ("right", "lets one", "by"),
        ((f"`{right.name}`", right.does, "<br>".join(_requests(right.name))) for right in RIGHTS.values()),
    )
    who = _table(
        ("role", *(f"`{name}`" for name in RIGHTS if RIGHTS[name].who)),
        (
            (role, *(_in_order(right.who.get(role, ())) for right in RIGHTS.values() if right.who))
            for role in _COLUMNS
        ),
    )
    return (
        f"## Rights\n\n{does}\n\nWhich roles have them, and in which relation. An empty cell is a no. A list or "
        f"the feed holds the cases\nin the relations of `read-case` and `follow`.\n\n{who}"
    )


def _requests(right: str) -> list[str]:
    """The requests that ask for a right, such as `GET /calls`."""
    served: list[tuple[Any, str]] = [(one, PREFIX) for one in HANDLERS] + [
        (one, "") for one in standing.HANDLERS
    ]
    return [
        f"`{method} {path.replace(':str', '')}`"
        for handler, prefix in served
        if handler.opt["right"] == right
        for method in sorted(handler.http_methods)
        for path in (f"{prefix}{one}" for one in sorted(handler.paths))
    ]


def _scopes() -> str:
    """What a program may do: its role and the scope together."""
    scopes = sorted({right.scope for right in RIGHTS.values() if "integration" in right.who})
    rows = (
        (
            f"`{scope}`",
            ", ".join(
                f"`{right.name}` ({_in_order(right.who['integration'])})"
                for right in RIGHTS.values()
                if right.scope == scope and "integration" in right.who
            ),
        )
        for scope in scopes
    )
    return (
        "## Programs\n\nAn integration needs a scope beside its role; without it the role gives nothing. It is the "
        "program\nof the organisation in its token, and reads from the outside where that is an applicant or a "
        "partner.\n\n"
        f"{_table(('scope', 'gives'), rows)}"
    )


def _steps() -> str:
    columns = [role for role in CALLERS if role in RIGHTS["act"].who]
    columns.sort(key=_COLUMNS.index)
    rows = []
    for step in (*ROLES_OF, _OWN_STEP):
        may = step_relations(step)
        cells = [_in_order(may.get(role, ())) for role in columns]
        named = step if step == _OWN_STEP else f"`{step}`"
        rows.append((f"{named} (the clock)" if not may else named, *cells))
    return _table(("step", *columns), rows)


def _internal() -> str:
    """The events and fields that are internal."""
    events = "\n".join(
        f"- `{kind.topic.partition('@')[0]}`: {inspect.cleandoc(kind.__doc__ or '').splitlines()[0]}"
        for kind in sorted(INTERNAL, key=lambda kind: kind.topic)
    )
    fields = ", ".join(f"`{name}`" for name in sorted(INTERNAL_FIELDS))
    return (
        f"Events:\n\n{events}\n- `declared-step-taken`, for a step of the call's own that only the directorate takes, "
        f"unless it opens a stage to the applicant.\n\nFields of a case: {fields}; and in `declared` the same steps."
    )


def _in_order(relations: Iterable[str]) -> str:
    there = set(relations)
    return ", ".join(one for one in _RELATIONS if one in there)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |") for cells in lines
    )


if __name__ == "__main__":
    sys.stdout.write(page())
