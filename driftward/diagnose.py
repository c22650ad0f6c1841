"""`driftward diagnose SERVER [--from WHO]`: why nobody, or one subnet, can connect to a server.

The walk itself is in ``driftward.diagnosis``; here the arguments become values, Azure is read and the
answer is written. Exit codes: 0 no fault is proved, 1 one is, 2 the input is unusable or the server cannot
be read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Address, ip_network
from typing import Any, Final

import click

from driftward.diagnosis.case import Result, Step
from driftward.diagnosis.walk import walk
from driftward.options import answers
from driftward.refusing import refuse
from driftward.signing_in import hush
from shared.alerts.commands import at_endpoint
from shared.config.settings import Settings
from shared.model import Target, TargetKind
from shared.model.errors import ConfigurationError, GatewayError
from shared.model.resource_id import ResourceId, parse_resource_id
from shared.nsg import PUBLIC_ADDRESSES, common, spans_of

_SERVERS: Final = {
    "microsoft.dbforpostgresql/flexibleservers": TargetKind.FLEXIBLE_SERVER,
    "microsoft.dbforpostgresql/servers": TargetKind.SINGLE_SERVER,
}
_SUBNET: Final = "microsoft.network/virtualnetworks/subnets"
_HELP: Final = """\
Says why nobody, or one subnet or address, can connect to a server: its address, NSGs, routes, DNS and
firewall are looked at in the order in which a connection meets them. Azure is read and never written.

\b
  driftward diagnose /subscriptions/.../flexibleServers/orders
  driftward diagnose /subscriptions/.../flexibleServers/orders --from 203.0.113.9
"""
_EPILOG: Final = """\
Azure is read with the credential that azure-identity finds (`az login`), at CLOUD or ARM_ENDPOINT.
Parameters of policies are those of POLICIES_FILE, else policies.yaml of this folder, else the defaults.

Exit codes: 0 no fault is proved; 1 one is; 2 the input cannot be used, or the server cannot be read.
"""


class BadInput(ValueError):
    """An argument that cannot be used; the message names it."""


@click.command("diagnose", help=_HELP, epilog=_EPILOG)
@click.argument("server", metavar="SERVER")
@click.option(
    "--from",
    "client",
    metavar="WHO",
    help="Who wants to connect: resource id of a subnet, or a public IPv4 address.",
)
@answers
def diagnose(server: str, client: str | None, as_json: bool) -> int:
    """Walk to the server whose resource id is SERVER."""
    try:
        target = server_named(server)
        steps = _walked(target, client_named(client))
    except (BadInput, GatewayError, ConfigurationError) as error:
        return refuse(error)
    _tell(target, steps, as_json=as_json)
    return 1 if any(step.result is Result.FAULT for step in steps) else 0


def _tell(server: Target, steps: Sequence[Step], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(view(server, steps), indent=2))
    else:
        from driftward.diagnosis.show import show

        show(str(server.id), steps)


def view(server: Target, steps: Sequence[Step]) -> dict[str, Any]:
    """``{"server", "result", "steps": [{"stage", "result", "says", "resource", "fix", "evidence"}]}``."""
    from driftward.diagnosis.show import worst
    from shared.model.codec import to_json

    return {"server": str(server.id), "result": worst(steps), "steps": [to_json(step) for step in steps]}


def _walked(server: Target, client: ResourceId | IPv4Address | None) -> tuple[Step, ...]:
    from driftward.catalogue.file import chosen
    from driftward.diagnosis.azure import case_of
    from shared.adapters.arm.gateway import ArmGateway
    from shared.adapters.arm.session.clients import ArmClients
    from shared.adapters.clock import SystemClock

    hush()
    said, clock = chosen(None, os.environ), SystemClock()
    clients = ArmClients(said.settings)
    try:
        gateway = ArmGateway(clients, clock, clock.sleep)
        steps = walk(case_of(server, client, gateway, said.configuration))
        return tuple(_at_endpoint(step, said.settings) for step in steps)
    finally:
        clients.close()


def _at_endpoint(step: Step, settings: Settings) -> Step:
    """The step with commands that go to the ARM of the settings, wherever azure-cli's active cloud has it."""
    where, audience = settings.management_endpoint, settings.management_audience
    return replace(step, fix=tuple(at_endpoint(one, where, audience) for one in step.fix))


def server_named(text: str) -> Target:
    """The server with this id. Raises ``BadInput``."""
    found = parse_resource_id(text)
    kind = _SERVERS.get(found.type) if found is not None else None
    if found is None or kind is None:
        raise BadInput(f"SERVER: {text!r} is not the resource id of a PostgreSQL server")
    return Target(kind=kind, id=found)


def client_named(text: str | None) -> ResourceId | IPv4Address | None:
    """The subnet or the address with which somebody wants to connect. Raises ``BadInput``."""
    if text is None:
        return None
    found = parse_resource_id(text)
    if found is not None and found.type == _SUBNET:
        return found
    wanted = f"--from: {text!r} is not the resource id of a subnet, or a public IPv4 address"
    try:
        address = IPv4Address(text)
    except AddressValueError:
        raise BadInput(wanted) from None
    if not common(PUBLIC_ADDRESSES, spans_of([ip_network(address)])):
        raise BadInput(f"{wanted}: name the subnet that it lies in")
    return address
