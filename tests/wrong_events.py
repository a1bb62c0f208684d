"""What can be wrong in a log that was not written by the rules: each done to an honest history, and how it is named."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from gathered import added, changed, dropped, stamped, the
from given import DEADLINE
from steps import call_2023

from grantflow.domain.announcement import CallPublished
from grantflow.domain.approval import ApplicationApproved
from grantflow.domain.assessment import CaseAssessed, CriterionScored
from grantflow.domain.authority import AuthorityDelegated, AuthorityRevoked
from grantflow.domain.call import CALL
from grantflow.domain.casework import ImpartialityDeclared
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.drafting import ApplicationStarted, ApprovalVoided, SectionEdited
from grantflow.domain.event import Entry
from grantflow.domain.frame import FrameCommitted, FrameOpened
from grantflow.domain.letters import LetterIssued
from grantflow.domain.parts import Instalment
from grantflow.domain.payment import PaymentAttested, PaymentAuthorised, PaymentConfirmed
from grantflow.domain.reporting import CaseClosed, ReportAccepted
from grantflow.domain.submission import ApplicationSubmitted, ReceiptIssued

if TYPE_CHECKING:
    from gathered import Change

    from grantflow.domain.event import Event

OTHER_ACCOUNT = "60000000003"
BROUGHT_IN = "brought in"
"""The command of an event that somebody put into the log."""
A_NUMBER = "13917200011"
"""A national identity number as they are made up for tests: its month is 91."""


class Wrong(NamedTuple):
    """Something done to an honest history: what, at which kind of event it is to be found, and what is said of it."""

    change: Change
    kind: type[Event]
    what: str
    nth: int = 0


def _unassessed(entries: list[Entry]) -> list[Entry]:
    """The decider's declaration then comes in the state from before the assessment."""
    before = the(entries, CriterionScored).event.stamp.state
    decider = [
        e for e in entries if isinstance(e.event, ImpartialityDeclared) and e.event.stamp.role == "decider"
    ]
    again = stamped(decider[0].event, state=before)
    without = dropped(CaseAssessed)(entries)
    return [msgspec.structs.replace(e, event=again) if e is decider[0] else e for e in without]


def _set_aside_by_an_assessment(entries: list[Entry]) -> list[Entry]:
    entry = the(entries, CaseAssessed)
    stream, left = the(entries, FrameOpened).originator_id, call_2023().frame - 1
    stamp = stamped(entry.event, state="open").stamp
    committed = FrameCommitted(
        case=entry.originator_id, amount_ore=1, committed_ore=1, left_ore=left, stamp=stamp
    )
    place = entries.index(entry)
    return [*entries[:place], Entry(stream, 0, committed), *entries[place:]]


def _renamed(event: CallPublished) -> dict[str, str]:
    return {**event.files, CALL: event.files[CALL].replace('"7900000.00"', '"7900001.00"')}


TOO_MUCH = 95_000_000
WRONG = {
    "a grant without an assessment": Wrong(_unassessed, ApplicationGranted, "'grant' is not possible"),
    "more than was asked for": Wrong(
        changed(ApplicationGranted, amount_ore=TOO_MUCH, instalments=(Instalment(TOO_MUCH),)),
        ApplicationGranted,
        "more than the 900.000.kr that is applied for",
    ),
    "more than the letter says": Wrong(
        changed(PaymentAttested, amount_ore=1), PaymentAttested, "letter grants 800.000.kr now"
    ),
    "a payment of another amount": Wrong(
        changed(PaymentConfirmed, amount_ore=1), PaymentConfirmed, "amount_ore says 1, and would be 80000000"
    ),
    "a payment to another account": Wrong(
        changed(PaymentAuthorised, account=OTHER_ACCOUNT),
        PaymentAuthorised,
        f"account says '{OTHER_ACCOUNT}'",
    ),
    "one person for two": Wrong(
        changed(PaymentAuthorised, stamp={"person": "imdi-attestant"}),
        PaymentAuthorised,
        "can't also take 'authorise-payment'",
    ),
    "too late": Wrong(
        changed(ApplicationSubmitted, stamp={"recorded_at": DEADLINE}),
        ApplicationSubmitted,
        "deadline passed",
    ),
    "before its time": Wrong(
        changed(ReportAccepted, stamp={"recorded_at": DEADLINE}), ReportAccepted, "stamp.recorded_at|clock"
    ),
    "no word of impartiality": Wrong(
        dropped(ImpartialityDeclared), CriterionScored, "Declare your impartiality"
    ),
    "somebody else's authority": Wrong(
        changed(ApplicationGranted, stamp={"authority": "IMDi-2023-015"}),
        ApplicationGranted,
        "no budget authority 'IMDi-2023-015'",
    ),
    "another score": Wrong(
        changed(CaseAssessed, score=Decimal("9.99")), CaseAssessed, "score says '9.99', and would be"
    ),
    "another state": Wrong(
        changed(CaseAssessed, stamp={"state": "granted"}), CaseAssessed, "stamp.state says 'granted'"
    ),
    "another role": Wrong(
        changed(CaseAssessed, stamp={"role": "payer"}), CaseAssessed, "The role payer may not take"
    ),
    "approved was something else": Wrong(
        changed(ApplicationApproved, content="0" * 64), ApplicationApproved, "content says '000"
    ),
    "content changed after submission": Wrong(
        added(ReceiptIssued, lambda e: SectionEdited(section="project", content={}, stamp=_by(e, "edit"))),
        SectionEdited,
        "'edit' is not possible",
    ),
    "content with an identity number": Wrong(
        changed(CriterionScored, grounds=f"Gjelder {A_NUMBER}."), CriterionScored, "national identity number"
    ),
    "an event that nothing leads to": Wrong(
        added(ReceiptIssued, lambda e: ApprovalVoided(content="", stamp=_by(e, "edit"))),
        ApprovalVoided,
        "no command begins with approval-voided@1",
    ),
    "an event too few": Wrong(dropped(ReceiptIssued), ApplicationSubmitted, "receipt-issued@1 is missing"),
    "an event too many": Wrong(
        added(CaseAssessed, lambda e: CaseClosed(stamp=e.event.stamp)), CaseClosed, "would be none"
    ),
    "another letter": Wrong(changed(LetterIssued, text="Dere får alt."), LetterIssued, "text says 'Dere får"),
    "a definition that never was": Wrong(
        changed(ApplicationStarted, definition="0" * 64), ApplicationStarted, "definition says '000"
    ),
    "no commitment of the frame": Wrong(
        dropped(FrameCommitted), ApplicationGranted, "frame-committed@2 is missing before it"
    ),
    "another amount in the frame than in the case": Wrong(
        changed(FrameCommitted, amount_ore=1, committed_ore=1, left_ore=789_999_999),
        ApplicationGranted,
        "the frame's entry .* amount_ore says 1, and would be 80000000",
    ),
    "another command in the frame than in the case": Wrong(
        changed(FrameCommitted, stamp={"command": "x"}), ApplicationGranted, "stamp.command says 'x'"
    ),
    "a frame that does not add up": Wrong(
        changed(FrameCommitted, committed_ore=1), FrameCommitted, "committed_ore says 1, and would be"
    ),
    "money set aside for nobody": Wrong(
        dropped(ApplicationGranted), FrameCommitted, "entry of the same command"
    ),
    "money set aside by a step that moves none": Wrong(
        _set_aside_by_an_assessment, FrameCommitted, "'assess' moves no money"
    ),
    "more than the frame": Wrong(
        changed(FrameCommitted, amount_ore=790_000_001), FrameCommitted, "would exceed the call's frame"
    ),
    "another frame than was published": Wrong(
        changed(FrameOpened, limit_ore=1), CallPublished, "the frame, as it stands then"
    ),
    "other rules than their digest": Wrong(
        lambda entries: changed(CallPublished, files=_renamed(the(entries, CallPublished).event))(entries),  # type: ignore[arg-type]
        CallPublished,
        "its files have the digest",
    ),
    "authority given to oneself": Wrong(
        changed(AuthorityDelegated, stamp={"person": "imdi-decider"}), AuthorityDelegated, "to themselves"
    ),
    "a delegation given twice": Wrong(
        added(AuthorityDelegated, lambda e: e.event), AuthorityDelegated, "recorded already", nth=1
    ),
    "what never was, revoked": Wrong(
        added(AuthorityDelegated, lambda e: AuthorityRevoked(reference="X", reason="", stamp=e.event.stamp)),
        AuthorityRevoked,
        "no X to revoke",
    ),
}


def _by(entry: Entry, step: str) -> Any:
    return msgspec.structs.replace(entry.event.stamp, step=step, command=BROUGHT_IN)
