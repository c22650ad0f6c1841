"""Rules without effect on a VNet-integrated server: advice, listed and never sent."""

from __future__ import annotations

import pytest

from shared.model import ComplianceState, FirewallRule, PublicAccess, ServerSnapshot, Severity
from shared.model.alert_records import AlertStatus
from shared.model.resource_id import ResourceId
from shared.policies.public_reach.postgres_firewall_rules_on_vnet_integrated import POLICY
from tests.builders import ALL_AZURE, GROUP, OFFICE, SUBNET, public_server, server
from tests.fakes import World

COMPLIANT, NON_COMPLIANT, UNKNOWN = (
    ComplianceState.COMPLIANT,
    ComplianceState.NON_COMPLIANT,
    ComplianceState.UNKNOWN,
)


ZONE = ResourceId(
    f"{GROUP}/providers/Microsoft.Network/privateDnsZones/shop.private.postgres.database.azure.com"
)


def integrated(*rules: FirewallRule) -> ServerSnapshot:
    return server(firewall_rules=rules, delegated_subnet=SUBNET, private_dns_zone=ZONE, private_endpoints=())


def test_rules_on_a_vnet_integrated_server_are_advice() -> None:
    finding = POLICY.evaluate(integrated(OFFICE, ALL_AZURE))
    assert (finding.state, finding.severity) == (NON_COMPLIANT, Severity.INFORMATIONAL)
    assert finding.reason.endswith("has no effect: the server is VNet-integrated")
    assert [shown["name"] for shown in finding.evidence["rules"]] == [ALL_AZURE.name, "office"]
    assert POLICY.plan(finding, integrated(OFFICE)) is None


@pytest.mark.parametrize("access", PublicAccess)
def test_other_servers_are_not_its_business(access: PublicAccess) -> None:
    finding = POLICY.evaluate(public_server(public_access=access))
    assert (finding.state, finding.applies, finding.evidence["rules"]) == (COMPLIANT, False, [])


def test_no_rules_are_right_and_unread_ones_are_unknown() -> None:
    assert POLICY.evaluate(integrated()).state is COMPLIANT
    assert POLICY.evaluate(integrated()).applies
    assert POLICY.evaluate(server(firewall_rules=None, delegated_subnet=SUBNET)).state is UNKNOWN


def test_advice_is_an_alert_that_sends_no_message_when_it_opens_and_when_it_is_over() -> None:
    world = World()
    target = world.azure.put(integrated(OFFICE))
    world.look(target)
    world.drain(60)
    (alert,) = world.store.alerts(policy=POLICY.id)
    assert (alert.status, alert.unsent) == (AlertStatus.OPEN, ())
    world.event(world.azure.put(integrated()))
    world.drain(60)
    (alert,) = world.store.alerts(policy=POLICY.id)
    assert alert.status is AlertStatus.RESOLVED
    assert world.delivered == []
