"""`driftward explain-nsg` about tags that Azure defines, tags that are nobody's, and groups of one name."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from driftward.cli import main
from driftward.traffic.batch import answer_line
from shared.model import Json
from tests.driftward.test_explain_nsg import DENY_ALL, GROUP, file_of, line, nsg, options, rule

SERVICE_TAGS = "https://learn.microsoft.com/azure/virtual-network/service-tags-overview"
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """The answer as JSON, with the exit code."""

    def run(document: Json, *words: str, **changes: str) -> dict[str, Any]:
        code = main([*options(file_of(tmp_path, document), **changes), *words, "--json"])
        return {**json.loads(capsys.readouterr().out), "exit": code}

    return run


def outbound(name: str, priority: int, access: str, **fields: Json) -> dict[str, Json]:
    return rule(name, priority, access, direction="Outbound", **fields)


# --- Internet, AzureLoadBalancer, VirtualNetwork ---------------------------------------------------


@pytest.mark.field(
    "nsg",
    "An NSG without rules of its own denies what comes from `Internet`, which is the space outside the "
    "virtual network: no deny is proposed",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
def test_an_nsg_without_custom_rules_denies_the_internet_and_needs_no_rule(ask: Ask) -> None:
    found = ask(nsg(), source="Internet", want="deny")
    assert (found["exit"], found["verdict"], found["dependsOn"], found["fix"]) == (0, "denied", [], None)
    assert found["blockingRules"] == [{"name": "DenyAllInBound", "priority": 65500}]
    (said,) = found["assumptions"]
    assert "Internet" in said
    assert "outside the virtual network" in said


VNET_DENIED = rule("no-vnet", 100, "Deny", sourceAddressPrefix="VirtualNetwork")
NET_DENIED = rule("no-net", 100, "Deny", sourceAddressPrefix="Internet")
VNET_OUT = outbound("no-vnet", 100, "Deny", destinationAddressPrefix="VirtualNetwork")


@pytest.mark.field(
    "nsg",
    "What is in `Internet` is not in `VirtualNetwork`, and the host's 168.63.129.16 is in `VirtualNetwork`: "
    "on either side of a question, in either direction",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("rules", "asked", "verdict"),
    [
        ([], {"source": "AzureLoadBalancer"}, "allowed"),
        ([NET_DENIED], {"source": "AzureLoadBalancer"}, "allowed"),
        ([NET_DENIED], {"source": "168.63.129.16"}, "allowed"),
        ([VNET_DENIED], {"source": "AzureLoadBalancer"}, "denied"),
        ([NET_DENIED], {"source": "VirtualNetwork", "destination": "VirtualNetwork"}, "allowed"),
        ([NET_DENIED], {"source": "VIRTUAL_NETWORK", "destination": "VirtualNetwork"}, "allowed"),
        ([VNET_DENIED, rule("all", 200, "Allow")], {"source": "Internet"}, "allowed"),
        ([VNET_DENIED, rule("all", 200, "Allow")], {"source": "Internet,AzureLoadBalancer"}, "mixed"),
        ([VNET_DENIED, {**NET_DENIED, "name": "b"}], {"source": "8.8.8.8"}, "denied"),
        ([], {"direction": "Outbound", "destination": "Internet"}, "allowed"),
        ([VNET_OUT], {"direction": "Outbound", "destination": "Internet"}, "allowed"),
        ([VNET_OUT], {"direction": "Outbound", "destination": "AzureLoadBalancer"}, "denied"),
    ],
)
def test_what_lies_in_one_of_the_two_does_not_lie_in_the_other(
    rules: list[dict[str, Json]], asked: dict[str, str], verdict: str, ask: Ask
) -> None:
    numbered = [
        {**one, "properties": {**one["properties"], "priority": 100 + n}} for n, one in enumerate(rules)
    ]
    found = ask(nsg(*numbered), **asked)
    assert (found["verdict"], found["dependsOn"]) == (verdict, [])
    assert found["assumptions"]


def test_a_rule_for_the_network_is_no_shadowed_rule_of_a_question_about_the_internet(ask: Ask) -> None:
    behind = rule("vnet-late", 300, "Allow", sourceAddressPrefix="VirtualNetwork")
    found = ask(nsg(rule("all", 200, "Deny"), behind), source="Internet")
    assert (found["verdict"], found["shadowedRules"]) == ("denied", [])


def test_every_address_is_still_open_where_the_network_ends(ask: Ask) -> None:
    found = ask(nsg(), source="*")
    assert (found["verdict"], found["dependsOn"]) == ("depends", ["VirtualNetwork"])


def test_a_file_of_tags_is_believed_and_what_it_leaves_out_follows_from_it(tmp_path: Path, ask: Ask) -> None:
    network = file_of(tmp_path, {"VirtualNetwork": ["10.0.0.0/16", "20.0.0.0/16"]}, "vnet.json")
    inside = ask(nsg(NET_DENIED), source="20.0.0.1", destination="10.0.1.4", tags=network)
    assert (inside["verdict"], inside["assumptions"]) == ("allowed", [])
    outside = ask(nsg(NET_DENIED), source="20.1.0.1", destination="10.0.1.4", tags=network)
    assert (outside["verdict"], outside["blockingRules"][0]["name"]) == ("denied", "no-net")
    internet = file_of(tmp_path, {"Internet": ["9.9.9.0/24"]}, "internet.json")
    given = ask(nsg(NET_DENIED), source="Internet", tags=internet)
    assert (given["verdict"], given["assumptions"]) == ("denied", [])
    assert given["witnesses"][0]["source"].startswith("9.9.9.")


@pytest.mark.field(
    "nsg",
    "Prefixes given for `VirtualNetwork` that leave 168.63.129.16 out are believed, and the answer says so",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
def test_a_network_given_without_the_hosts_address_is_believed_and_said(tmp_path: Path, ask: Ask) -> None:
    for prefixes, verdict, said in (
        (["10.0.0.0/16"], "denied", "leave it out"),
        (["10.0.0.0/16", "168.63.129.16"], "allowed", "which lies in VirtualNetwork"),
    ):
        tags = file_of(tmp_path, {"VirtualNetwork": prefixes}, "tags.json")
        found = ask(nsg(), source="VirtualNetwork", destination="AzureLoadBalancer", tags=tags)
        assert found["verdict"] == verdict
        assert any(said in text for text in found["assumptions"])


def test_a_batch_keeps_to_mere_sets() -> None:
    asked = line(nsg(), source=["Internet"], want="deny")
    found = answer_line(json.dumps(asked).encode())
    assert (found["verdict"], found["dependsOn"][-1]) == ("depends", "VirtualNetwork")
    assert "assumptions" not in found


def test_a_person_reads_what_is_taken_for_granted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options(file_of(tmp_path, nsg()), source="Internet", want="deny")) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Taken for granted" in text
    assert "public address space outside the virtual network" in text


@pytest.mark.field(
    "nsg",
    "The packet that shows an answer about `Internet` comes from an address that a machine there could have",
    source="IANA IPv4 Special-Purpose Address Registry, https://www.iana.org/assignments/iana-ipv4-special-registry",
    date="2026-11-29",
)
@pytest.mark.parametrize("bogons", [[], ["0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4"], ["0.0.0.0/1"]])
@pytest.mark.parametrize("way", ["source", "destination"])
def test_the_witness_for_the_internet_could_be_there(bogons: list[str], way: str, ask: Ask) -> None:
    odd = (
        [rule("bogons", 100, "Deny", sourceAddressPrefixes=bogons, sourceAddressPrefix="")] if bogons else []
    )
    direction = "Inbound" if way == "source" else "Outbound"
    found = ask(nsg(*odd), direction=direction, **{way: "Internet"})
    for witness in found["witnesses"]:
        assert ip_address(witness[way]).is_global, witness
        assert witness["memberships"][way] == ["Internet"]


# --- tags of nobody --------------------------------------------------------------------------------


@pytest.mark.field(
    "nsg",
    "A question about `Internets`, which is nobody's tag, is refused and asks whether `Internet` was meant",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Internets", "'Internet'"),
        ("interent", "'Internet'"),
        ("VirtualNetworks", "'VirtualNetwork'"),
        ("Storge.westeurope", "'Storage.westeurope'"),
        ("AzureActiveDirectry", "'AzureActiveDirectory'"),
    ],
)
@pytest.mark.parametrize("field", ["source", "destination"])
def test_a_side_that_is_nobodys_tag_is_refused_with_what_was_meant(
    name: str, meant: str, field: str, ask: Ask
) -> None:
    found = ask(nsg(), **{field: name})
    assert (found["exit"], found["field"]) == (2, field)
    assert f"{name!r} is not a tag that Azure publishes" in found["error"]
    assert f"did you mean {meant}?" in found["error"]


def test_a_tag_that_only_its_owner_knows_can_be_asked_about_with_its_prefixes(
    tmp_path: Path, ask: Ask
) -> None:
    assert ask(nsg(), source="CorpNet")["field"] == "source"
    tags = file_of(tmp_path, {"CorpNet": ["10.9.0.0/16"], "VirtualNetwork": ["10.0.0.0/16"]}, "tags.json")
    assert ask(nsg(), source="CorpNet", destination="10.0.1.4", tags=tags)["verdict"] == "denied"


@pytest.mark.field(
    "nsg",
    "A rule that names a tag which Azure does not publish is named with it: it may match any address",
    source="https://learn.microsoft.com/azure/virtual-network/service-tags-overview",
    date="2026-11-29",
)
def test_a_rule_with_nobodys_tag_is_named_in_the_answer(ask: Ask) -> None:
    odd = rule("from-net", 100, "Deny", sourceAddressPrefix="Internets")
    found = ask(nsg(odd), source="Internet", want="allow")
    (said,) = [caveat for caveat in found["caveats"] if "'Internets'" in caveat]
    assert "rule 'from-net'" in said
    assert "is not a tag that Azure publishes" in said
    asked = ask(nsg(odd), source="Internets")
    assert (asked["exit"], asked["verdict"]) == (0, "denied")
    assert any("'Internets' is not a tag that Azure publishes" in caveat for caveat in asked["caveats"])


# --- application security groups -------------------------------------------------------------------


def groups(*ids: str) -> list[Json]:
    return [
        rule(
            f"asg-{number}",
            100 + number,
            "Allow",
            sourceAddressPrefix="",
            sourceApplicationSecurityGroups=[{"id": found}],
        )
        for number, found in enumerate(ids)
    ]


@pytest.mark.field(
    "nsg",
    "Application security groups that share a name are told by their ids",
    source="https://learn.microsoft.com/azure/virtual-network/application-security-groups",
    date="2026-11-29",
)
def test_two_groups_of_one_name_are_told_by_their_ids(
    ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collection = "providers/Microsoft.Network/applicationSecurityGroups"
    one, other = f"{GROUP}/{collection}/asg-web", f"{GROUP}-2/{collection}/ASG-Web"
    alone = f"{GROUP}/{collection}/asg-jobs"
    document = nsg(*groups(one, other, alone), DENY_ALL)
    found = ask(document)
    assert sorted(found["dependsOn"]) == sorted(["asg-jobs", one, other])
    told = {name for witness in found["witnesses"] for name in witness["memberships"]["source"]}
    assert told <= {one, other, "asg-jobs"}
    assert told
    main(options(file_of(tmp_path, document)))
    printed = "".join(capsys.readouterr().out.split())
    assert f"isin{one}" in printed
    assert f"{other}:anapplicationsecuritygroup" in printed
