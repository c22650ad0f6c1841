"""Which alerts are about somebody who gets in and should not. Pure."""

from __future__ import annotations

from shared.model import Kind, Severity
from shared.model.alert_records import AlertRecord
from shared.policies import find


def lets_somebody_in(alert: AlertRecord) -> bool:
    """Whether its policy keeps people out, and it is grave: as ``guardrails.exposures`` counts, but for
    public access that admits nobody, which an alert does not tell."""
    policy = find(alert.policy)
    is_grave = alert.severity.rank >= Severity.HIGH.rank
    return policy is not None and policy.kind is Kind.TIGHTENING and is_grave
