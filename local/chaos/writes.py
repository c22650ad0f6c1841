"""The writes of a run, ours and everybody's: which took effect, what they open, what is declared. Pure.

Whether a write took effect is told by Azure's own event of it (same correlation id, same resource), never by
what Driftward says. What may be written is declared by the catalogue (the actions that a policy's permissions
name) and, within that, by the shape of each edit.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_network
from typing import Final

from local.chaos.landscape import ALL_AZURE, EXPOSED, JUDGED, LOGS, PUBLIC_ACCESS, WHOLE_INTERNET
from local.chaos.model import PORTS
from local.chaos.recording import Recording
from local.simulator.values import JsonObject, JsonValue, as_list, as_object, as_text, dig
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.model.values import value

_POSTGRES: Final = "/providers/microsoft.dbforpostgresql/flexibleservers/"
_GROUPS: Final = "/providers/microsoft.network/networksecuritygroups/"
_ACCESS: Final = ("properties", "network", "publicNetworkAccess")
_EVERYBODY: Final = "255.255.255.255"
_CLOSED_RULES: Final = frozenset({"all-azure", "everybody"})
"""Firewall rules that some policy forbids, by the names that operators give them."""
_VERBS: Final = {"PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "action"}


@value
class Deed:
    """A write that reached ARM. ``effect`` is when it took effect, 0 where it never did."""

    method: str
    path: str
    body: JsonObject
    at: float
    status: int
    effect: float

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300

    @property
    def owner(self) -> str:
        """The server or NSG that it is about, in lower case."""
        return "/".join(self.path.lower().split("/")[:9])

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1].lower()

    @property
    def identity(self) -> str:
        """The same for the same write."""
        return json.dumps([self.method, self.path.lower(), self.body], sort_keys=True)

    @staticmethod
    def effective(run: Recording) -> tuple[Deed, ...]:
        """Whatever took effect, ours too: a rollback of ours opens what a revert of ours had shut."""
        return _split(run)[1]

    def opens(self) -> frozenset[str]:
        """The policies whose hole it opens; what is dormant behind closed public access opens with it."""
        if dig(self.body, *_ACCESS) == "Enabled":
            return frozenset({PUBLIC_ACCESS, ALL_AZURE, WHOLE_INTERNET})
        if "/firewallrules/" in self.path.lower() and self.method == "PUT":
            wide = dig(self.body, "properties", "endIpAddress") == _EVERYBODY
            return frozenset({WHOLE_INTERNET if wide else ALL_AZURE})
        if "/securityrules/" in self.path.lower() and dig(self.body, "properties", "access") == "Allow":
            return frozenset({EXPOSED})
        return frozenset()


Ours = Deed
"""A write by Driftward."""


def ours(run: Recording) -> tuple[Ours, ...]:
    """Every write of ours that reached ARM, refused ones too, in order."""
    return _split(run)[0]


def _split(run: Recording) -> tuple[tuple[Deed, ...], tuple[Deed, ...]]:
    return _split_once(id(run), _Held(run))


class _Held:
    """Keeps a recording out of the hash: two calls about the same one share their answer."""

    def __init__(self, run: Recording) -> None:
        self.run = run

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and other.run is self.run

    def __hash__(self) -> int:
        return id(self.run)


@lru_cache(maxsize=4)
def _split_once(_number: int, held: _Held) -> tuple[tuple[Deed, ...], tuple[Deed, ...]]:
    run = held.run
    effects = {_key(event): _seconds(event["eventTime"]) for event in run.raised if _succeeded(event)}
    us = LOCAL_IDENTITY.app_id
    mine, effective = [], []
    for call in run.calls:
        deed = _deed(call, effects)
        if dig(call, "caller", "appId") == us:
            mine.append(deed)
        if deed.effect:
            effective.append(deed)
    return tuple(mine), tuple(effective)


def _deed(call: JsonObject, effects: dict[tuple[str, str], float]) -> Deed:
    path = as_text(call.get("path"))
    at = _seconds(call.get("time"))
    done = effects.get((as_text(call.get("correlationId")), path.lower()), 0.0)
    status = int(str(call.get("status")))
    return Deed(
        method=as_text(call.get("method")),
        path=path,
        body=as_object(call.get("requestBody")),
        at=at,
        status=status,
        effect=done if 200 <= status < 300 else 0.0,
    )


def _key(event: JsonObject) -> tuple[str, str]:
    return as_text(dig(event, "data", "correlationId")), as_text(event.get("subject")).lower()


def _succeeded(event: JsonObject) -> bool:
    return as_text(event.get("eventType")).endswith("Success")


def _seconds(text: JsonValue) -> float:
    return datetime.fromisoformat(str(text)).timestamp()


# --- what is the same, what undoes -------------------------------------------------------------------


def reopens(deed: Deed, write: Ours) -> bool:
    """Whether somebody's deed makes our write right once more."""
    if _GROUPS in write.path.lower():
        return deed.owner == write.owner and deed.identity != write.identity
    if deed.path.lower() != write.path.lower():
        return False
    if write.method == "DELETE":
        return deed.method == "PUT"
    return deed.method == "DELETE" or any(
        dig(deed.body, *leaf) not in (None, held) for leaf, held in leaves(write.body)
    )


def leaves(body: JsonValue, at: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], JsonValue]]:
    """Every value of a body with the names that lead to it."""
    if not isinstance(body, dict):
        return [(at, body)]
    return [leaf for name, part in body.items() for leaf in leaves(part, (*at, name))]


def matches(edit: JsonObject, write: Ours) -> bool:
    """Whether this edit of a change is this write."""
    path = _path(edit)
    if path.lower() != write.path.lower():
        return False
    match edit.get("kind"):
        case "setPublicAccess":
            return write.method == "PATCH" and dig(write.body, *_ACCESS) == edit.get("access")
        case "deleteFirewallRule" | "deleteSecurityRule":
            return write.method == "DELETE"
        case "setParameter":
            return dig(write.body, "properties", "value") == edit.get("value")
        case "putFirewallRule" | "putSecurityRule":
            return write.method == "PUT"
        case _:
            return False


def _path(edit: JsonObject) -> str:
    owner = as_text(edit.get("server")) or as_text(edit.get("nsg"))
    name = as_text(dig(edit, "rule", "name"))
    match edit.get("kind"):
        case "putFirewallRule" | "deleteFirewallRule":
            return f"{owner}/firewallRules/{name}"
        case "putSecurityRule" | "deleteSecurityRule":
            return f"{owner}/securityRules/{name}"
        case "setParameter":
            return f"{owner}/configurations/{as_text(edit.get('name'))}"
        case _:
            return owner


# --- what is declared --------------------------------------------------------------------------------


def what_is_undeclared(write: Ours, run: Recording) -> str:
    """Why no policy declares this write; ``""`` where one does, or where it undoes one that did."""
    path = write.path.lower()
    if _undoes(write, run):
        return ""
    if not path.startswith(f"{run.scope.lower()}/"):
        return "outside the scopes"
    if _action(write) not in _declared(run):
        return f"no policy that is on asks for {_action(write)}"
    if _POSTGRES in path:
        return "" if _is_declared_of_server(write) else "no edit of a policy looks like this"
    if _GROUPS in path:
        return "" if _is_declared_of_group(write, run) else "no edit of a policy looks like this"
    return "neither a server nor a network security group"


def _undoes(write: Ours, run: Recording) -> bool:
    """Whether a rollback that somebody asked for is this write: the recorded inverse of a change of ours."""
    originals = {as_text(one.get("rollbackOf")) for one in run.changes if one.get("rollbackOf")}
    inverses = (one.get("inverse") for one in run.changes if one.get("id") in originals)
    return any(matches(as_object(edit), write) for inverse in inverses for edit in as_list(inverse))


def _declared(run: Recording) -> set[str]:
    """The actions that the policies of the run ask for, in lower case."""
    on = [policy for policy in run.policies if policy.get("id") in JUDGED]
    return {as_text(one).lower() for policy in on for one in as_list(policy.get("permissions"))}


def _action(write: Ours) -> str:
    """``microsoft.x/y/z/write``: what a role must allow for this."""
    _, _, rest = write.path.lower().rpartition("/providers/")
    namespace, *parts = rest.split("/")
    return "/".join((namespace, *parts[::2], _VERBS[write.method]))


def _is_declared_of_server(write: Ours) -> bool:
    held = leaves(write.body)
    kind = write.path.lower().split("/")[9:10]
    match kind, write.method:
        case [], "PATCH":
            return held == [(_ACCESS, "Disabled")]
        case ["firewallrules"], "DELETE":
            return not write.body and write.name in _CLOSED_RULES
        case ["configurations"], "PUT" | "PATCH":
            values = dict(held)
            texts = values.pop(("properties", "value"), None), values.pop(("properties", "source"), None)
            return write.name in LOGS and texts == ("on", "user-override") and not values
        case _:
            return False


def _is_declared_of_group(write: Ours, run: Recording) -> bool:
    """One rule beside those of the operators: inside the subnet, to the ports of PostgreSQL."""
    place = next((one for one in run.places if one.group.lower() == write.owner), None)
    rule = as_object(write.body.get("properties"))
    if place is None or write.method != "PUT" or rule.get("access") != "Allow":
        return False
    sides = [*_named(rule, "sourceAddressPrefix"), *_named(rule, "destinationAddressPrefix")]
    ports = {port for span in _named(rule, "destinationPortRange") for port in span.split("-")}
    inside = all(_within(side, place.prefix) for side in sides)
    return inside and len(sides) >= 2 and ports <= {str(port) for port in PORTS}


def _named(rule: JsonObject, single: str) -> list[str]:
    plural = f"{single}es" if single.endswith("x") else f"{single}s"
    texts = [as_text(rule.get(single)), *(as_text(one) for one in as_list(rule.get(plural)))]
    return [text for text in texts if text]


def _within(side: str, prefix: str) -> bool:
    try:
        return ip_network(side).subnet_of(ip_network(prefix))  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return False
