"""Route table that takes a PostgreSQL subnet's own traffic, or its way to Entra ID, to an appliance.

*What it finds.* A subnet delegated to ``Microsoft.DBforPostgreSQL/flexibleServers`` whose user-defined
routes send packets between its own addresses elsewhere than straight there, or, where a server has
Microsoft Entra sign-in on, packets to Entra ID elsewhere than to the Internet: to an appliance, a gateway
or nowhere. The longest prefix decides, user-defined before Azure's own, so a route for 0.0.0.0/0 leaves the
subnet's own traffic alone. A route for a part of what Entra ID may use, routes that a gateway may have
learned, and a route table or network that could not be read make it unknown where they matter.

*Why it matters.* Primary and standby talk to each other inside the subnet. An appliance that sees one
direction, or knows nothing of the connection, drops it: replication stops, and a failover with it. And when
Entra ID cannot be reached, nobody signs in with a token.

*What the change does.* Nothing is changed: who built the way through the appliance has to say what may go
past it. The alert lists the routes that cure it, as the service's documentation has them:
``AzureActiveDirectory`` to the Internet, and the subnet's own prefix to the virtual network.

*What it may break.* The routes listed take exactly this traffic past the appliance, and its inspection and
log with it.

*References.* Private access networking of Azure Database for PostgreSQL (user-defined routes); Virtual
network traffic routing. No framework among the project's controls states it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from shared.model import Aspect, ComplianceState, Finding, Kind, Severity, SubnetSnapshot
from shared.model.networks import Route
from shared.model.values import value
from shared.nsg import minus, spans_of
from shared.posture.findings import (
    Judged,
    beside_the_point,
    compliant,
    drifted,
    finding,
    unknown,
    with_evidence,
)
from shared.posture.need_routes import Routed, ToNetworks, ToService, routed, told
from shared.posture.policy import SUBNETS, Policy
from shared.posture.route_commands import route_commands
from shared.posture.route_tables import (
    Hop,
    Taken,
    beside_odd,
    leading,
    odd_reason,
    shown,
    unread_routes,
)
from shared.posture.service_questions import ENTRA, ENTRA_SIGN_IN
from shared.posture.subnet_facts import delegated, servers_unknown, some_server

ID: Final = "postgres-subnet-routed-through-appliance"
SEVERITY: Final = Severity.HIGH


@value
class Traffic:
    """One kind of traffic: what is surely wrong with its way, what may be, and the route that cures it."""

    name: str
    wrong: tuple[Taken, ...] = ()
    drift: str = ""
    """Where what is wrong goes, for the fingerprint."""
    open: tuple[str, ...] = ()
    cure: tuple[tuple[str, Hop], ...] = ()
    """Routes that would put it right: prefix or tag, and hop."""


def evaluate(subnet: SubnetSnapshot) -> Finding:
    return finding(ID, SEVERITY, subnet, _judged(subnet))


def _judged(subnet: SubnetSnapshot) -> Judged:
    if subnet.updating:
        return unknown("the subnet is being updated: look again")
    if not delegated(subnet):
        return beside_the_point("the subnet is not delegated to PostgreSQL flexible servers")
    if not subnet.prefixes:
        return unknown("the subnet shows no address prefixes")
    if unread := unread_routes(subnet):
        return unknown(unread)
    table, odd = beside_odd(subnet)
    kinds = (_own(subnet), _entra(subnet))
    cures = [cure for kind in kinds if kind.wrong for cure in kind.cure]
    evidence = {"routeTableId": _table_id(subnet), "whatToDo": list(route_commands(subnet, cures))}
    more = {"routes": [shown(one) for kind in kinds for one in kind.wrong], "mayLearnRoutes": table.learns}
    judged = with_evidence(_verdict(subnet, kinds), {**evidence, **more})
    return _beside(judged, odd) if odd else judged


def _beside(judged: Judged, odd: tuple[Route, ...]) -> Judged:
    """A route that cannot be read may be for any address: nothing is compliant beside it."""
    settled = judged.state is ComplianceState.COMPLIANT
    said = odd_reason(odd) if settled else f"{judged.reason}; {odd_reason(odd)}"
    return replace(judged, reason=said, state=ComplianceState.UNKNOWN if settled else judged.state)


def _verdict(subnet: SubnetSnapshot, kinds: Iterable[Traffic]) -> Judged:
    listed = tuple(kinds)
    if wrong := [kind for kind in listed if kind.wrong]:
        reason = "; ".join(f"{kind.name}: {told(kind.wrong)}" for kind in wrong)
        judged = drifted(reason, "; ".join(f"{kind.name}: {kind.drift}" for kind in wrong))
        return replace(judged, resource_id=subnet.route_table_id)
    if reasons := [text for kind in listed for text in kind.open]:
        return unknown("; ".join(reasons))
    return compliant("traffic inside the subnet stays there, and the way to Entra ID is not diverted")


def _own(subnet: SubnetSnapshot) -> Traffic:
    found = routed(subnet, ToNetworks(prefixes=subnet.prefixes))
    surely = (*found.lost, *found.astray)
    name = "traffic inside the subnet"
    return Traffic(
        name=name,
        wrong=surely,
        drift=leading(surely),
        open=(f"{name}: {', '.join((told(found.perhaps), *found.notes))}",) if found.perhaps else (),
        cure=tuple((prefix, Hop.VIRTUAL_NETWORK) for prefix in _straight(subnet, surely)),
    )


def _straight(subnet: SubnetSnapshot, wrong: Iterable[Taken]) -> tuple[str, ...]:
    """The subnet's prefixes, and what is routed away of a part of one, which would go before it."""
    prefixes = spans_of(subnet.prefixes)
    listed = ((one.step.network, one.step.prefix) for one in wrong)
    within = (text for part, text in listed if part is not None and not minus(spans_of([part]), prefixes))
    return (*sorted(map(str, subnet.prefixes)), *within)


def _entra(subnet: SubnetSnapshot) -> Traffic:
    name, needed = "traffic to Entra ID", some_server(subnet, ENTRA_SIGN_IN.fact)
    found = routed(subnet, ToService(tag=ENTRA, asked=ENTRA)) if needed is not False else Routed()
    surely = (*found.lost, *found.astray)
    if surely and needed:
        wrong = tuple(one for one in surely if one.step.name)
        drift = ",".join(sorted({str(one.step.hop) for one in wrong}))
        return Traffic(name=name, wrong=wrong, drift=drift, cure=((ENTRA, Hop.INTERNET),))
    if surely:
        return Traffic(name=name, open=(servers_unknown(subnet, ENTRA_SIGN_IN.words),))
    elsewhere = f"{name} may go elsewhere than to the Internet: {told(found.perhaps)}"
    return Traffic(name=name, open=(elsewhere,) if found.perhaps else ())


def _table_id(subnet: SubnetSnapshot) -> str | None:
    return str(subnet.route_table_id) if subnet.route_table_id is not None else None


POLICY: Policy[SubnetSnapshot] = Policy(
    id=ID,
    title="A route table takes a PostgreSQL subnet's traffic to an appliance",
    kind=Kind.SETTING,
    targets=SUBNETS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SUBNET, Aspect.ROUTES, Aspect.VIRTUAL_NETWORK, Aspect.SUBNET_SERVERS}),
    evaluate=evaluate,
    opt_in=True,
    order=65,
    why="High availability and sign-in hang on an appliance that drops what it does not know.",
)
