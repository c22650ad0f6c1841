"""`python -m local policies [--json]`: the catalogue, for people as a table, for machines as a list.

What a policy is stands in its own module; which effect it has, in `policies.yaml`. Here both are only
shown. `--explain` asks what holds for one resource (`driftward.explain_policies`); `--file` takes another
file, so that one can be checked before it is deployed. Exit 0, or 2 when the file or the question is
unusable.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from driftward.explain_policies import Asked, Unexplainable, explain, parse_tags, show
from shared.api.views import policy_view
from shared.config.configuration import Configuration
from shared.config.file_reading import parse_policies_file
from shared.model import Json, Severity
from shared.model.codec import to_json
from shared.model.errors import ConfigurationError
from shared.policies import discover
from shared.wiring import ROOT

COLOURS: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFORMATIONAL: "dim",
}


def run_policies(given: argparse.Namespace) -> int:
    """What the arguments ask for: the catalogue, or what holds for one resource."""
    try:
        configuration = _configuration(given.file or ROOT / "policies.yaml")
        if given.explain is not None:
            _explain(given, configuration)
            return 0
        if given.policy or given.tags:
            raise Unexplainable("--policy and --tags belong to --explain")
    except (ConfigurationError, Unexplainable) as error:
        print(error, file=sys.stderr)
        return 2
    _show_catalogue(policy_views(configuration), as_json=given.json)
    return 0


def _explain(given: argparse.Namespace, configuration: Configuration) -> None:
    asked = Asked(
        resource=given.explain,
        tags=parse_tags(given.tags),
        policy=given.policy,
        now=datetime.now(UTC),
    )
    show(explain(asked, configuration, discover()), as_json=given.json)


def _show_catalogue(views: Sequence[Mapping[str, Json]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(views, indent=2))
    else:
        Console(highlight=False).print(_table(views))


def policy_views(configuration: Configuration) -> list[dict[str, Json]]:
    """Every policy as `GET /api/policies` shows it, in the order in which changes are made."""
    return [to_json(policy_view(policy, configuration)) for policy in discover()]


def _configuration(path: Path) -> Configuration:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path.name}: {error}") from error
    return Configuration(parse_policies_file(text, discover(), name=path.name))


def _table(views: Sequence[Mapping[str, Json]]) -> Table:
    table = Table(
        title="Policies, in the order in which their changes are made", title_justify="left", show_lines=True
    )
    table.add_column("policy", ratio=1, overflow="fold")
    table.add_column("severity, safety, effect", no_wrap=True)
    table.add_column("looks at", no_wrap=True)
    for view in views:
        colour = COLOURS[Severity(view["severity"])]
        table.add_row(
            f"[bold]{view['id']}[/]\n{view['title']}\n[dim]{_controls(view['controls'])}[/]",
            f"[{colour}]{view['severity']}[/], {view['safety']}, {view['effect']}",
            "\n".join(view["targets"]),
        )
    return table


def _controls(controls: Sequence[Mapping[str, str]]) -> str:
    """`CIS … 4.3.8, 4.3.7 · MCSB NS-2`: the requirements by framework."""
    by_framework: dict[str, list[str]] = {}
    for held in controls:
        by_framework.setdefault(held["framework"], []).append(held["id"])
    named = [f"{framework} {', '.join(ids)}" for framework, ids in by_framework.items()]
    return " · ".join(named) or "no framework states this"
