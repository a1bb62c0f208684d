"""Who may see and do what over HTTP: one table of rights, roles and relations. `docs/access.md` is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from grantflow.domain.roles import CALLERS, MUNICIPAL, STAFF
from grantflow.domain.step_roles import roles_of
from grantflow.following import ANY, AUTHORITY, FOLLOWERS, JOINT, MACHINE
from grantflow.webhooks.subscriptions import ROLES as SUBSCRIBERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from grantflow.domain.process import Step
    from grantflow.following import Relation
    from grantflow.identity import Identity

_OWN: frozenset[Relation] = frozenset({"own"})


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
        Right("read-calls", "read what is announced, and the ledger's checkpoints", _each(CALLERS, ANY)),
        Right(
            "announce",
            "publish and revise calls, answer questions for all",
            _each({"call-manager"}, ANY),
            "write",
        ),
        Right(
            "delegate",
            "record delegations of one's own organisation, and whom people there answer to",
            _each({"director", "call-manager", "decider"}, ANY),
            "write",
        ),
        Right("begin", "begin an application for one's own organisation", _each(MUNICIPAL, ANY), "write"),
        Right(
            "read-case",
            "see that a case exists, and read it: as it stands and stood, its history, documents, letters and proofs",
            {
                **_each(MUNICIPAL, JOINT),
                **_each(STAFF, AUTHORITY),
                "auditor": ANY,
                "integration": MACHINE,
            },
        ),
        Right(
            "act",
            "take a step in a case, if the process gives it to the role",
            {**_each(MUNICIPAL, _OWN), **_each(STAFF, AUTHORITY), "integration": AUTHORITY},
            "write",
        ),
        Right(
            "follow",
            "follow what happens in the cases one may read",
            FOLLOWERS,
            "events",
        ),
        Right(
            "subscribe",
            "have what happens sent to one's own organisation (webhooks), and look after that",
            _each(sorted(SUBSCRIBERS), ANY),
            "events",
        ),
        Right(
            "read-notices",
            "read what was told in a case: one's own organisation what it was told itself, the directorate all of it",
            {
                **_each(MUNICIPAL, _OWN),
                **_each(STAFF, AUTHORITY),
                "auditor": ANY,
                "integration": _OWN | AUTHORITY,
            },
        ),
        Right(
            "resend-notice",
            "have a mail sent once more that was given up, or did not reach anybody",
            _each({"call-manager", "case-officer"}, AUTHORITY),
            "write",
        ),
        Right(
            "register-contact",
            "say where mail to one's own organisation goes; for the directorate, to those who apply to it",
            _each(MUNICIPAL | {"call-manager", "case-officer"}, ANY),
            "write",
        ),
        Right(
            "ask",
            "ask the auditor's questions",
            {"auditor": ANY, "call-manager": AUTHORITY},
        ),
        Right(
            "see-duties",
            "see who keeps which duty (read models, deadlines, the seal), and how it goes",
            _each({"call-manager", "auditor", "integration"}, ANY),
        ),
        Right("open", "answer without asking who it is: health, readiness, metrics, this documentation", {}),
    )
}
"""By name. Every route names one; `open` is for those that need no identity."""


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
