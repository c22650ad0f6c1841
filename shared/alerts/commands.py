"""The commands that a person is given: what performs an edit by hand.

Every command is one line for a POSIX shell in the syntax of azure-cli 2.91.0, with everything quoted
and the subscription named, so that it does the same thing whoever runs it and wherever. A test has
azure-cli itself parse them and compares what arrives with the edit. Facts that forced the shape:

- ``az postgres flexible-server firewall-rule`` calls the server ``--server-name`` and the rule
  ``--name`` since 2.86; older versions called them ``--name`` and ``--rule-name``.
- ``az postgres server`` was removed together with the single server: ``az rest`` remains.
- azure-cli refuses or reinterprets some values that ARM holds (a firewall rule's name of more than 80
  characters, a description that begins with a quote or says ``null``, a side without prefixes, which
  it would fill with ``*``). For those, ``az rest`` sends exactly the properties; no command may ever
  mean something wider than its edit.

Pure: nothing is run here, and nothing asks which version is installed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Final, assert_never
from urllib.parse import quote

from shared.model import (
    DeleteFirewallRule,
    DeleteSecurityRule,
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
)
from shared.model.resource_id import ResourceId
from shared.posture.firewall_steps import FIREWALL_NAME
from shared.posture.shell import FLEXIBLE_API, SINGLE_API, az, place, rest
from shared.posture.subnet_rules import by_hand

AZURE_CLI_VERSION: Final = "2.91.0"
PUBLIC_ARM: Final = "https://management.azure.com"
ACTIVE_CLOUD: Final = ""
"""ARM where azure-cli's active cloud has it: for commands that nobody's settings are known for."""
NETWORK_API: Final = "2024-05-01"
FLEXIBLE_TYPE: Final = "microsoft.dbforpostgresql/flexibleservers"
SINGLE_TYPE: Final = "microsoft.dbforpostgresql/servers"

_PLAIN: Final = re.compile(r"[A-Za-z0-9*][^\x00-\x1f\x7f-\x9f\u2028\u2029]*")
"""Texts that azure-cli takes as they are: no option, no ``@file``, no quoted shorthand, one line."""

_LISTED: Final = re.compile(r"[A-Za-z0-9*][A-Za-z0-9.:/_*-]*")
"""Prefixes, tags and ports; ``=`` or a bracket would begin azure-cli's shorthand for lists."""

_REST_PATH: Final = re.compile(r"(az rest --method \w+ --url )('?)/")
"""How ``shared.posture.shell.rest`` writes a command up to the path."""

_SHORTHAND_NULL: Final = "null"
_PROTOCOLS: Final = {name.lower(): name for name in ("*", "Ah", "Esp", "Icmp", "Tcp", "Udp")}


def fix_commands(
    edits: Sequence[Edit], management_endpoint: str = PUBLIC_ARM, audience: str = ""
) -> tuple[str, ...]:
    """One command per edit, in order, as a person makes it. Raises ``ValueError`` for a server that is no
    PostgreSQL server.

    ``management_endpoint`` is where ARM is, or ``ACTIVE_CLOUD``.
    """
    commands = map(_command, map(by_hand, edits))
    return tuple(at_endpoint(command, management_endpoint, audience) for command in commands)


def at_endpoint(command: str, endpoint: str, audience: str = "") -> str:
    """A step with ``az rest`` on a path sent to this endpoint of ARM; any other step as it is.

    ``audience`` is whom the token is for: azure-cli tells it from a URL at an endpoint of its own cloud only.
    """
    found = _REST_PATH.match(command) if endpoint else None
    if found is None:
        return command
    said = f"{found[1]}{found[2]}{endpoint.rstrip('/')}/{command[found.end() :]}"
    return f"{said} --resource {shlex.quote(audience)}" if audience else said


def is_command(step: str) -> bool:
    """Whether a step can be pasted into a shell; every other one is a sentence."""
    return step.startswith("az ")


# --- edits -----------------------------------------------------------------------------------------


def _command(edit: Edit) -> str:
    match edit:
        case SetPublicAccess():
            return _set_public_access(edit)
        case PutFirewallRule():
            return _put_firewall_rule(edit)
        case DeleteFirewallRule():
            return _delete_firewall_rule(edit)
        case PutSecurityRule():
            return _put_security_rule(edit)
        case DeleteSecurityRule():
            return _delete_security_rule(edit)
        case SetParameter():
            return _set_parameter(edit)
        case SetServerTls():
            return rest("patch", edit.server, "", SINGLE_API, {"properties": _tls(edit)})
        case _:
            assert_never(edit)


def _set_public_access(edit: SetPublicAccess) -> str:
    if edit.access is PublicAccess.UNKNOWN:
        raise ValueError("public access is set to Enabled or Disabled")
    if _is_flexible(edit.server):
        where = {**place(edit.server), "--name": edit.server.name}
        return az("postgres flexible-server update", {**where, "--public-access": edit.access.value})
    body = {"properties": {"publicNetworkAccess": edit.access.value}}
    return rest("patch", edit.server, "", SINGLE_API, body)


def _put_firewall_rule(edit: PutFirewallRule) -> str:
    rule = edit.rule
    if _is_flexible(edit.server) and FIREWALL_NAME.fullmatch(rule.name):
        return az(
            "postgres flexible-server firewall-rule create",
            {
                **_server_options(edit.server),
                "--name": rule.name,
                "--start-ip-address": str(rule.start),
                "--end-ip-address": str(rule.end),
            },
        )
    body = {"properties": {"startIpAddress": str(rule.start), "endIpAddress": str(rule.end)}}
    return rest("put", edit.server, _firewall_path(rule), _server_api(edit.server), body)


def _delete_firewall_rule(edit: DeleteFirewallRule) -> str:
    if _is_flexible(edit.server) and FIREWALL_NAME.fullmatch(edit.rule.name):
        options = {**_server_options(edit.server), "--name": edit.rule.name}
        return az("postgres flexible-server firewall-rule delete", options) + " --yes"
    return rest("delete", edit.server, _firewall_path(edit.rule), _server_api(edit.server))


def _set_parameter(edit: SetParameter) -> str:
    """azure-cli reads an empty value as none given, so that one goes by ``az rest``."""
    if _is_flexible(edit.server) and _is_plain(edit.value):
        options = {**_server_options(edit.server), "--name": edit.name, "--value": edit.value}
        return az("postgres flexible-server parameter set", options)
    body = {"properties": {"value": edit.value, "source": "user-override"}}
    child = f"/configurations/{quote(edit.name, safe='')}"
    return rest("put", edit.server, child, _server_api(edit.server), body)


def _tls(edit: SetServerTls) -> dict[str, Json]:
    enforcement = {True: "Enabled", False: "Disabled"}
    return {
        **({} if edit.enforced is None else {"sslEnforcement": enforcement[edit.enforced]}),
        **({} if edit.minimum_version is None else {"minimalTlsVersion": edit.minimum_version}),
    }


def _put_security_rule(edit: PutSecurityRule) -> str:
    rule = edit.rule
    if not (_is_plain_nsg(edit.nsg) and _cli_can_express(rule)):
        path = _security_path(rule)
        return rest("put", edit.nsg, path, NETWORK_API, {"properties": _properties(rule)})
    options: dict[str, str | Sequence[str]] = {
        **_nsg_options(edit.nsg, rule),
        "--priority": str(rule.priority),
        "--direction": rule.direction.value,
        "--access": rule.access.value,
        "--protocol": _PROTOCOLS[rule.protocol.lower()],
        **_side("source", rule.sources, rule.source_groups),
        "--source-port-ranges": rule.source_ports,
        **_side("destination", rule.destinations, rule.destination_groups),
        "--destination-port-ranges": rule.destination_ports,
    }
    if rule.description:
        options["--description"] = rule.description
    return az("network nsg rule create", options)


def _delete_security_rule(edit: DeleteSecurityRule) -> str:
    if not (_is_plain_nsg(edit.nsg) and _is_plain(edit.rule.name)):
        return rest("delete", edit.nsg, _security_path(edit.rule), NETWORK_API)
    return az("network nsg rule delete", _nsg_options(edit.nsg, edit.rule))


# --- what azure-cli can express --------------------------------------------------------------------


def _cli_can_express(rule: SecurityRule) -> bool:
    """False where azure-cli would refuse the rule or, worse, send another one."""
    sides = (rule.sources or rule.source_groups, rule.destinations or rule.destination_groups)
    mixed = (rule.sources and rule.source_groups) or (rule.destinations and rule.destination_groups)
    listed = (*rule.sources, *rule.destinations, *rule.source_ports, *rule.destination_ports)
    return (
        all(sides)
        and not mixed
        and bool(rule.source_ports and rule.destination_ports)
        and rule.protocol.lower() in _PROTOCOLS
        and all(_LISTED.fullmatch(text) and text != _SHORTHAND_NULL for text in listed)
        and _is_plain(rule.name)
        and (not rule.description or _is_plain(rule.description))
    )


def _is_plain(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and text != _SHORTHAND_NULL


def _is_plain_nsg(nsg: ResourceId) -> bool:
    return _is_plain(nsg.name) and _is_plain(nsg.resource_group)


def _side(side: str, prefixes: Sequence[str], groups: Sequence[ResourceId]) -> dict[str, Sequence[str]]:
    if groups:
        return {f"--{side}-asgs": tuple(str(group) for group in groups)}
    return {f"--{side}-address-prefixes": tuple(prefixes)}


def _properties(rule: SecurityRule) -> dict[str, Json]:
    """The rule as the body of ARM's PUT: one value in the singular field, several in the plural one."""
    return {
        "priority": rule.priority,
        "direction": rule.direction.value,
        "access": rule.access.value,
        "protocol": _PROTOCOLS.get(rule.protocol.lower(), rule.protocol),
        **_fields("sourceAddressPrefix", "sourceAddressPrefixes", rule.sources),
        **_fields("destinationAddressPrefix", "destinationAddressPrefixes", rule.destinations),
        **_fields("sourcePortRange", "sourcePortRanges", rule.source_ports),
        **_fields("destinationPortRange", "destinationPortRanges", rule.destination_ports),
        **_groups("sourceApplicationSecurityGroups", rule.source_groups),
        **_groups("destinationApplicationSecurityGroups", rule.destination_groups),
        **({"description": rule.description} if rule.description else {}),
    }


def _fields(singular: str, plural: str, values: Sequence[str]) -> dict[str, Json]:
    return {singular: values[0]} if len(values) == 1 else {plural: list(values)}


def _groups(name: str, groups: Sequence[ResourceId]) -> dict[str, Json]:
    return {name: [{"id": str(group)} for group in groups]} if groups else {}


def _firewall_path(rule: FirewallRule) -> str:
    return f"/firewallRules/{quote(rule.name, safe='')}"


def _security_path(rule: SecurityRule) -> str:
    return f"/securityRules/{quote(rule.name, safe='')}"


def _server_options(server: ResourceId) -> dict[str, str]:
    return {**place(server), "--server-name": server.name}


def _nsg_options(nsg: ResourceId, rule: SecurityRule) -> dict[str, str]:
    return {**place(nsg), "--nsg-name": nsg.name, "--name": rule.name}


def _server_api(server: ResourceId) -> str:
    return FLEXIBLE_API if _is_flexible(server) else SINGLE_API


def _is_flexible(server: ResourceId) -> bool:
    if server.type == FLEXIBLE_TYPE:
        return True
    if server.type == SINGLE_TYPE:
        return False
    raise ValueError(f"not a PostgreSQL server: {server}")
