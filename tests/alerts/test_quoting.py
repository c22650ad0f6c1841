"""Printed commands are pasted into a shell: whatever a stranger called things, it sees the intended words.

Names, tags and values hold blanks, quotes, ``$(…)``, backticks, line breaks and leading hyphens here. What
``shlex.split`` makes of a command is compared word by word with what was meant; an option's value with a
leading hyphen stands behind ``=``, or azure-cli would take it for an option.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.alerts.commands import at_endpoint, fix_commands
from shared.model import (
    DeleteFirewallRule,
    DeleteSecurityRule,
    Edit,
    PublicAccess,
    PutFirewallRule,
    PutSecurityRule,
    SetParameter,
    SetPublicAccess,
    SetServerTls,
)
from shared.model.networks import RouteTable
from shared.model.parts import ManagementLock, ZoneLink
from shared.model.resource_id import ResourceId
from shared.posture.dns_commands import (
    az,
    az_at,
    delete_link_command,
    link_command,
    record_command,
    zone_command,
)
from shared.posture.endpoint_steps import connection_command, endpoint_command
from shared.posture.former_group import enforcing
from shared.posture.management_locks import judge_locks
from shared.posture.route_commands import drop_command, service_endpoint_command
from shared.posture.shell import az as spoken
from shared.posture.shell import rest
from tests.builders import ENDPOINT, GROUP, NSG, OFFICE, SERVER, SINGLE, SUBNET, ZONE, security_rule, subnet

PIECES = [
    *(
        "orders",
        " ",
        "'",
        '"',
        "$(reboot)",
        "`reboot`",
        "\n",
        "-",
        "--yes",
        ";",
        "|",
        "&&",
        "\\",
        "!",
        "*",
        "#",
    ),
    *("${HOME}", "=", "<", ">", "@file", "é", "\t", "%0a", "~"),
]
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join)
NAMES = TEXTS.map(lambda text: "".join(filter(str.isprintable, text)).strip() or "-").filter(
    lambda text: "%0a" not in text
)
"""What a resource id can hold: no line breaks, no blanks at its ends."""


def words_of(command: str) -> list[str]:
    return shlex.split(command)


def chosen(command: str) -> Mapping[str, str]:
    """The options of a command by name: a value follows its option, or stands behind ``=``."""
    found: dict[str, str] = {}
    words = iter(words_of(command))
    for word in words:
        if word.startswith("--"):
            name, has_value, text = word.partition("=")
            found[name] = text if has_value else "" if name == "--yes" else next(words)
    return found


def named(base: ResourceId, name: str) -> ResourceId:
    """A resource beside ``base`` with this name, in a group of this name."""
    *before, _ = str(base).replace("/resourceGroups/data/", f"/resourceGroups/{name}/").split("/")
    return ResourceId("/".join([*before, name]))


# --- the two that write every command --------------------------------------------------------------


@given(TEXTS, TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_options_arrive_as_they_were_chosen(one: str, other: str, several: Sequence[str]) -> None:
    plain = [text for text in several if not text.startswith("-")] or ["x"]
    command = spoken("network thing update", {"--name": one, "--list": plain, "--text": other})
    words = words_of(command)
    assert words[:4] == ["az", "network", "thing", "update"]
    as_told = [f"--name={one}"] if one.startswith("-") else ["--name", one]
    last = [f"--text={other}"] if other.startswith("-") else ["--text", other]
    assert words[4:] == [*as_told, "--list", *plain, *last]


@given(NAMES, TEXTS, TEXTS)
def test_words_arrive_as_they_were_said(group: str, one: str, other: str) -> None:
    where = named(ZONE, group)
    command = az_at(where, "network", "thing", "delete", "--yes", "--name", one, "--text", other)
    assert words_of(command)[:4] == ["az", "network", "thing", "delete"]
    assert chosen(command) == {
        "--yes": "",
        "--name": one,
        "--text": other,
        "--subscription": where.subscription,
        "--resource-group": group,
    }


@given(NAMES, TEXTS)
def test_a_request_arrives_with_its_path_and_its_body(name: str, text: str) -> None:
    resource, body = named(SERVER, name), {"properties": {text: text}}
    for command in (
        rest("put", resource, "", "2024-08-01", body),
        at_arm(rest("put", resource, "", "1", body)),
    ):
        arrived = chosen(command)
        assert unquote(arrived["--url"].split("?")[0]).removeprefix("https://arm.example") == str(resource)
        assert json.loads(arrived["--body"]) == body
        assert arrived["--method"] == "put"


def at_arm(command: str) -> str:
    return at_endpoint(command, "https://arm.example")


# --- what is printed -------------------------------------------------------------------------------


@given(NAMES, TEXTS)
def test_what_performs_an_edit_holds_the_edits_names_and_values(name: str, text: str) -> None:
    server, single, nsg = named(SERVER, name), named(SINGLE, name), named(NSG, name)
    rule = replace(OFFICE, name=name)
    security = security_rule(name, 200, sources=("10.0.0.0/8", text), description=text)
    edits: list[Edit] = [
        SetPublicAccess(server=server, access=PublicAccess.DISABLED),
        SetPublicAccess(server=single, access=PublicAccess.DISABLED),
        PutFirewallRule(server=server, rule=rule),
        DeleteFirewallRule(server=single, rule=rule),
        DeleteFirewallRule(server=server, rule=rule),
        PutSecurityRule(nsg=nsg, rule=security),
        PutSecurityRule(nsg=nsg, rule=replace(security, sources=("10.0.0.0/8",))),
        DeleteSecurityRule(nsg=nsg, rule=security),
        SetParameter(server=server, name="log_connections", value=text),
        SetServerTls(server=single, enforced=True, minimum_version=text),
    ]
    commands = fix_commands(edits)
    assert len(commands) == len(edits)
    for edit, command in zip(edits, commands, strict=True):
        assert words_of(command)[0] == "az"
        arrived = chosen(command)
        if "--url" in arrived:
            owner = edit.nsg if isinstance(edit, PutSecurityRule | DeleteSecurityRule) else edit.server
            assert unquote(arrived["--url"].partition("?")[0]).startswith(
                f"https://management.azure.com{owner}"
            )
            continue
        assert arrived["--resource-group"] == name
        assert name in {arrived.get("--server-name"), arrived.get("--nsg-name"), arrived.get("--name")}
        if isinstance(edit, SetParameter):
            assert arrived["--value"] == text
        if isinstance(edit, PutSecurityRule):
            assert arrived["--description"] == text


@given(NAMES, TEXTS)
def test_steps_about_networks_hold_their_names(name: str, text: str) -> None:
    place = named(SUBNET, name)
    table = RouteTable(id=named(NSG, name), routes=())
    there = replace(
        subnet(),
        id=place,
        route_table=table,
        route_table_id=table.id,
        service_endpoints=(name,),
        delegations=(),
        endpoint_network_policies=text,
    )
    assert chosen(drop_command(there, text))["--name"] == text
    words = words_of(service_endpoint_command(there, "Microsoft.Storage"))
    assert words[:7] == ["az", "network", "vnet", "subnet", "update", "--ids", str(place)]
    assert words[7:] == ["--service-endpoints", *sorted([name, "Microsoft.Storage"])]
    said = enforcing(replace(there, endpoint_network_policies="Disabled"), there)
    assert chosen(said) == {"--private-endpoint-network-policies": text}


@given(NAMES, TEXTS)
def test_steps_about_dns_and_endpoints_hold_their_names(name: str, text: str) -> None:
    zone, network = named(ZONE, name), named(NSG, name)
    link = ZoneLink(name=text, network=network)
    assert chosen(link_command(zone, network, text))["--name"] == text
    assert chosen(link_command(zone, network, text))["--zone-name"] == name
    assert chosen(delete_link_command(zone, link))["--name"] == text
    assert chosen(zone_command(zone, text))["--name"] == text
    assert chosen(record_command(zone, "add-record", text, "10.0.0.1"))["--record-set-name"] == text
    made = chosen(endpoint_command(named(SERVER, name), named(ENDPOINT, name), text))
    assert (made["--subnet"], made["--name"], made["--connection-name"]) == (text, name, name)
    assert chosen(connection_command("delete", named(ENDPOINT, name)))["--id"].endswith(f"/{name}")


@given(NAMES)
def test_the_step_about_a_lock_holds_its_name(name: str) -> None:
    lock = ManagementLock(name=name, level="ReadOnly", scope=GROUP)
    judged = judge_locks([lock], "it", "changes are refused")
    step = judged.what_to_do[0]
    assert isinstance(step, str)
    assert words_of(step)[:4] == ["az", "lock", "delete", "--ids"]
    assert words_of(step)[4].endswith(f"/{name}")


def test_a_flag_is_no_option_that_waits_for_a_value() -> None:
    assert az("lock", "delete", "--yes", "--ids", "-x") == "az lock delete --yes --ids=-x"


@pytest.mark.parametrize("text", ["$(reboot)", "`reboot`", "a; reboot", "a\nreboot", "'; reboot; '"])
def test_nothing_that_a_stranger_wrote_stands_outside_of_quotes(text: str) -> None:
    there = replace(subnet(), service_endpoints=(text,))
    command = service_endpoint_command(there, "Microsoft.Storage")
    assert shlex.quote(text) in command
