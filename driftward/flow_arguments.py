"""The options of `python -m local explain-flows`, and what it says of itself.

Only names and help stand here, so that asking for any other command costs nothing; what values may be is
judged where they are read (`driftward.flows.inputs`).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_DESCRIPTION: Final = """\
Explains the denied flows of a PostgreSQL subnet: which are platform traffic
that the service needs (Storage, Microsoft Entra, Key Vault, Monitor, by the
prefixes of their service tags), which go to addresses that no rule can name,
and which are somebody else's; and what rule each required one takes. Reads
flow logs of NSGs (version 1 and 2) and of virtual networks (version 4).

  explain-flows PT1H.json --tags ServiceTags_Public.json \\
      --subnet 10.0.1.0/28 --nsg nsg.json
  explain-flows PT1H.json --server /subscriptions/.../flexibleServers/pg
"""
_EPILOG: Final = """\
Only --subscription with --location, and --server with an id, ask Azure: with
the credential that azure-identity finds, at CLOUD or ARM_ENDPOINT. An id gives
the subnet, its NSG and the tags of the server's region where no option does.

Without prefixes of service tags the answer for public addresses is Unknown.
With --nsg the present rules count: traffic that they let pass is not denied.
A rule for Internet:443 is never proposed.

exit codes:
  0 answered: no required traffic is known to be denied; what is Unknown is
  told; 1 required traffic is denied; 2 the input cannot be used.
"""
_OPTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "--subnet": {
        "action": "append",
        "metavar": "PREFIX",
        "help": "the PostgreSQL subnet, several separated by commas; flows of other subnets are left out",
    },
    "--tags": {
        "metavar": "FILE",
        "help": "the prefixes of service tags: {name: [prefixes]}, or Azure's service tag file",
    },
    "--subscription": {"metavar": "ID", "help": "read the service tags from Azure, as this subscription"},
    "--location": {"metavar": "REGION", "help": "whose copy of the service tags; the server's when absent"},
    "--nsg": {
        "metavar": "FILE",
        "help": "the subnet's NSG as ARM, az, the portal or a template has it: says what it does now, and "
        "makes the rules exact",
    },
    "--nsg-name": {"metavar": "NAME", "help": "which NSG, where the file holds several"},
    "--server": {
        "metavar": "SERVER",
        "help": "a flexible server, as an id to read from Azure or a file of az or ARM: its features say "
        "which traffic is required",
    },
    "--direction": {"metavar": "WAY", "help": "only Inbound or Outbound; both when absent"},
}


def add_explain_flows(commands: Commands) -> None:
    """Add the command to the parser of `python -m local`."""
    parser = commands.add_parser(
        "explain-flows",
        help="which denied flows of a flow log PostgreSQL needs, and the rules for them",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("logs", nargs="+", metavar="FLOWLOG.json", help="flow logs; - reads standard input")
    for option, details in _OPTIONS.items():
        parser.add_argument(option, **details)
    parser.add_argument(
        "--partial",
        action="store_true",
        help="answer for what can be read of a broken log; what cannot is told and counted",
    )
    parser.add_argument("--json", action="store_true", help="for machines")
