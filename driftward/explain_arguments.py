"""The options of `python -m local explain-nsg`, and what it says of itself.

Only names and help stand here, so that asking for any other command costs nothing; what values may be is
judged where questions are read (`shared.nsg.asking`), once for the command, the batch and the API.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_DESCRIPTION: Final = """\
Asks the rules of one NSG about traffic: is it allowed, which rules decide,
which packets show it, and which rule to add. Nothing is sent anywhere. The
answer is exact for each packet: what depends on service tags or application
security groups that are not known is told, never guessed.

  explain-nsg --nsg nsg.json --direction Inbound --source 10.0.1.0/24 \\
      --destination 10.0.1.0/24 --ports 5432,6432 --want allow
  explain-nsg --batch < questions.jsonl > answers.jsonl
"""
_EPILOG: Final = """\
Several values are separated by commas, or the option is repeated.

exit codes:
  0 answered, and --want is absent or met; 1 --want is not met; 2 the input
  cannot be used. With --batch: 0 every line was answered; 1 some line got an
  error; 2 the call cannot be used.

a line of the batch:
  {"id", "nsg", "direction", "source", "destination", "ports"} and, where
  wanted, "protocol", "sourcePorts", "tags", "openTags", "want",
  "privateEndpointNetworkPolicies". A tag that "tags" does not hold is an error
  there, unless "openTags" is true. Empty lines are skipped.
"""
_MANY: Final[Mapping[str, Any]] = {"action": "append"}
_OPTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "--nsg": {
        "metavar": "FILE",
        "help": "an NSG as ARM, az, the portal or a template has it; - reads standard input",
    },
    "--name": {"help": "which NSG, where the file holds several"},
    "--direction": {"metavar": "WAY", "help": "Inbound or Outbound"},
    "--source": {
        **_MANY,
        "metavar": "ADDRESSES",
        "help": "addresses, prefixes, a-b ranges, a service tag or *",
    },
    "--destination": {**_MANY, "metavar": "ADDRESSES", "help": "as --source"},
    "--ports": {**_MANY, "metavar": "PORTS", "help": "of the destination: 5432,6000-6010 or *"},
    "--source-ports": {**_MANY, "metavar": "PORTS", "help": "of the source; * when absent"},
    "--protocol": {"help": "Tcp (default), Udp, Icmp, Esp, Ah or *"},
    "--tags": {
        "metavar": "FILE",
        "help": "the prefixes of service tags: {name: [prefixes]}, or Azure's service tag file. The tags "
        "that it names hold exactly these; every other one stays open, as all do without it",
    },
    "--want": {"metavar": "GOAL", "help": "allow or deny: what the answer should be; adds the fix"},
    "--private-endpoint-policies": {
        "metavar": "STATE",
        "help": "the subnet's privateEndpointNetworkPolicies, where the traffic goes to a private endpoint",
    },
}


def add_explain_nsg(commands: Commands) -> None:
    """Add the command to the parser of `python -m local`."""
    parser = commands.add_parser(
        "explain-nsg",
        help="what an NSG does to some traffic, and why",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option, details in _OPTIONS.items():
        parser.add_argument(option, **details)
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--batch", action="store_true", help="JSON Lines in, JSON Lines out, in their order")
    parser.add_argument(
        "lines",
        nargs="?",
        metavar="LINES.jsonl",
        help="with --batch: the questions; standard input if absent",
    )
