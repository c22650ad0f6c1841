"""`driftward explain-flows`: what the denied flows of a PostgreSQL subnet are, and the rules they take.

The steps are in ``driftward.flows``; here options become values, logs are read with their progress shown, and
the answer is written: as JSON for machines, through ``driftward.flows.show`` for people.

Exit codes: 0 answered, and no required traffic is denied; 1 required platform traffic is denied (with an NSG
that decided: and still is); 2 the input is unusable, or holds nothing of what was asked about; 3 not known.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import click

from driftward.flows.advice import Denied, advise, denied_now
from driftward.flows.counting import Counting
from driftward.flows.faults import BadLog, Faults
from driftward.flows.files import read_log
from driftward.flows.inputs import Server
from driftward.flows.known import Known, Sources, known_of
from driftward.flows.options import of_the_subnet
from driftward.flows.report import Answer, report
from driftward.flows.rules import shell_lines
from driftward.flows.told import Told
from driftward.options import answers
from driftward.refusing import refuse, said
from shared.model import Json, SecurityGroup, SecurityRule
from shared.model.errors import ConfigurationError, GatewayError
from shared.model.values import value
from shared.nsg import NsgError, Tags
from shared.nsg.asking import BadInput
from shared.nsg.packets.addresses import networks_of

_DIRECTIONS: Final = {"inbound": False, "outbound": True}
_EXITS: Final = {Answer.NOTHING_REQUIRED_DENIED: 0, Answer.REQUIRED_DENIED: 1, Answer.UNKNOWN: 3}
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
azure-identity finds, at CLOUD or ARM_ENDPOINT. An id gives the subnet, its NSG, the network's DNS servers and
the tags of the server's region where no option does.

Without prefixes of service tags the answer for public addresses is Unknown. With --nsg the present rules
count: traffic that they let pass is not denied. A rule for Internet:443 is never proposed.

Exit codes: 0 answered, and no required traffic is denied; 1 required traffic is denied; 2 the input cannot
be used, or holds no flow of what was asked about; 3 Unknown: some denied flows may be required.
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
@of_the_subnet
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
        read_log(path, counting.take, faults, counting.passed)
    _refuse_what_was_not_seen(call, known, counting, faults)
    told = _told(call, known, counting, faults)
    return report(told), [rule for found in told.advice.values() for rule in found.rules], known.group


def _refuse_what_was_not_seen(call: Call, known: Known, counting: Counting, faults: Faults) -> None:
    """Raises ``BadInput`` where nothing was looked at: that nothing is denied would be no answer then.

    What could not be read may have been it; then the answer is Unknown.
    """
    sight = counting.sight
    if faults.count:
        return
    if not counting.flows:
        raise BadInput(f"{', '.join(call.logs)}: no flow in it, nothing was looked at", field="logs")
    if not sight.met_subnet:
        subnet, field = (
            ", ".join(map(str, networks_of(known.subnet))),
            "subnet" if call.sources.subnet else "server",
        )
        raise BadInput(f"no flow of the log is of --{field} {subnet}: nothing was looked at", field=field)
    if not sight.met_direction:
        raise BadInput(
            f"no flow of the log is of --direction {call.direction}: nothing was looked at", field="direction"
        )


def _told(call: Call, known: Known, counting: Counting, faults: Faults) -> Told:
    tags = known.tags or Tags()
    return Told(
        files=call.logs,
        counting=counting,
        faults=faults,
        setting=known.setting,
        advice=advise(counting.groups.values(), known.setting, known.group, tags),
        denied_now=_denied_now(call, known, counting, tags),
        security_group=known.group,
        tags=known.tags_from,
        server=_server_view(known.server),
        notes=known.notes,
    )


def _denied_now(call: Call, known: Known, counting: Counting, tags: Tags) -> Denied:
    if known.group is None or _direction(call.direction) is False:
        return {}
    seen = frozenset(label for label, _ in counting.groups)
    return denied_now(known.setting, known.group, tags, seen)


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
    return _EXITS[out["answer"]]


def _refused(error: Exception, *, as_json: bool) -> int:
    """Say what is wrong, in words and with the names of option and rule where they are known."""
    field, rule = getattr(error, "field", ""), getattr(error, "rule", "")
    if as_json:
        print(json.dumps({"error": said(error), "field": field, "rule": rule or None}, indent=2))
    return refuse(error)
