"""docs/policies.md and docs/policies/<family>.md: the catalogue, from each module's docstring and metadata.

The index has one line a policy. Every id is an anchor there, because commands, alerts and notes of older
versions link to `docs/policies.md#<id>`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final

from local.pages.families import families, family_lead, family_title, policy_link
from local.pages.loading import CannotGenerate
from local.pages.markdown import GENERATED, code, link, page, table
from shared.model import Safety
from shared.policies import modules
from shared.posture.controls import Control
from shared.posture.policy import AnyPolicy, Parameter, RaisedBy, no_plan, remedy_lines

_COMES_TO: Final = {
    Safety.AUTO: "reverted",
    Safety.APPROVAL: "reverted after approval",
    Safety.MANUAL: "alert",
}


def policies_pages() -> dict[str, str]:
    """The index and a page for each family, by path. Raises CannotGenerate."""
    pages = {
        f"docs/policies/{family}.md": _family(family, policies) for family, policies in families().items()
    }
    return {"docs/policies.md": _index(), **pages}


# --- the index -------------------------------------------------------------------------------------


def _index() -> str:
    head = [
        "# Policies",
        GENERATED,
        "One page a family, one line a policy; within a family in the order in which their changes are made "
        "on one target. Each id names the pattern that is found, never the fix. What comes of a drift is the "
        "most that happens: the situation may lower it, `policies.yaml` decides for each scope, and what was "
        "never seen compliant alerts. `driftward policies` shows the same with what `policies.yaml` "
        "says.",
    ]
    return page([*head, *(part for family in families() for part in _listed(family))])


def _listed(family: str) -> list[str]:
    return [
        f"## {family_title(family)}",
        f"{family_lead(family)} {link('All of them in full', f'policies/{family}.md')}.",
        table(("policy", "finds", "severity", "a drift is", "noticed by"), map(_line, families()[family])),
    ]


def _line(policy: AnyPolicy) -> tuple[str, ...]:
    anchor = f'<a id="{policy.id}"></a>{policy_link(policy.id)}'
    return anchor, policy.title, policy.severity, comes_to(policy), policy.raised_by


def comes_to(policy: AnyPolicy) -> str:
    """The most that a drift comes to, in a few words."""
    most = "alert" if policy.plan is no_plan else _COMES_TO[policy.safety]
    return f"{most} (opt-in)" if policy.opt_in else most


# --- a family --------------------------------------------------------------------------------------


def _family(family: str, policies: Iterable[AnyPolicy]) -> str:
    head = [
        f"# {family_title(family)}",
        GENERATED,
        f"{family_lead(family)} In the order in which their changes are made on one target. "
        f"All families: {link('policies', '../policies.md')}; "
        f"who needs what: {link('permissions', f'../permissions/{family}.md')}.",
    ]
    return page([*head, *(part for policy in policies for part in _policy(policy))])


def _policy(policy: AnyPolicy) -> list[str]:
    return [
        f"## {policy.id}",
        f"**{policy.title}.** {policy.why}",
        table(("", ""), _facts(policy)),
        *_paragraphs(policy),
        *(f"**By hand.** {line}" for line in remedy_lines(policy)),
        *_parameters(policy.parameters),
        *_controls(policy.controls),
        "**Permissions**",
        "\n".join(f"- {code(action)}" for action in policy.permissions),
    ]


def _facts(policy: AnyPolicy) -> list[tuple[str, str]]:
    by_event = policy.raised_by is RaisedBy.EVENT
    own = policy.settle_seconds
    return [
        ("severity", policy.severity),
        ("kind", policy.kind),
        ("safety", f"{policy.safety} (the situation may lower it)"),
        ("looks at", ", ".join(sorted(policy.targets))),
        ("is on", "where `policies.yaml` names it (opt-in)" if policy.opt_in else "by default"),
        ("comes to notice by", "the event of the write" if by_event else "the sweep: Azure raises no event"),
        ("settles for", "`SETTLE_SECONDS`" if own is None else f"{own:g} s"),
    ]


def _paragraphs(policy: AnyPolicy) -> list[str]:
    """The docstring below its title as Markdown: one line per paragraph, its lead-in bold, code in single
    backticks. Raises CannotGenerate."""
    docstring = modules()[policy.id].__doc__
    if not docstring:
        raise CannotGenerate(f"the module of policy {policy.id} has no docstring")
    _, *joined = [" ".join(part.split()) for part in docstring.strip().split("\n\n")]
    return [re.sub(r"^\*([^*]+)\*", r"**\1**", part.replace("``", "`")) for part in joined]


def _parameters(parameters: Sequence[Parameter]) -> list[str]:
    if not parameters:
        return ["It has no parameters."]
    rows = ((code(one.name), code(json.dumps(one.default)), one.description) for one in parameters)
    return ["**Parameters**", table(("name", "default", "meaning"), rows)]


def _controls(controls: Sequence[Control]) -> list[str]:
    if not controls:
        return ["No framework among the project's controls states it."]
    rows = ((one.framework, one.version, control_id(one), one.title) for one in controls)
    return ["**Controls**", table(("framework", "version", "id", "requirement"), rows)]


def control_id(control: Control) -> str:
    """Its id, and where it leads."""
    return link(code(control.id), control.link) if control.link else code(control.id)
