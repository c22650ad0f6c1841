"""The scenario of the demonstration: its end states are read from resources, and they can be wrong."""

import pytest

from local.demo.world import (
    BILLING,
    DENY_ALL,
    LEDGER,
    NSG,
    NSG_BLOCKS,
    EndState,
    both_at_once,
    by_id,
    end_states,
    first_deeds,
    inside_subnet,
    resources,
)
from local.simulator import seeds
from local.simulator.client import SimulatorClient
from local.simulator.server import SimulatorServer
from local.simulator.values import JsonObject
from shared.policies import discover


def _nsg(*rules: JsonObject) -> dict[str, JsonObject]:
    return {NSG.lower(): seeds.nsg(rules=rules)}


def _allow(priority: int) -> JsonObject:
    given: JsonObject = {
        "sourceAddressPrefix": "10.20.1.0/24",
        "destinationAddressPrefix": "10.20.1.0/24",
        "destinationPortRanges": ["5432", "6432"],
    }
    return seeds.security_rule(name="allow", priority=priority, access="Allow", properties=given)


def test_a_subnet_without_a_matching_rule_passes() -> None:
    assert inside_subnet(_nsg()) == "passes"


def test_the_rule_with_the_lower_number_decides() -> None:
    deny = seeds.security_rule(name=DENY_ALL, priority=4000)
    assert inside_subnet(_nsg(deny)) == "blocked"
    assert inside_subnet(_nsg(deny, _allow(3999))) == "passes"
    assert inside_subnet(_nsg(_allow(4001), deny)) == "blocked"


def test_an_outbound_rule_says_nothing_about_inbound_packets() -> None:
    assert (
        inside_subnet(_nsg(seeds.security_rule(name="out", priority=100, direction="Outbound"))) == "passes"
    )


def test_every_deed_violates_policies_that_exist() -> None:
    known = {policy.id for policy in discover()}
    deeds = (*first_deeds(), both_at_once())
    assert {policy for deed in deeds for policy in deed.policies} <= known


def test_the_deeds_alone_leave_states_that_are_not_the_expected_ones() -> None:
    with SimulatorServer() as server:
        client = SimulatorClient(server.url)
        client.seed(resources(), replace=True)
        for deed in (*first_deeds(), both_at_once()):
            deed.perform(SimulatorClient(server.url, deed.actor))
        wrong = [state.what for state in end_states() if not _holds(state, client)]
    assert wrong == [
        "pg-orders: public access",
        "pg-ledger: public access",
        "pg-ledger: rules",
        "nsg-data: 5432 and 6432",
    ]


def test_what_is_undone_is_as_it_was_seeded() -> None:
    with SimulatorServer() as server:
        client = SimulatorClient(server.url)
        client.seed(resources(), replace=True)
        before = {state.what: state.actual(by_id(client)) for state in end_states()}
        for deed in first_deeds():
            actor = SimulatorClient(server.url, deed.actor)
            deed.perform(actor)
            deed.undo(actor)
        assert {state.what: state.actual(by_id(client)) for state in end_states()} == before


@pytest.mark.parametrize("server", [LEDGER, BILLING])
def test_a_server_that_is_gone_is_no_expected_state(server: str) -> None:
    name = server.rsplit("/", 1)[-1]
    access = [state for state in end_states() if state.what == f"{name}: public access"]
    assert [state.actual({}) for state in access] == [""]


def test_the_policy_that_no_framework_states_is_part_of_the_demonstration() -> None:
    assert any(NSG_BLOCKS in deed.policies for deed in first_deeds())


def _holds(state: EndState, client: SimulatorClient) -> bool:
    return state.actual(by_id(client)) == state.expected
