"""The printed commands: their wording here, their meaning as azure-cli itself parses them.

The tests marked ``az`` install azure-cli beside the project on first use and have it parse every
command of a hand-written and a generated set of edits; what arrives is compared with the edit, field
by field, so a quoting mistake or a default that widens a rule fails.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import assert_never
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from local.dev.azure_cli import AzureCliUnavailable, run_script
from shared.alerts.commands import fix_commands
from shared.alerts.portal import portal_link
from shared.model import (
    Access,
    DeleteFirewallRule,
    DeleteSecurityRule,
    Direction,
    Edit,
    FirewallRule,
    Json,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    SecurityRule,
    SetParameter,
    SetPublicAccess,
    SetServerTls,
    edited_resource,
)
from shared.model.resource_id import ResourceId

PARSER = Path(__file__).parents[1] / "az" / "parse_commands.py"
SUBSCRIPTION = "8d1f2c3b-0001-4a5b-9c6d-7e8f90a1b2c3"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop-prod"
FLEXIBLE = ResourceId(f"{GROUP}/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders")
SINGLE = ResourceId(f"{GROUP}/providers/Microsoft.DBforPostgreSQL/servers/legacy")
NSG = ResourceId(f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/databases-nsg")
SUBNET = ResourceId(f"{GROUP}/providers/Microsoft.Network/virtualNetworks/core/subnets/databases")
ASG = ResourceId(f"{GROUP}/providers/Microsoft.Network/applicationSecurityGroups/web")
ALL_AZURE = FirewallRule(
    name="AllowAllWindowsAzureIps", start=IPv4Address("0.0.0.0"), end=IPv4Address("0.0.0.0")
)
OFFICE = FirewallRule(name="office", start=IPv4Address("203.0.113.4"), end=IPv4Address("203.0.113.9"))
ALLOW = SecurityRule(
    name="driftward-allow-postgres-in",
    direction=Direction.INBOUND,
    access=Access.ALLOW,
    priority=119,
    protocol="Tcp",
    sources=("10.0.1.0/24", "10.0.2.0/24"),
    destinations=("10.0.1.0/24",),
    destination_ports=("5432", "6432"),
    description="PostgreSQL within the subnet: it's needed, see $RUNBOOK",
)
PLACE = f"--subscription {SUBSCRIPTION} --resource-group shop-prod"
REST = "https://management.azure.com"


def command(edit: Edit) -> str:
    [only] = fix_commands((edit,))
    return only


@pytest.mark.field(
    "commands",
    "No command has a rule that a person adds say that Driftward added it, whoever prints the command: an "
    "alert, `diagnose`, the undoing of a change.",
    source="azure-cli 2.91.0, `az network nsg rule create --description`",
    date="2026-11-29",
)
def test_what_a_person_adds_does_not_say_that_driftward_added_it() -> None:
    signed = replace(ALLOW, description="Added by Driftward: lets Tcp 5432 pass.")
    said = shlex.split(command(PutSecurityRule(nsg=NSG, rule=signed)))
    assert said[said.index("--description") + 1] == "Lets Tcp 5432 pass."
    odd = replace(signed, protocol="Gre")
    assert "Driftward" not in command(PutSecurityRule(nsg=NSG, rule=odd))


# --- wording ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            SetPublicAccess(server=FLEXIBLE, access=PublicAccess.DISABLED),
            f"az postgres flexible-server update {PLACE} --name orders --public-access Disabled",
        ),
        (
            PutFirewallRule(server=FLEXIBLE, rule=OFFICE),
            f"az postgres flexible-server firewall-rule create {PLACE} --server-name orders --name office "
            "--start-ip-address 203.0.113.4 --end-ip-address 203.0.113.9",
        ),
        (
            DeleteFirewallRule(server=FLEXIBLE, rule=ALL_AZURE),
            f"az postgres flexible-server firewall-rule delete {PLACE} --server-name orders "
            "--name AllowAllWindowsAzureIps --yes",
        ),
        (
            SetPublicAccess(server=SINGLE, access=PublicAccess.DISABLED),
            f"az rest --method patch --url '{REST}{SINGLE}?api-version=2017-12-01' "
            """--body '{"properties": {"publicNetworkAccess": "Disabled"}}'""",
        ),
        (
            PutFirewallRule(server=SINGLE, rule=OFFICE),
            f"az rest --method put --url '{REST}{SINGLE}/firewallRules/office?api-version=2017-12-01' "
            """--body '{"properties": {"startIpAddress": "203.0.113.4", "endIpAddress": "203.0.113.9"}}'""",
        ),
        (
            DeleteFirewallRule(server=SINGLE, rule=OFFICE),
            f"az rest --method delete --url '{REST}{SINGLE}/firewallRules/office?api-version=2017-12-01'",
        ),
        (
            PutSecurityRule(nsg=NSG, rule=replace(ALLOW, description="")),
            f"az network nsg rule create {PLACE} --nsg-name databases-nsg --name driftward-allow-postgres-in "
            "--priority 119 --direction Inbound --access Allow --protocol Tcp "
            "--source-address-prefixes 10.0.1.0/24 10.0.2.0/24 --source-port-ranges '*' "
            "--destination-address-prefixes 10.0.1.0/24 --destination-port-ranges 5432 6432",
        ),
        (
            DeleteSecurityRule(nsg=NSG, rule=ALLOW),
            f"az network nsg rule delete {PLACE} --nsg-name databases-nsg --name driftward-allow-postgres-in",
        ),
    ],
)
def test_an_edit_is_one_command_line(edit: Edit, words: str) -> None:
    assert command(edit) == words


def test_commands_come_in_the_order_of_the_edits() -> None:
    edits = (
        DeleteFirewallRule(server=FLEXIBLE, rule=ALL_AZURE),
        SetPublicAccess(server=FLEXIBLE, access=PublicAccess.DISABLED),
    )
    assert fix_commands(edits) == (command(edits[0]), command(edits[1]))
    assert fix_commands(()) == ()


def test_another_clouds_endpoint_is_used_by_az_rest() -> None:
    edit = SetPublicAccess(server=SINGLE, access=PublicAccess.DISABLED)
    [words] = fix_commands((edit,), "https://management.usgovcloudapi.net/")
    assert f"https://management.usgovcloudapi.net{SINGLE}?api" in words


def test_a_server_that_is_no_postgresql_server_is_refused() -> None:
    mysql = ResourceId(f"{GROUP}/providers/Microsoft.DBforMySQL/flexibleServers/orders")
    with pytest.raises(ValueError, match="not a PostgreSQL server"):
        command(SetPublicAccess(server=mysql, access=PublicAccess.DISABLED))


def test_public_access_cannot_be_set_to_unknown() -> None:
    with pytest.raises(ValueError, match="Enabled or Disabled"):
        command(SetPublicAccess(server=FLEXIBLE, access=PublicAccess.UNKNOWN))


@pytest.mark.parametrize(
    "rule",
    [
        replace(ALLOW, sources=()),
        replace(ALLOW, destinations=()),
        replace(ALLOW, destination_ports=()),
        replace(ALLOW, source_groups=(ASG,)),
        replace(ALLOW, protocol="Icmpv6"),
        replace(ALLOW, name="null"),
        replace(ALLOW, description="null"),
        replace(ALLOW, description="'quoted'"),
        replace(ALLOW, description="@file"),
        replace(ALLOW, description="--no-wait"),
        replace(ALLOW, description="two\nlines"),
        replace(ALLOW, sources=("a=b",)),
        replace(ALLOW, sources=("[10.0.0.0/8]",)),
    ],
)
def test_what_azure_cli_would_change_or_refuse_is_sent_as_it_is(rule: SecurityRule) -> None:
    words = command(PutSecurityRule(nsg=NSG, rule=rule))
    assert words.startswith("az rest --method put")
    assert "\n" not in words
    body = json.loads(shlex.split(words)[-1])["properties"]
    assert _prefixes(body, "sourceAddressPrefix") == list(rule.sources)
    assert _prefixes(body, "destinationAddressPrefix") == list(rule.destinations)


# --- links -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cloud", "portal"),
    [
        ("public", "https://portal.azure.com"),
        ("AzureCloud", "https://portal.azure.com"),
        ("usgovernment", "https://portal.azure.us"),
        ("AzureUSGovernment", "https://portal.azure.us"),
        ("china", "https://portal.azure.cn"),
    ],
)
def test_a_link_leads_to_the_clouds_portal(cloud: str, portal: str) -> None:
    assert portal_link(FLEXIBLE, cloud) == f"{portal}/#@/resource{FLEXIBLE}/overview"


@pytest.mark.parametrize(
    ("child", "page"),
    [
        (FLEXIBLE.child("firewallRules", "office"), FLEXIBLE),
        (NSG.child("securityRules", "x"), NSG),
        (SUBNET, SUBNET.parent),
    ],
)
def test_a_child_is_linked_by_the_page_of_its_parent(child: ResourceId, page: ResourceId) -> None:
    assert portal_link(child) == f"https://portal.azure.com/#@/resource{page}/overview"


def test_an_unknown_cloud_is_named() -> None:
    with pytest.raises(ValueError, match="germany"):
        portal_link(FLEXIBLE, "germany")


# --- generated edits -------------------------------------------------------------------------------

names = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,30}[a-zA-Z0-9_]", fullmatch=True)
groups = names | st.sampled_from(["-rg", "(rg)", "rg.with-äöü", "null"])
servers = st.builds(
    lambda group, kind, name: ResourceId(
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.DBforPostgreSQL/{kind}/{name}"
    ),
    groups,
    st.sampled_from(["flexibleServers", "servers"]),
    st.from_regex(r"[a-z0-9][a-z0-9-]{1,20}[a-z0-9]", fullmatch=True),
)
nsgs = st.builds(
    lambda group, name: ResourceId(
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
        f"/providers/Microsoft.Network/networkSecurityGroups/{name}"
    ),
    groups,
    names,
)
firewall_names = st.from_regex(r"[a-zA-Z0-9_-]{1,100}", fullmatch=True) | st.sampled_from(
    [
        "AllowAllAzureServicesAndResourcesWithinAzureIps_2026-11-21_10-2-11",
        "with space",
        "it's",
        "a$b",
        "-a",
        "a-",
    ]
)
ranges = st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4)).map(sorted)
firewall_rules = st.builds(
    lambda name, pair: FirewallRule(name=name, start=pair[0], end=pair[1]), firewall_names, ranges
)
prefixes = st.lists(
    st.sampled_from(
        ["10.0.0.0/8", "10.1.2.3", "fd00::/8", "VirtualNetwork", "Storage.WestEurope", "*", "2001:db8::1"]
    ),
    min_size=1,
    max_size=3,
    unique=True,
).map(tuple)
ports = st.lists(
    st.sampled_from(["*", "5432", "6432", "6000-6010", "0-65535"]), min_size=1, max_size=3, unique=True
).map(tuple)
tame = st.sampled_from(["", "", 'PostgreSQL: it\'s "needed" for $HOME, `id` & ä€', "a=@b", "a\\b {} [1,2]"])
descriptions = (
    tame
    | tame
    | st.text(max_size=30)
    | st.sampled_from(
        [
            "",
            "null",
            "??",
            "'",
            "@me",
            "a=@b",
            "-x",
            "--x",
            '"quoted"',
            "$(reboot)",
            "`id`",
            "a\\b",
            "ä€",
            "{}",
            "[1,2]",
        ]
    )
)
security_rules = st.builds(
    SecurityRule,
    name=names,
    direction=st.sampled_from(Direction),
    access=st.sampled_from(Access),
    priority=st.integers(100, 4096),
    protocol=st.sampled_from(["Tcp", "TCP", "Udp", "*", "Icmp", "esp", "Ah", "Icmpv6"]),
    sources=prefixes,
    destinations=prefixes,
    source_ports=ports,
    destination_ports=ports,
    description=descriptions,
) | st.builds(
    lambda rule: replace(rule, sources=(), source_groups=(ASG,)), st.just(ALLOW)
)  # fmt: skip
kinds: list[st.SearchStrategy[Edit]] = [
    st.builds(
        SetPublicAccess, server=servers, access=st.sampled_from([PublicAccess.ENABLED, PublicAccess.DISABLED])
    ),
    st.builds(PutFirewallRule, server=servers, rule=firewall_rules),
    st.builds(DeleteFirewallRule, server=servers, rule=firewall_rules),
    st.builds(PutSecurityRule, nsg=nsgs, rule=security_rules),
    st.builds(DeleteSecurityRule, nsg=nsgs, rule=security_rules),
    st.builds(
        SetParameter,
        server=servers,
        name=st.sampled_from(["log_connections", "azure.extensions", "ssl_max_protocol_version"]),
        value=st.one_of(
            st.sampled_from(["", "null", "-1", "@file", "a,b c", "it's $HOME"]), st.text(max_size=20)
        ),
    ),
]
edits = st.one_of(kinds)


@given(edits)
def test_a_command_is_one_line_of_plain_words_for_a_shell(edit: Edit) -> None:
    words = command(edit)
    assert "\n" not in words
    assert "\r" not in words
    assert shlex.split(words)[0] == "az"


# --- as azure-cli understands them -----------------------------------------------------------------


def parsed(commands: list[str]) -> list[Mapping[str, Json]]:
    replies: list[Mapping[str, Json]] = json.loads(run_script(PARSER, json.dumps(commands)))
    assert len(replies) == len(commands)
    return replies


def _sample(strategy: st.SearchStrategy[Edit], count: int) -> list[Edit]:
    """Generated edits as a list: azure-cli starts once for all of them."""
    found: list[Edit] = []

    @settings(max_examples=count, database=None, derandomize=True, phases=[Phase.generate], deadline=None)
    @given(strategy)
    def collect(edit: Edit) -> None:
        found.append(edit)

    collect()
    return found


REPRESENTATIVE: list[Edit] = [
    SetPublicAccess(server=FLEXIBLE, access=PublicAccess.DISABLED),
    SetPublicAccess(server=SINGLE, access=PublicAccess.ENABLED),
    PutFirewallRule(server=FLEXIBLE, rule=OFFICE),
    PutFirewallRule(server=SINGLE, rule=ALL_AZURE),
    DeleteFirewallRule(server=FLEXIBLE, rule=ALL_AZURE),
    DeleteFirewallRule(server=FLEXIBLE, rule=replace(OFFICE, name="x" * 128)),
    DeleteFirewallRule(server=SINGLE, rule=OFFICE),
    PutSecurityRule(nsg=NSG, rule=ALLOW),
    PutSecurityRule(nsg=NSG, rule=replace(ALLOW, sources=(), source_groups=(ASG,), protocol="*")),
    PutSecurityRule(nsg=NSG, rule=replace(ALLOW, sources=("VirtualNetwork",), destination_ports=("*",))),
    PutSecurityRule(nsg=NSG, rule=replace(ALLOW, destinations=("fd00::/8",), description="'@null")),
    DeleteSecurityRule(nsg=NSG, rule=ALLOW),
    SetParameter(server=FLEXIBLE, name="log_connections", value="receipt,authentication,authorization"),
    SetParameter(server=FLEXIBLE, name="ssl_max_protocol_version", value=""),
    SetParameter(server=SINGLE, name="log_checkpoints", value="on"),
    SetServerTls(server=SINGLE, enforced=True),
    SetServerTls(server=SINGLE, minimum_version="TLS1_2"),
]


@pytest.mark.az
def test_azure_cli_understands_every_command_as_its_edit() -> None:
    generated = [edit for strategy in kinds for edit in _sample(strategy, 30)]
    every = [*REPRESENTATIVE, *generated]
    replies = parsed([command(edit) for edit in every])
    wrong = [
        (command(edit), reply.get("error") or reply)
        for edit, reply in zip(every, replies, strict=True)
        if not (reply["ok"] and _means(reply, edit))
    ]
    assert wrong == []


@pytest.mark.az
def test_azure_cli_refuses_what_is_misspelt_removed_or_out_of_date() -> None:
    server, rules = "az postgres flexible-server", "az postgres flexible-server firewall-rule"
    nsg_rule = f"az network nsg rule create {PLACE} --nsg-name n --name r"
    wrong = {
        f"{server} update {PLACE} --name orders --publik-access Disabled": "--publik-access",
        f"{server} update {PLACE} --name orders --public-acess Disabled": "--public-acess",
        f"az postgres server update {PLACE} --name legacy --public-network-access Disabled": "server",
        f"{rules} delete {PLACE} --name orders --rule-name office --yes": "--rule-name",
        f"{rules} delete {PLACE} --name office --yes": "--server-name",
        f"{rules} create {PLACE} -s orders -n a.b --start-ip-address 192.0.2.4": "firewall rule name",
        f"{rules} create {PLACE} -s orders -n a --start-ip-address 192.0.2.400": "Invalid IP address",
        f"{nsg_rule} --access Allow": "--priority",
        f"{nsg_rule} --priority 100 --access Perhaps": "Perhaps",
        f"{nsg_rule} --priority high": "priority",
        "az rest --method mend --url https://management.azure.com/x": "mend",
        "az rest --method get": "--url",
        "azure rest --method get": "not an az command",
    }
    replies = parsed(list(wrong))
    for (words, complaint), reply in zip(wrong.items(), replies, strict=True):
        assert not reply["ok"], words
        assert complaint in str(reply["error"]), (words, reply["error"])


@pytest.mark.az
def test_a_command_with_another_meaning_is_noticed() -> None:
    edit = PutSecurityRule(nsg=NSG, rule=replace(ALLOW, sources=(), source_groups=(ASG,)))
    without_groups = command(edit).replace(f"--source-asgs {ASG} ", "")
    [reply] = parsed([without_groups])
    assert reply["ok"]
    assert not _means(reply, edit)


@pytest.mark.az
def test_a_script_that_fails_says_how(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit('no such thing')")
    with pytest.raises(AzureCliUnavailable, match="no such thing"):
        run_script(script, "")


def _means(reply: Mapping[str, Json], edit: Edit) -> bool:
    """Whether what azure-cli parsed performs the edit, and nothing wider."""
    arguments = reply["arguments"]
    if reply["command"] == "rest":
        return _rest_means(arguments, edit)
    resource = edited_resource(edit)
    place = (reply["subscription"], arguments.get("resource_group_name") or arguments.get("resource_group"))
    return place == (resource.subscription, resource.resource_group) and _arguments_mean(
        reply["command"], arguments, edit
    )


def _arguments_mean(called: str, arguments: Mapping[str, Json], edit: Edit) -> bool:
    match edit:
        case SetPublicAccess():
            expected = {"server_name": edit.server.name, "public_access": edit.access.value}
            return called == "postgres flexible-server update" and expected.items() <= arguments.items()
        case PutFirewallRule():
            expected = {
                "server_name": edit.server.name,
                "firewall_rule_name": edit.rule.name,
                "start_ip_address": str(edit.rule.start),
                "end_ip_address": str(edit.rule.end),
            }
            return called.endswith("firewall-rule create") and expected.items() <= arguments.items()
        case DeleteFirewallRule():
            named = {"server_name": edit.server.name, "firewall_rule_name": edit.rule.name, "yes": True}
            return called.endswith("firewall-rule delete") and named.items() <= arguments.items()
        case PutSecurityRule():
            return called == "network nsg rule create" and _rule_means(arguments, edit)
        case DeleteSecurityRule():
            named = {"nsg_name": edit.nsg.name, "name": edit.rule.name}
            return called == "network nsg rule delete" and named.items() <= arguments.items()
        case SetParameter():
            given = (arguments["server_name"], arguments["configuration_name"], arguments["value"])
            is_set = called == "postgres flexible-server parameter set"
            return is_set and given == (edit.server.name, edit.name, edit.value)
        case SetServerTls():  # no command does it: azure-cli no longer knows single servers
            return False
        case _:
            assert_never(edit)


def _rule_means(arguments: Mapping[str, Json], edit: PutSecurityRule) -> bool:
    rule = edit.rule
    # azure-cli drops its default prefix of a side that names application security groups
    sides = {
        "source_asgs" if rule.source_groups else "source_address_prefixes": rule.source_groups
        or rule.sources,
        "destination_asgs" if rule.destination_groups else "destination_address_prefixes": (
            rule.destination_groups or rule.destinations
        ),
        "source_port_ranges": rule.source_ports,
        "destination_port_ranges": rule.destination_ports,
    }
    scalars = {
        "nsg_name": edit.nsg.name,
        "name": rule.name,
        "priority": rule.priority,
        "direction": rule.direction.value,
        "access": rule.access.value,
    }
    return (
        scalars.items() <= arguments.items()
        and all(arguments.get(name) == [str(item) for item in items] for name, items in sides.items())
        and str(arguments["protocol"]).lower() == rule.protocol.lower()
        and arguments.get("description", "") == rule.description
    )


def _rest_means(arguments: Mapping[str, Json], edit: Edit) -> bool:
    url = urlsplit(arguments["url"])
    resource = edited_resource(edit)
    body = json.loads(arguments.get("body", "{}")).get("properties", {})
    return (
        f"{url.scheme}://{url.netloc}" == REST
        and unquote(url.path) == str(resource)
        and url.query.startswith("api-version=")
        and _request_means(arguments["method"], body, edit)
    )


def _request_means(method: str, body: Mapping[str, Json], edit: Edit) -> bool:
    match edit:
        case SetPublicAccess():
            return method == "patch" and body == {"publicNetworkAccess": edit.access.value}
        case PutFirewallRule():
            expected = {"startIpAddress": str(edit.rule.start), "endIpAddress": str(edit.rule.end)}
            return method == "put" and body == expected
        case DeleteFirewallRule() | DeleteSecurityRule():
            return method == "delete" and not body
        case PutSecurityRule():
            rule = edit.rule
            return (
                method == "put"
                and (body["priority"], body["direction"], body["access"])
                == (rule.priority, rule.direction.value, rule.access.value)
                and _prefixes(body, "sourceAddressPrefix") == list(rule.sources)
                and _prefixes(body, "destinationAddressPrefix") == list(rule.destinations)
                and _prefixes(body, "destinationPortRange", "s") == list(rule.destination_ports)
                and _prefixes(body, "sourcePortRange", "s") == list(rule.source_ports)
                and body.get("description", "") == rule.description
            )
        case SetParameter():
            return method == "put" and body == {"value": edit.value, "source": "user-override"}
        case SetServerTls():
            enforcement = {
                None: {},
                True: {"sslEnforcement": "Enabled"},
                False: {"sslEnforcement": "Disabled"},
            }
            lowest = {} if edit.minimum_version is None else {"minimalTlsVersion": edit.minimum_version}
            return method == "patch" and body == {**enforcement[edit.enforced], **lowest}
        case _:
            assert_never(edit)


def _prefixes(body: Mapping[str, Json], singular: str, plural: str = "es") -> list[str]:
    return [body[singular]] if singular in body else body[singular + plural]
