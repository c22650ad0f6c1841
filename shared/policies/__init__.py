"""The catalogue: one file is one policy, one folder is a family, and the listing is the list of policies.

A module in a family's folder exports ``POLICY`` and is found by ``discover``; there is no central list to
edit. A policy stands on ``shared.posture``, ``shared.nsg`` and ``shared.model``, and knows nothing that
touches the world; policies do not know each other.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType, ModuleType

from shared.posture.policy import AnyPolicy


@cache
def discover() -> tuple[AnyPolicy, ...]:
    """Every policy of every family, in the order in which their changes are made, then by id."""
    policies: list[AnyPolicy] = [module.POLICY for module in modules().values()]
    return tuple(sorted(policies, key=lambda policy: (policy.order, policy.id)))


def find(policy_id: str) -> AnyPolicy | None:
    """The policy with this id; None when there is none."""
    return next((policy for policy in discover() if policy.id == policy_id), None)


@cache
def modules() -> Mapping[str, ModuleType]:
    """The module of every policy, by the policy's id."""
    found = pkgutil.walk_packages(__path__, f"{__name__}.")
    imported = (import_module(module.name) for module in found if not module.ispkg)
    return MappingProxyType({module.POLICY.id: module for module in imported})


def family_of(policy_id: str) -> str:
    """The folder that a policy's module lies in, for example ``public_reach``. Raises ``KeyError``."""
    return modules()[policy_id].__name__.split(".")[-2]
