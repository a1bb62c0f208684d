"""Who may see and do what over HTTP: one table of rights, roles and relations. `docs/access.md` is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from grantflow.domain.roles import DIRECTORATE, MUNICIPAL
from grantflow.domain.step_roles import roles_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grantflow.domain.application import Application
    from grantflow.domain.call import Call
    from grantflow.domain.process import Step
    from grantflow.identity import Identity

Relation = Literal["own", "partner", "authority", "any"]
"""What the caller's organisation is to the case: its applicant, one that applies together with it, the directorate
behind its call; `any` is whatever it is, and the only one where no case is spoken of."""

_OWN: frozenset[Relation] = frozenset({"own"})
_JOINT: frozenset[Relation] = frozenset({"own", "partner"})
_AUTHORITY: frozenset[Relation] = frozenset({"authority"})
_MACHINE: frozenset[Relation] = frozenset({"own", "partner", "authority"})
_ANY: frozenset[Relation] = frozenset({"any"})

STAFF = DIRECTORATE - {"clock", "integration"}
"""People at the directorate."""
ROLES = tuple(sorted(MUNICIPAL | STAFF | {"auditor", "integration"}))
"""Every role a caller can have. The clock is the machine itself, and calls nobody."""


class Right(NamedTuple):
    """Something one may do: for each role that may, in which relations to the case; a machine needs the scope too."""

    name: str
    does: str
    who: Mapping[str, frozenset[Relation]]
    scope: Literal["read", "write", "events"] = "read"


def _each(roles: Iterable[str], relations: frozenset[Relation]) -> dict[str, frozenset[Relation]]:
    return dict.fromkeys(sorted(roles), relations)


RIGHTS = {
    right.name: right
    for right in (
        Right("read-calls", "read what is announced, and the ledger's checkpoints", _each(ROLES, _ANY)),
        Right(
            "announce",
            "publish and revise calls, answer questions for all",
            _each({"call-manager"}, _ANY),
            "write",
        ),
        Right(
            "delegate",
            "record delegations of one's own organisation, and whom people there answer to",
            _each({"director", "call-manager", "decider"}, _ANY),
            "write",
        ),
        Right("begin", "begin an application for one's own organisation", _each(MUNICIPAL, _ANY), "write"),
        Right(
            "read-case",
            "see that a case exists, and read it: as it stands and stood, its history, documents, letters and proofs",
            {
                **_each(MUNICIPAL, _JOINT),
                **_each(STAFF, _AUTHORITY),
                "auditor": _ANY,
                "integration": _MACHINE,
            },
        ),
        Right(
            "act",
            "take a step in a case, if the process gives it to the role",
            {**_each(MUNICIPAL, _OWN), **_each(STAFF, _AUTHORITY), "integration": _AUTHORITY},
            "write",
        ),
        Right(
            "follow",
            "follow what happens in the cases one may read",
            {
                **_each(MUNICIPAL, _JOINT),
                **_each(STAFF, _AUTHORITY),
                "auditor": _ANY,
                "integration": _MACHINE,
            },
            "events",
        ),
        Right(
            "ask",
            "ask the auditor's questions",
            {"auditor": _ANY, "call-manager": _AUTHORITY},
        ),
        Right("open", "answer without asking who it is: health, readiness, metrics, this documentation", {}),
    )
}
"""By name. Every route names one; `open` is for those that need no identity."""


def relations(organisation: str, case: Application, call: Call) -> frozenset[Relation]:
    """What an organisation is to a case."""
    found: set[Relation] = {"any"}
    if organisation == case.applicant.number:
        found.add("own")
    if organisation in case.partners:
        found.add("partner")
    if organisation == call.authority:
        found.add("authority")
    return frozenset(found)


def roles_with(right: str, identity: Identity, related: frozenset[Relation] | None = None) -> tuple[str, ...]:
    """The caller's roles that have a right, to a case they are so related to (to some case, where none is named)."""
    declared = RIGHTS[right]
    return tuple(
        role
        for role in identity.roles
        if role in declared.who
        and (related is None or declared.who[role] & related)
        and (role != "integration" or declared.scope in identity.scopes)
    )


def step_relations(step: str, roles: Iterable[str] | None = None) -> dict[str, frozenset[Relation]]:
    """For each role that may take a step, in which relations to the case; `roles` are those a process gives it to."""
    may = roles_of(step) if roles is None else roles
    who = RIGHTS["act"].who
    return {role: who[role] for role in sorted(may) if role in who}


def roles_to_take(step: Step, identity: Identity, related: frozenset[Relation]) -> tuple[str, ...]:
    """The caller's roles in which they may take a step of the process, in a case they are so related to."""
    may = step_relations(step.id, step.roles)
    return tuple(role for role in roles_with("act", identity, related) if role in may)
