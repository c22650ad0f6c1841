"""`python -m local new-policy ID [--family FAMILY]`: the files of a policy that is still to be filled in.

Written are the policy, its scenario and its three stored readings, and nothing that exists is touched: all
texts are made before the first file is written, and one that cannot be written takes the others along.

Exit codes: 0 written, 2 nothing was: a wrong id, a policy that exists, a family that does not, a full disk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from local.dev.environments import ROOT
from local.dev.scaffold import FILL_IN, SERVER, SUBNET, Form, policy_text, reading, scenario_text

_ID: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
_FAMILIES: Final[Mapping[str, Form]] = {
    "public_reach": SERVER,
    "private_reach": SERVER,
    "nsg": SUBNET,
    "network": SUBNET,
    "sign_in": SERVER,
    "logging": SERVER,
    "continuity": SERVER,
}
"""The folders of `shared/policies`, and what their policies mostly look at."""
_STATES: Final = ("compliant", "drifted", "unknown")


class NotWritten(click.ClickException):
    """Nothing was written, and why."""

    exit_code = 2


@click.command("new-policy")
@click.argument("policy", metavar="ID")
@click.option(
    "--family",
    type=click.Choice(list(_FAMILIES)),
    help="The folder of shared/policies; `nsg` for an id that begins with it, else `continuity`.",
)
def new_policy(policy: str, family: str | None) -> None:
    """Write a policy, its scenario and its three readings, to be filled in.

    ID names the pattern that is found, for example postgres-tls-not-required.
    """
    files = scaffolded(policy, family or ("nsg" if policy.startswith("nsg-") else "continuity"))
    _write(ROOT, files)
    click.echo("\n".join(["Written:", *(f"  {name}" for name in files), "", _next_steps(policy)]))


def scaffolded(policy: str, family: str, root: Path = ROOT) -> dict[str, str]:
    """The text of every file by its path. Raises NotWritten for a wrong id and for one that is taken."""
    if not _ID.fullmatch(policy):
        raise NotWritten(f"{policy!r} is no id: lower-case words with dashes, as postgres-tls-not-required")
    if taken := _taken(policy, root):
        raise NotWritten(f"{policy} exists: {taken.relative_to(root)}")
    module, form = policy.replace("-", "_"), _FAMILIES[family]
    told = json.dumps(reading(policy, form), indent=2) + "\n"
    return {
        f"shared/policies/{family}/{module}.py": policy_text(policy, form),
        f"tests/catalogue/scenarios/{module}.py": scenario_text(policy, form),
        **{f"tests/policies/snapshots/{policy}/{form.kind}/{state}.json": told for state in _STATES},
    }


def _taken(policy: str, root: Path) -> Path | None:
    """A file or folder that a policy of this id has already, in whichever family."""
    module = f"{policy.replace('-', '_')}.py"
    places = (
        *(root / "shared" / "policies").glob(f"*/{module}"),
        root / "tests" / "catalogue" / "scenarios" / module,
        root / "tests" / "policies" / "snapshots" / policy,
    )
    return next((place for place in places if place.exists()), None)


def _write(root: Path, files: Mapping[str, str]) -> None:
    written: list[Path] = []
    try:
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            written.append(path)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise NotWritten(f"nothing was written: {error}") from error


def _next_steps(policy: str) -> str:
    return (
        f"Fill in every {FILL_IN}; in the readings change what the policy looks at, until each is in the\n"
        "state of its name. This says what is left, and then whether it is right:\n"
        f"  .venv/bin/python -m pytest tests/policies tests/catalogue -k {policy}\n"
        "Then `make docs` and `make check`."
    )
