"""The options of `python -m local policies`, and what it says of itself.

Only names and help stand here, so that asking for any other command costs nothing; what values may be is
judged where they are used (`driftward.policies`, `driftward.explain_policies`).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_DESCRIPTION: Final = """\
Shows every policy with what policies.yaml says of it everywhere; with --explain,
what holds for one server or subnet, and which line says so. Nothing is asked of
Azure: give a server's tags with --tags.

  policies --json
  policies --file policies.yaml
  policies --explain /subscriptions/.../flexibleServers/orders --tags env=prod
"""
_EPILOG: Final = """\
exit codes: 0 shown; 2 the file or the question cannot be used, with the line of
every mistake in the file.
"""


def add_policies(commands: Commands) -> None:
    parser = commands.add_parser(
        "policies",
        help="the catalogue: what is found, and what is done about it",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--file", type=Path, help="another policies.yaml")
    parser.add_argument(
        "--explain", metavar="RESOURCE_ID", help="what holds for a server or a subnet, and why"
    )
    parser.add_argument("--policy", metavar="ID", help="with --explain: only this policy")
    parser.add_argument("--tags", metavar="k=v,…", default="", help="with --explain: the server's tags")
