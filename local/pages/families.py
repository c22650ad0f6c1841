"""The families of policies as pages show them: titles, what they are about, and links to their policies.

A family is a folder of `shared/policies`; its docstring is its lead. A new one is entered nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from inspect import getdoc
from typing import Final

from local.pages.loading import CannotGenerate
from shared import policies as catalogue
from shared.policies import discover, family_of
from shared.posture.policy import AnyPolicy

_ABBREVIATIONS: Final = frozenset({"dns", "nsg", "tls"})


def families() -> Mapping[str, tuple[AnyPolicy, ...]]:
    """The policies of every family, in the order in which their changes are made; families by name."""
    found = sorted({family_of(policy.id) for policy in discover()})
    return {family: tuple(p for p in discover() if family_of(p.id) == family) for family in found}


def family_title(family: str) -> str:
    """`public_reach` is called `Public reach`, and `nsg` `NSG`."""
    words = [word.upper() if word in _ABBREVIATIONS else word for word in family.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def family_lead(family: str) -> str:
    """What the family is about, from its docstring. Raises CannotGenerate."""
    lead = getdoc(import_module(f"{catalogue.__name__}.{family}"))
    if not lead:
        raise CannotGenerate(f"shared/policies/{family}/__init__.py has no docstring")
    return " ".join(lead.split()).replace("``", "`")


def policy_link(policy_id: str, docs: str = "") -> str:
    """A link to a policy; `docs` leads from the page to the folder docs, for example `../`."""
    return f"[{policy_id}]({docs}policies/{family_of(policy_id)}.md#{policy_id})"
