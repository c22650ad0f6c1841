"""A question as JSON and its answer: what is said, what is refused, what private endpoints change."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from shared.model import Access, SecurityRule
from shared.nsg import Goal, NoFix, NsgError, Question, Side, Tags, changed, fix, parse, read_side
from shared.nsg.engine import fixes as fixes_module
from shared.nsg.engine.additions import rule_for
from shared.nsg.explain import explain
from tests.nsg.builders import IN, allow, deny, group, networks


def rule(name: str, priority: int, access: str, **fields: str) -> dict[str, Any]:
    properties = {
        "priority": priority,
        "access": access,
        "direction": "Inbound",
        "protocol": "Tcp",
        "sourceAddressPrefix": "*",
        "destinationAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationPortRange": "*",
    }
    return {"name": name, "properties": {**properties, **fields}}


def line(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "nsg": {"properties": {"securityRules": list(rules)}},
        "direction": "Inbound",
        "source": ["10.0.2.0/24"],
        "destination": ["10.0.1.0/24"],
        "ports": ["5432"],
        "openTags": True,
        **fields,
    }


def proposed(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [found["properties"] for found in answer["fix"]["rules"]]


def test_an_answer_has_every_field_whatever_the_verdict() -> None:
    for want in (None, "allow", "deny"):
        answer = explain(line(rule("d", 200, "Deny"), want=want))
        assert answer["id"] == 7
        assert answer["verdict"] == "denied"
        assert {"dependsOn", "witnesses", "blockingRules", "exposingRules", "shadowedRules"} <= set(answer)
        assert {"fix", "noFixReason", "caveats", "sharedWith"} <= set(answer)
        assert (answer["fix"] is not None) is (want == "allow")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"ports": ["70000"]}, "ports"),
        ({"ports": []}, "ports"),
        ({"source": [10**5000]}, "source"),
        ({"source": [True]}, "source"),
        ({"destination": ["10.0.0.300"]}, "destination"),
        ({"direction": "Sideways"}, "direction"),
        ({"protocol": "Sctp"}, "protocol"),
        ({"want": "maybe"}, "want"),
        ({"openTags": "yes"}, "openTags"),
        ({"tags": {"Storage": ["x"]}}, "tags"),
        ({"nsg": 5}, "nsg"),
        ({"openTags": False}, "tags"),
    ],
)
def test_what_cannot_be_read_is_named(fields: dict[str, Any], field: str) -> None:
    answer = explain(line(rule("d", 200, "Deny"), **fields))
    assert answer["id"] == 7
    assert answer["error"]
    assert answer["field"] == field
    assert "verdict" not in answer


def test_for_an_enforced_endpoint_source_ports_act_as_any_in_rules_question_and_fix() -> None:
    asked = line(
        rule("some", 300, "Deny", sourcePortRange="1000"),
        rule("rest", 400, "Allow"),
        sourcePorts=["2000"],
        privateEndpointNetworkPolicies="Enabled",
        want="allow",
    )
    answer = explain(asked)
    assert answer["verdict"] == "denied"
    assert [found["sourcePortRange"] for found in proposed(answer)] == ["*"]
    assert explain({**asked, "privateEndpointNetworkPolicies": None})["verdict"] == "allowed"
    assert explain({**asked, "direction": "Outbound"})["field"] == "direction"


def test_where_endpoints_are_not_filtered_no_rule_is_named() -> None:
    answer = explain(line(rule("d", 200, "Deny"), privateEndpointNetworkPolicies="Disabled", want="deny"))
    assert answer["verdict"] == "allowed"
    assert answer["exposingRules"] == answer["blockingRules"] == []
    assert {witness["rule"] for witness in answer["witnesses"]} == {None}
    assert "network policies" in answer["noFixReason"]


def test_a_question_without_packets_says_so() -> None:
    answer = explain(line(source=["fd00::/64"], want="deny"))
    assert answer["witnesses"] == []
    assert "no packet" in answer["noFixReason"]
    empty = explain(line(source=["Corp"], tags={"Corp": []}, want="deny"))
    assert "a side is empty" in empty["noFixReason"]


def test_every_address_beside_a_known_tag_is_one_rule_for_every_address() -> None:
    tags = {"Corp": ["10.9.0.0/24", "20.0.0.0/8"]}
    answer = explain(line(rule("d", 200, "Deny"), source=["*", "Corp"], tags=tags, want="allow"))
    assert [found["sourceAddressPrefix"] for found in proposed(answer)] == ["*"]
    beside = explain(line(rule("d", 200, "Deny"), source=["10.0.0.0/8", "Corp"], tags=tags, want="allow"))
    assert {found["sourceAddressPrefix"] for found in proposed(beside)} == {"10.0.0.0/8", "Corp"}


def test_a_part_of_a_published_tag_holds_public_addresses_only_however_deep() -> None:
    for tag in ("Internet.WestEurope", "Storage.WestEurope.Zone1"):
        answer = explain(line(rule("tag", 200, "Allow", sourceAddressPrefix=tag), rule("d", 300, "Deny")))
        assert answer["verdict"] == "denied", tag


def test_priorities_decide_also_between_custom_and_default_rules() -> None:
    nsg = group(deny("late", 65002, protocol="*"))
    inside = Tags(vnet=((0, 2**32 - 1),))
    assert [found.name for found in parse(nsg, inside).rules if found.direction is IN][1:3] == [
        "AllowAzureLoadBalancerInBound",
        "late",
    ]


def test_platform_addresses_bring_their_caveat_in_both_directions() -> None:
    answer = explain(line(rule("d", 200, "Deny"), source=["168.63.129.16"]))
    assert any("168.63.129.16" in caveat for caveat in answer["caveats"])


@pytest.mark.field(
    "nsg",
    "A load balancer's health probes are subject to NSGs: they come from 168.63.129.16, which the default "
    "rules let in, and a rule that denies AzureLoadBalancer stops them",
    source="https://learn.microsoft.com/azure/load-balancer/load-balancer-custom-probe-overview",
    date="2026-11-29",
)
def test_probes_of_a_load_balancer_are_subject_to_the_rules() -> None:
    no_probes = rule("no-probes", 100, "Deny", sourceAddressPrefix="AzureLoadBalancer")
    tags = {"AzureLoadBalancer": ["168.63.129.16/32"]}
    for rules, verdict in (([], "allowed"), ([no_probes], "denied")):
        found = explain(line(*rules, source=["168.63.129.16"], tags=tags))
        assert found["verdict"] == verdict
        (said,) = [caveat for caveat in found["caveats"] if "168.63.129.16" in caveat]
        assert "health probes are" in said


def test_a_sabotaged_rule_does_not_pass_the_proof_of_a_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each would settle the question, and let other traffic pass besides."""
    question = Question(
        direction=IN,
        source=read_side(["CorpNet"], Tags()),
        destination=Side(((10 << 24, (10 << 24) + 255),)),
        ports=((5432, 5432),),
        source_ports=((1000, 1000),),
    )
    make = rule_for
    for spoilt in ({"sources": ("*",)}, {"source_ports": ("*",)}, {"protocol": "*"}):

        def wider(*given: Any, spoilt: dict[str, Any] = spoilt) -> Any:
            return replace(make(*given), **spoilt)

        monkeypatch.setattr(fixes_module, "rule_for", wider)
        found = fix(group(deny("d", 200, protocol="*")), Goal(question=question, want=Access.ALLOW), Tags())
        assert isinstance(found, NoFix), spoilt
        assert "other traffic" in found.reason


def test_readings_that_differ_in_too_many_ways_are_refused_in_time() -> None:
    def scattered(seed: int) -> list[SecurityRule]:
        random = Random(seed)
        ends = [
            f"10.{random.randrange(4)}.{random.randrange(256)}.0/{random.randint(16, 24)}" for _ in range(480)
        ]
        pairs = zip(ends[::2], ends[1::2], strict=True)
        return [
            (allow if n % 2 else deny)(f"r{seed}-{n}", 100 + n, f"{a} > {b}", f"{n}-{n + 9000}")
            for n, (a, b) in enumerate(pairs)
        ]

    with pytest.raises(NsgError, match="too many to be told"):
        changed(group(*scattered(1)), group(*scattered(2)), networks("10.0.1.0/24"))


CORNERS = ["10.0.0.4", "20.0.0.1"]


@pytest.mark.parametrize(("first", "second"), [("Foo", "Storage"), ("Storage", "Foo")])
def test_an_address_that_cannot_be_in_both_sets_is_in_neither_on_its_way_to_itself(
    first: str, second: str
) -> None:
    deny_both = rule("both", 200, "Deny", sourceAddressPrefix=first, destinationAddressPrefix=second)
    private = line(deny_both, rule("rest", 300, "Allow"), source=["10.0.0.4"], destination=["10.0.0.4"])
    assert explain(private)["verdict"] == "allowed"
    between = [
        rule(f"p{n}", 100 + n, "Allow", sourceAddressPrefix=a, destinationAddressPrefix=b)
        for n, (a, b) in enumerate([CORNERS, CORNERS[::-1], [CORNERS[1]] * 2])
    ]
    asked = line(*between, deny_both, rule("rest", 300, "Allow"), source=CORNERS, destination=CORNERS)
    assert explain(asked)["verdict"] == "allowed"


def test_a_packet_from_an_address_to_itself_has_the_same_memberships_at_both_ends() -> None:
    rules = [
        rule("out-of", 200, "Deny", sourceAddressPrefix="Foo"),
        rule("into", 300, "Allow", destinationAddressPrefix="Foo"),
        rule("rest", 400, "Deny"),
    ]
    alone = explain(line(*rules, source=["10.0.0.4"], destination=["10.0.0.4"]))
    assert alone["verdict"] == "denied"
    ends = ["10.0.0.4", "10.0.0.9"]
    pairs = zip(ends, ends[::-1], strict=True)
    between = [
        rule(f"p{n}", 100 + n, "Deny", sourceAddressPrefix=a, destinationAddressPrefix=b)
        for n, (a, b) in enumerate(pairs)
    ]
    assert explain(line(*between, *rules, source=ends, destination=ends))["verdict"] == "denied"
    assert explain(line(*rules, source=ends, destination=ends))["verdict"] == "depends"


def test_two_questions_about_one_nsg_get_rules_of_two_names() -> None:
    denied = rule("d", 300, "Deny")
    names = {
        explain(line(denied, source=[source], want="allow"))["fix"]["rules"][0]["name"]
        for source in ("10.0.2.0/24", "10.0.3.0/24", "10.0.2.0/24")
    }
    assert len(names) == 2
    everything = explain(line(denied, protocol="*", ports=["*"], want="allow"))["fix"]["rules"][0]["name"]
    assert everything.startswith("driftward-allow-any-any-")


def test_a_deny_below_every_number_that_a_rule_can_have_is_said() -> None:
    answer = explain(line(rule("d", 50, "Deny"), want="allow"))
    assert answer["fix"] is None
    assert "100 at least" in answer["noFixReason"]
