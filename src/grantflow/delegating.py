"""The way in for an organisation's own authority: delegate it in writing, revoke it, say who answers to whom."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from grantflow.announcing import outside_cases, store_once
from grantflow.domain.authority import Authority, AuthorityDelegated, AuthorityRevoked, Scope, SuperiorNamed
from grantflow.domain.command import amount, end_of, said
from grantflow.domain.errors import BadRequest, NotAllowed, NotFound, RoleNotAllowed
from grantflow.domain.event import Entry
from grantflow.domain.identity_numbers import refuse_identity_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from grantflow.domain.authority import Authorities, AuthorityEvent
    from grantflow.domain.circumstances import Circumstances
    from grantflow.receipts import Receipt
    from grantflow.states import States
    from grantflow.store import Store

WHO: dict[Scope, str] = {"approval": "director", "budget": "call-manager"}
"""Who delegates what: the director of a municipality its approvals, the directorate its budget authority."""


class Delegate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Authority to delegate in writing: its archive reference, to whom, of what, how many kroner a decision, when."""

    reference: str
    scope: Scope
    person: str
    issued_by: str
    valid_from: date
    valid_to: date | None = None
    appropriation: str = ""
    call: str = ""
    limit: str | None = None


class Delegating:
    """Records the delegations and lines of organisations. Safe to use from many threads."""

    def __init__(self, store: Store, states: States) -> None:
        self._store, self._states = store, states

    def delegate(self, asked: Delegate, by: Circumstances) -> Receipt:
        """Delegate authority to somebody else than oneself; what it is for, how much and when stands in it (R22)."""
        words = {"delegate": msgspec.to_builtins(asked)}
        return self._once(by, words, lambda known: _delegated(known, asked, by))

    def revoke(self, reference: str, reason: str, by: Circumstances) -> Receipt:
        """Revoke a delegation from now on; what was decided under it stays."""
        words = {"revoke": reference, "reason": reason}
        return self._once(by, words, lambda known: _revoked(known, reference, reason, by))

    def name_superior(self, subordinate: str, superior: str, by: Circumstances) -> Receipt:
        """Say whom somebody at the directorate answers to from now on (fvl § 6)."""
        words = {"subordinate": subordinate, "superior": superior}
        return self._once(by, words, lambda _: _superior(subordinate, superior, by))

    def _once(
        self, by: Circumstances, words: Mapping[str, object], decide: Callable[[Authorities], AuthorityEvent]
    ) -> Receipt:
        def decided() -> tuple[Entry, ...]:
            known = self._states.authorities(by.organisation)
            return (Entry(known.id, known.version + 1, decide(known)),)

        return store_once(self._store, by, words, decided)


def _delegated(known: Authorities, asked: Delegate, by: Circumstances) -> AuthorityDelegated:
    _allowed(by, "delegate", WHO[asked.scope])
    if asked.person == by.person:
        msg = "Nobody delegates authority to themselves."
        raise NotAllowed(msg)
    if asked.reference in known.delegations:
        msg = (
            f"{asked.reference} is recorded already; a delegation is not changed, but revoked and given anew."
        )
        raise NotAllowed(msg)
    return AuthorityDelegated(delegation=_authority(asked), stamp=outside_cases(by, "delegate", "recorded"))


def _revoked(known: Authorities, reference: str, reason: str, by: Circumstances) -> AuthorityRevoked:
    held = known.delegations.get(reference)
    if held is None:
        msg = f"{by.organisation} has no delegation {reference!r}."
        raise NotFound(msg)
    _allowed(by, "revoke", WHO[held.scope])
    if held.revoked_at is not None:
        msg = f"{reference} is revoked already."
        raise NotAllowed(msg)
    refuse_identity_numbers(reason, "reason")
    return AuthorityRevoked(
        reference=reference, reason=said(reason, "reason"), stamp=outside_cases(by, "revoke", "recorded")
    )


def _superior(subordinate: str, superior: str, by: Circumstances) -> SuperiorNamed:
    _allowed(by, "name-superior", WHO["budget"])
    refuse_identity_numbers({"subordinate": subordinate, "superior": superior})
    if said(subordinate, "subordinate", most=200) == said(superior, "superior", most=200):
        msg = "Nobody answers to themselves."
        raise BadRequest(msg)
    return SuperiorNamed(
        subordinate=subordinate,
        superior=superior,
        stamp=outside_cases(by, "name-superior", "recorded"),
    )


def _authority(asked: Delegate) -> Authority:
    refuse_identity_numbers(msgspec.to_builtins(asked))
    for field in ("reference", "person", "issued_by"):
        said(getattr(asked, field), field, most=200)
    if asked.scope == "budget":
        said(asked.appropriation, "appropriation", most=200)
    for field in ("valid_from", "valid_to"):
        named: date | None = getattr(asked, field)
        if named is not None:
            end_of(named, field)
    if asked.valid_to is not None and asked.valid_to < asked.valid_from:
        msg = "The delegation ends before it begins."
        raise BadRequest(msg)
    return Authority(
        reference=asked.reference,
        scope=asked.scope,
        person=asked.person,
        issued_by=asked.issued_by,
        valid_from=asked.valid_from,
        valid_to=asked.valid_to,
        appropriation=asked.appropriation,
        call=asked.call,
        limit_ore=None if asked.limit is None else amount(asked.limit, "limit"),
    )


def _allowed(by: Circumstances, step: str, role: str) -> None:
    if by.role != role:
        raise RoleNotAllowed(step, by.role, (role,))
