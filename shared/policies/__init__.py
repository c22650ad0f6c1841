"""The catalogue: one file is one policy, and the folder's listing is the list of policies.

A module here exports ``POLICY`` and is found by ``discover``; there is no central list to edit. A
policy imports ``shared.model``, ``shared.policy``, ``shared.traffic``, ``shared.nsg`` and
``shared.subnet_questions`` (what those about an NSG share), and nothing that touches the world.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from shared.policy import AnyPolicy


@cache
def discover() -> tuple[AnyPolicy, ...]:
    """Every policy in this folder, in the order in which their changes are made, then by id."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    policies: list[AnyPolicy] = [module.POLICY for module in modules]
    return tuple(sorted(policies, key=lambda policy: (policy.order, policy.id)))


def find(policy_id: str) -> AnyPolicy | None:
    """The policy with this id; None when there is none."""
    return next((policy for policy in discover() if policy.id == policy_id), None)
