"""`driftward explain-flows`: what the denied flows of a PostgreSQL subnet are, and the rules they take.

The steps are in ``driftward.flows``; here options become values, logs are read with their progress shown, and
the answer is written: as JSON for machines, through ``driftward.flows.show`` for people.

Exit codes: 0 answered, and no required traffic is known to be denied; 1 required platform traffic is denied
(with an NSG: and still is); 2 the input is unusable.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from driftward.documents import STANDARD_INPUT, standard_input
from driftward.flows.advice import advise
from driftward.flows.counting import Counting
from driftward.flows.faults import BadLog, Faults
from driftward.flows.inputs import Server
from driftward.flows.known import Known, Sources, known_of
from driftward.flows.progress import watched
from driftward.flows.report import Answer, Told, report
from driftward.flows.rules import shell_lines
from driftward.flows.stream import read_events
from driftward.options import answers
from driftward.refusing import refuse, said
from shared.model import Json, SecurityGroup, SecurityRule
from shared.model.errors import ConfigurationError, GatewayError
from shared.model.values import value
from shared.nsg import NsgError, Tags
from shared.nsg.asking import BadInput

_DIRECTIONS: Final = {"inbound": False, "outbound": True}
_UNUSABLE: Final = (BadInput, BadLog, NsgError, GatewayError, ConfigurationError)
_HELP: Final = """\
Explains the denied flows of a PostgreSQL subnet: which are platform traffic that the service needs (Storage,
Microsoft Entra, Key Vault, Monitor, by the prefixes of their service tags), which go to addresses that no
rule can name, and which are somebody else's; and what rule each required one takes. Reads flow logs of NSGs
(version 1 and 2) and of virtual networks (version 4); - reads standard input.

\b
  driftward explain-flows PT1H.json --tags ServiceTags_Public.json \\
      --subnet 10.0.1.0/28 --nsg nsg.json
  driftward explain-flows PT1H.json --server /subscriptions/.../flexibleServers/pg
"""
_EPILOG: Final = """\
Only --subscription with --location, and --server with an id, ask Azure: with the credential that
azure-identity finds, at CLOUD or ARM_ENDPOINT. An id gives the subnet, its NSG and the tags of the server's
region where no option does.

Without prefixes of service tags the answer for public addresses is Unknown. With --nsg the present rules
count: traffic that they let pass is not denied. A rule for Internet:443 is never proposed.

Exit codes: 0 answered, and no required traffic is known to be denied (what is Unknown is told); 1 required
traffic is denied; 2 the input cannot be used.
"""


@value
class Call:
    """What is asked for."""

    logs: tuple[str, ...]
    direction: str | None
    is_partial: bool
    sources: Sources


@click.command("explain-flows", help=_HELP, epilog=_EPILOG)
@click.argument("logs", nargs=-1, required=True, metavar="FLOWLOG.json...")
@click.option(
    "--subnet",
    multiple=True,
    metavar="PREFIX",
    help="The PostgreSQL subnet, several separated by commas; flows of other subnets are left out.",
)
@click.option(
    "--tags",
    metavar="FILE",
    help="The prefixes of service tags: {name: [prefixes]}, or Azure's service tag file.",
)
@click.option("--subscription", metavar="ID", help="Read the service tags from Azure, as this subscription.")
@click.option(
    "--location", metavar="REGION", help="Whose copy of the service tags; the server's when absent."
)
@click.option(
    "--nsg",
    metavar="FILE",
    help="The subnet's NSG as ARM, az, the portal or a template has it: says what it does now, and makes the "
    "rules exact.",
)
@click.option("--nsg-name", metavar="NAME", help="Which NSG, where the file holds several.")
@click.option(
    "--server",
    metavar="SERVER",
    help="A flexible server, as an id to read from Azure or a file of az or ARM: its features say which "
    "traffic is required.",
)
@click.option("--direction", metavar="WAY", help="Only Inbound or Outbound; both when absent.")
@click.option(
    "--partial",
    "is_partial",
    is_flag=True,
    help="Answer for what can be read of a broken log; what cannot is told and counted.",
)
@answers
def explain_flows(as_json: bool, **given: Any) -> int:
    """Answer what the command line asks."""
    logs, direction, is_partial = (given.pop(name) for name in ("logs", "direction", "is_partial"))
    call = Call(logs=logs, direction=direction, is_partial=is_partial, sources=Sources(**given))
    try:
        out, rules, group = _answered(call)
    except _UNUSABLE as error:
        return _refused(error, as_json=as_json)
    return _write(out, rules, group, as_json=as_json)


def _answered(call: Call) -> tuple[dict[str, Json], list[SecurityRule], SecurityGroup | None]:
    outbound = _direction(call.direction)
    known = known_of(call.sources)
    faults = Faults(strict=not call.is_partial)
    counting = Counting(known.setting, outbound=outbound)
    for path in call.logs:
        _count(path, counting, faults)
    told = _told(call, known, counting, faults)
    return report(told), [rule for found in told.advice.values() for rule in found.rules], known.group


def _told(call: Call, known: Known, counting: Counting, faults: Faults) -> Told:
    return Told(
        files=call.logs,
        counting=counting,
        faults=faults,
        setting=known.setting,
        advice=advise(counting.groups.values(), known.setting, known.group, known.tags or Tags()),
        security_group=known.group,
        tags=known.tags_from,
        server=_server_view(known.server),
        notes=known.notes,
    )


def _server_view(server: Server | None) -> dict[str, Json] | None:
    if server is None:
        return None
    return {
        "id": None if server.id is None else str(server.id),
        "name": server.name,
        "location": server.location,
        "subnetId": None if server.subnet is None else str(server.subnet),
        "entraSignIn": server.features.entra,
        "customerKey": server.features.customer_key,
        "highAvailabilityOrPgBouncer": server.features.pooled,
    }


def _direction(text: str | None) -> bool | None:
    if text is None:
        return None
    if text.strip().lower() not in _DIRECTIONS:
        raise BadInput(f"--direction is {text!r}; it is Inbound or Outbound", field="direction")
    return _DIRECTIONS[text.strip().lower()]


def _write(
    out: dict[str, Json], rules: Sequence[SecurityRule], group: SecurityGroup | None, *, as_json: bool
) -> int:
    if as_json:
        print(json.dumps(out, indent=2))
    else:
        from driftward.flows.show import show

        show(out, {rule.name: shell_lines(rule, group) for rule in rules})
    return 1 if out["answer"] == Answer.REQUIRED_DENIED else 0


def _refused(error: Exception, *, as_json: bool) -> int:
    """Say what is wrong, in words and with the names of option and rule where they are known."""
    field, rule = getattr(error, "field", ""), getattr(error, "rule", "")
    if as_json:
        print(json.dumps({"error": said(error), "field": field, "rule": rule or None}, indent=2))
    return refuse(error)


# --- the logs --------------------------------------------------------------------------------------


def _count(path: str, counting: Counting, faults: Faults) -> None:
    """Read one log. Raises ``BadLog`` that names the file and the place in it."""
    try:
        with _opened(path) as (source, size), watched(source, size) as pieces:
            counting.take(read_events(pieces, faults))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}", field="logs") from error
    except BadLog as error:
        raise BadLog(f"{path}: {error}") from error


@contextmanager
def _opened(path: str) -> Iterator[tuple[BinaryIO, int | None]]:
    if path == STANDARD_INPUT:
        yield standard_input(), None
        return
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        yield file, size or None
