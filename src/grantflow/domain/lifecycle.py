"""The whole lifecycle in one import: with this module loaded, every command and every event type is known."""

from grantflow.domain import (
    announcement,
    approval,
    assessment,
    casework,
    decision,
    drafting,
    followup,
    frame,
    payment,
    repayment,
    reporting,
    submission,
)

PHASES = (
    announcement,
    drafting,
    approval,
    submission,
    casework,
    assessment,
    decision,
    frame,
    payment,
    reporting,
    repayment,
    followup,
)
"""The phases of a case, in the order a case meets them."""
