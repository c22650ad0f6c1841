"""The catalogue: one file is one policy, one folder is a family, and the listing is the list of policies.

A module in a family's folder exports ``POLICY`` and is found by ``discover``; there is no central list to
edit. A policy stands on ``shared.posture``, ``shared.nsg`` and ``shared.model``, and knows nothing that
touches the world; policies do not know each other.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType, ModuleType

from shared.posture.policy import AnyPolicy


@cache
def discover() -> tuple[AnyPolicy, ...]:
    """Every policy of every family, in the order in which their changes are made, then by id."""
    policies: list[AnyPolicy] = [module.POLICY for module in _listed()]
    return tuple(sorted(policies, key=lambda policy: (policy.order, policy.id)))


def find(policy_id: str) -> AnyPolicy | None:
    """The policy with this id; None when there is none."""
    return next((policy for policy in discover() if policy.id == policy_id), None)


@cache
def modules() -> Mapping[str, ModuleType]:
    """The module of every policy, by the policy's id."""
    return MappingProxyType({module.POLICY.id: module for module in _listed()})


def _listed() -> Iterator[ModuleType]:
    """Every module of every family. What cannot be imported raises: unlisted, it would never be asked."""
    families = (import_module(family.name) for family in pkgutil.iter_modules(__path__, f"{__name__}."))
    for family in families:
        found = pkgutil.iter_modules(family.__path__, f"{family.__name__}.")
        yield from (import_module(module.name) for module in found)


@cache
def families() -> tuple[str, ...]:
    """The folders of policies, in alphabetical order."""
    return tuple(sorted(family.name for family in pkgutil.iter_modules(__path__)))


def family_of(policy_id: str) -> str:
    """The folder that a policy's module lies in, for example ``public_reach``. Raises ``KeyError``."""
    return modules()[policy_id].__name__.split(".")[-2]
