"""Controls that no reading of Azure's resources answers, of frameworks that policies cite: a person does.

Named here so that a report does not pass over them in silence; docs/coverage.md says of each what a person
looks at (a test compares both). One that something judges after all is not manual any more. Pure data.
"""

from __future__ import annotations

from typing import Final

from shared.posture.controls import Control


def _mcsb(number: str, title: str) -> Control:
    page = "https://learn.microsoft.com/security/benchmark/azure/overview"
    return Control(framework="MCSB", version="v1", id=number, title=title, link=page)


def _built_in(guid: str, title: str) -> Control:
    page = "https://learn.microsoft.com/azure/governance/policy/samples/built-in-policies"
    return Control(framework="Azure Policy", version="built-in", id=guid, title=title, link=page)


MANUAL: Final[tuple[Control, ...]] = (
    _mcsb("PA-1", "Separate and limit highly privileged/administrative users"),
    _mcsb("PA-7", "Follow just enough administration (least privilege) principle"),
    _mcsb("LT-4", "Enable network logging for security investigation"),
    _mcsb("BR-4", "Regularly test backup"),
    _built_in(
        "3bf854e8-b34a-47fe-9f81-bc558c82b3bd",
        "Configure log_line_prefix with key identifiers for PostgreSQL flexible servers",
    ),
    _built_in(
        "3c14b034-bcb6-4905-94e7-5b8e98a47b65",
        "PostgreSQL server should use a virtual network service endpoint",
    ),
)
