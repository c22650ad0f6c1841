"""`driftward diagnose SERVER [--from WHO] [--nat ADDRESS]…`: who can connect, and what is in the way.

The verdict is ``shared.posture.ways``; here the arguments become values, Azure is read and the answer is
written. Exit codes: 0 everybody who is asked about connects, for sure; 1 a fault is proved; 2 the input is
unusable, or what it names cannot be read; 3 not known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from driftward.diagnosis.who import BadInput, Who, client_named, server_named
from driftward.options import answers
from driftward.refusing import refuse
from driftward.signing_in import hush
from shared.model import Target
from shared.model.errors import ConfigurationError, GatewayError

if TYPE_CHECKING:
    from driftward.diagnosis.words import Diagnosis

_HELP: Final = """\
Says who can connect to a server, and of whom that is blocked what is in the way: the address, NSGs, routes,
DNS and the firewall are told in the order of the Private Link article. Azure is read and never written.

Without --from everybody is asked about who is declared in policies.yaml, else the networks linked to the
server's zone and the public path as far as it is open; and what the server itself needs.

\b
  driftward diagnose /subscriptions/.../flexibleServers/orders
  driftward diagnose /subscriptions/.../flexibleServers/orders --from 203.0.113.9
  driftward diagnose /subscriptions/.../flexibleServers/orders \\
      --from /subscriptions/.../virtualNetworks/apps/subnets/web --nat 203.0.113.7
"""
_EPILOG: Final = """\
Azure is read with the credential that azure-identity finds (`az login`), at CLOUD or ARM_ENDPOINT.
Parameters of policies are those of POLICIES_FILE, else policies.yaml of this folder, else the defaults.

Exit codes: 0 connects, for sure; 1 a fault is proved; 2 the input cannot be used, or what it names
cannot be read; 3 not known.
"""
_FROM: Final = """\
Who wants to connect: resource id of a subnet, a public IPv4 address, a private range (of a subnet, else
on-premises), or `azure` for any Azure address."""
_NAT: Final = "A public address by which that subnet or on-premises range leaves; may be repeated."


@click.command("diagnose", help=_HELP, epilog=_EPILOG)
@click.argument("server", metavar="SERVER")
@click.option("--from", "client", metavar="WHO", help=_FROM)
@click.option("--nat", metavar="ADDRESS", multiple=True, help=_NAT)
@answers
def diagnose(server: str, client: str | None, nat: Sequence[str], as_json: bool) -> int:
    """Ask for the ways to the server whose resource id is SERVER."""
    try:
        found = _diagnosis(server_named(server), client_named(client, nat))
    except (BadInput, GatewayError, ConfigurationError) as error:
        return refuse(error)
    return _tell(found, as_json=as_json)


def _tell(found: Diagnosis, *, as_json: bool) -> int:
    from driftward.diagnosis.view import exit_code, view

    if as_json:
        print(json.dumps(view(found), indent=2))
    else:
        from driftward.diagnosis.show import show

        show(found)
    return exit_code(found)


def _diagnosis(server: Target, who: Who | None) -> Diagnosis:
    from driftward.catalogue.file import chosen
    from driftward.diagnosis.asking import asked
    from driftward.diagnosis.azure import case_of
    from shared.adapters.arm.gateway import ArmGateway
    from shared.adapters.arm.session.clients import ArmClients
    from shared.adapters.clock import SystemClock

    hush()
    said, clock = chosen(None, os.environ), SystemClock()
    clients = ArmClients(said.settings)
    try:
        gateway = ArmGateway(clients, clock, clock.sleep)
        return asked(case_of(server, who, gateway, said.configuration), said.settings)
    finally:
        clients.close()
