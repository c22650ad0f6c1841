"""The rules that denied traffic takes, as JSON and as commands to paste."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from driftward.flows.advice import Advice, template_group
from driftward.shell import command_lines
from shared.alerts.commands import ACTIVE_CLOUD, fix_commands
from shared.model import Json, PutSecurityRule, SecurityGroup, SecurityRule
from shared.nsg.rules.spelling import rule_body


def fix_view(advice: Advice, group: SecurityGroup | None) -> dict[str, Json] | None:
    """The rules to add; those of a template have no priority, which only an NSG can tell."""
    if not advice.rules and advice.reason is None:
        return None
    bodies = [rule_body(rule) for rule in advice.rules]
    if group is None:
        bodies = [_without_priority(body) for body in bodies]
    return {
        "proved": group is not None and advice.reason is None,
        "rules": bodies,
        "commands": [command(rule, group) for rule in advice.rules],
        "noFixReason": advice.reason,
    }


def _without_priority(body: Mapping[str, Json]) -> dict[str, Json]:
    left = {name: found for name, found in body["properties"].items() if name != "priority"}
    return {**body, "properties": left}


def command(rule: SecurityRule, group: SecurityGroup | None) -> str:
    """The az command that adds ``rule``, with placeholders for what is not known."""
    return " ".join(line.removesuffix("\\").strip() for line in shell_lines(rule, group))


def shell_lines(rule: SecurityRule, group: SecurityGroup | None) -> list[str]:
    """The same, over the lines of a shell."""
    about = template_group() if group is None else group
    (text,) = fix_commands([PutSecurityRule(nsg=about.id, rule=rule)], ACTIVE_CLOUD)
    if group is None:
        text = text.replace(f"--priority {rule.priority}", f"--priority {shlex.quote('<priority>')}", 1)
    return list(command_lines(text, about.id))
