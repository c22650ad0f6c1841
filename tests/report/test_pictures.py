"""What is drawn of a target is what the verdicts say of it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from shared.model import Access, ConnectionStatus, FirewallRule, PublicAccess, PutSecurityRule, ServerSnapshot
from shared.model.codec import dump, load
from shared.model.resource_id import ResourceId
from shared.model.rules import OddRule
from shared.report.pictures.drawing import picture_of
from shared.report.pictures.values import DrawnWay, Picture, Proposed
from tests.builders import (
    ALL_AZURE,
    NSG,
    OFFICE,
    endpoint,
    public_server,
    rule,
    security_rule,
    server,
    subnet,
)


def ways(picture: Picture) -> dict[str, DrawnWay]:
    return {one.client: one for one in picture.ways}


def with_rules(*rules: FirewallRule) -> ServerSnapshot:
    return replace(public_server(), firewall_rules=rules)


def test_a_range_lets_its_addresses_in_and_the_rest_of_the_internet_is_stopped_at_the_gate() -> None:
    drawn = ways(picture_of(with_rules(OFFICE)))
    office = drawn[f"rule {OFFICE.name}"]
    assert office.state == "stands"
    assert {gate.stage for gate in office.gates} == {"name", "gate"}
    assert drawn["every Azure address"].state != "stands"


def test_what_stops_a_way_is_marked() -> None:
    shut = replace(with_rules(OFFICE), public_access=PublicAccess.DISABLED)
    public = [way for way in picture_of(shut).ways if "Azure" in way.client or "Internet" in way.client]
    assert len(public) == 2
    for way in public:
        assert way.state == "blocked"
        assert [gate.stage for gate in way.gates if gate.blocks] == ["gate"]


def test_a_rule_for_the_whole_internet_is_one_way_and_leaves_no_rest() -> None:
    drawn = ways(picture_of(with_rules(rule("all", "0.0.0.0", "255.255.255.255"))))
    assert drawn["the whole Internet"].state == "stands"
    assert "the rest of the Internet" not in drawn


def test_an_endpoint_that_nobody_looked_into_is_a_way_that_is_not_known() -> None:
    read = replace(with_rules(), private_endpoints=(endpoint(),), private_dns=None)
    unread = ways(picture_of(read))["its network"]
    assert (unread.state, [gate.state for gate in unread.gates]) == ("unknown", ["unknown"])
    refused = replace(read, private_endpoints=(endpoint(ConnectionStatus.REJECTED),))
    assert "its network" not in ways(picture_of(refused))


def test_ranges_stand_on_the_line_and_an_odd_one_is_no_sure_one() -> None:
    odd = OddRule(
        name="odd",
        field="endIpAddress",
        why="ends early",
        start=IPv4Address("9.0.0.9"),
        end=IPv4Address("9.0.0.1"),
    )
    half = OddRule(name="half", field="endIpAddress", why="absent", start=IPv4Address("9.0.0.9"))
    read = replace(with_rules(OFFICE, ALL_AZURE), odd_rules=(odd, half))
    found = {one.name: one for one in picture_of(read).ranges}
    assert found[OFFICE.name].first == int(OFFICE.start)
    assert found["odd"].is_odd
    assert found["odd"].first < found["odd"].last
    assert "half" not in found


def test_the_cells_of_an_nsg_are_the_engines_verdicts_with_the_rules_that_decide() -> None:
    read = subnet(
        security_rule("partner", 100, access=Access.ALLOW, sources=("203.0.113.0/24",)),
        security_rule("shut", 200),
    )
    drawn = picture_of(read).group
    assert drawn is not None
    cells = {
        (source, port): cell
        for source, row in zip(drawn.sources, drawn.cells, strict=True)
        for port, cell in zip(drawn.ports, row, strict=True)
    }
    assert cells["203.0.113.0/24", 5432].state == "allowed"
    assert cells["203.0.113.0/24", 5432].rules == ("partner (100, Allow)",)
    assert cells["the Internet", 5432].state == "mixed"
    assert cells["the Internet", 5432].rules == ("partner (100, Allow)", "shut (200, Deny)")


def test_what_is_proposed_is_drawn_as_it_would_be_afterwards() -> None:
    read = subnet(security_rule("shut", 200))
    added = security_rule("own", 100, access=Access.ALLOW, sources=("10.0.1.0/24",))
    other = PutSecurityRule(nsg=ResourceId(str(NSG).replace("postgres-nsg", "another")), rule=added)
    proposed = [
        Proposed(title="says nothing of it", edits=()),
        Proposed(title="of another NSG", edits=(other,)),
        Proposed(title="lets its own in", edits=(PutSecurityRule(nsg=NSG, rule=added),)),
    ]
    drawn = picture_of(read, proposed=proposed).group
    assert drawn is not None
    assert drawn.mends == "lets its own in"
    assert [one.state for one in drawn.cells[0]] == ["denied", "denied"]
    assert [one.state for one in drawn.after[0]] == ["allowed", "allowed"]
    assert drawn.after[-1] == drawn.cells[-1]


def test_a_subnet_without_an_nsg_has_no_picture_of_one() -> None:
    assert picture_of(subnet(security_group=None)) == Picture()


def test_a_picture_is_kept_with_what_was_seen() -> None:
    picture = picture_of(server())
    assert load(Picture, dump(picture)) == picture
