"""What a finding's policy says of itself: a policy of the catalogue, or a check of what lies inside."""

from __future__ import annotations

from shared import policies, roles
from shared.posture.policy import AnyPolicy


def find(policy_id: str) -> AnyPolicy | None:
    """The policy or check with this id; None when there is none."""
    return policies.find(policy_id) or roles.find(policy_id)


def discover() -> tuple[AnyPolicy, ...]:
    """Every policy, then every check."""
    return (*policies.discover(), *roles.discover())


def family_of(policy_id: str) -> str:
    """Where it belongs, for example ``public_reach``. Raises ``KeyError``."""
    return roles.FAMILY if roles.find(policy_id) is not None else policies.family_of(policy_id)
