"""Which line of the source a finding comes from, and the smallest edit there.

The value that decides has a line of its own where a policy goes by one argument of a server; a firewall rule,
a parameter and a security rule have theirs; all else is its resource's. An edit is told only where it is one
for sure: which rule of an NSG should give way, and to which value a parameter, is for a person.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, Protocol

from driftward.scanning.documents.arguments import ARGUMENTS, Argument
from driftward.scanning.documents.source.bicep import Templates
from driftward.scanning.documents.source.lines import Block, Setting
from driftward.scanning.documents.source.terraform import Configuration, Place
from shared.model import Finding
from shared.model.resource_id import ResourceId
from shared.report.estate import Origin

_REMOVE: Final = "remove this rule"
_FIREWALL: Final = "firewallrules"
_PARAMETER: Final = "configurations"
_START: Final = "start_ip_address"


class Source(Protocol):
    """The files of a plan or a deployment."""

    def origin(self, finding: Finding, resource: ResourceId, address: str, names: Collection[str]) -> Origin:
        """Where a finding comes from; the address alone where no file is known to say so. ``names`` are those
        that the finding's evidence holds, in lower case."""


def _at(address: str, found: Setting | Block, edit: str = "") -> Origin:
    return Origin(address=address, file=found.file, line=found.line, edit=edit)


def _inner(block: Block, kind: str, names: Collection[str]) -> Block | None:
    """The rule within an NSG that a finding names; where it names several, the first that stands there."""
    found = (one for called, one in block.blocks if called == kind and one.text("name").lower() in names)
    return next(found, None)


class TerraformSource:
    def __init__(self, folder: Path, addresses: Mapping[str, str]) -> None:
        self._configuration = Configuration(folder, addresses.values())

    def origin(self, finding: Finding, resource: ResourceId, address: str, names: Collection[str]) -> Origin:
        place = self._configuration.place(address)
        if place is None:
            return Origin(address=address)
        if place.is_call:
            return _at(address, place.block)
        if (argument := ARGUMENTS.get(finding.policy)) is not None:
            return self._argument(place, address, argument)
        return self._part(resource, place, address) or _at(
            address, _inner(place.block, "security_rule", names) or place.block
        )

    def _argument(self, place: Place, address: str, argument: Argument) -> Origin:
        found = self._configuration.origin(place, argument.terraform)
        if found is not None:
            return _at(address, found, f"{found.name} = {argument.terraform_value}")
        *blocks, name = argument.terraform
        line = f"{name} = {argument.terraform_value}"
        for block in reversed(blocks):
            line = f"{block} {{ {line} }}"
        return _at(address, place.block, f"add {line}")

    def _part(self, resource: ResourceId, place: Place, address: str) -> Origin | None:
        """A firewall rule or a parameter of its own."""
        kind = resource.type.rpartition("/")[2]
        if kind == _FIREWALL:
            return _at(address, self._configuration.origin(place, (_START,)) or place.block, _REMOVE)
        if kind != _PARAMETER:
            return None
        return _at(address, self._configuration.origin(place, ("value",)) or place.block)


class BicepSource:
    def __init__(self, folder: Path) -> None:
        self._templates = Templates(folder)

    def origin(self, finding: Finding, resource: ResourceId, address: str, names: Collection[str]) -> Origin:
        declared = self._templates.declared(resource)
        if declared is None:
            return Origin(address=address)
        symbol, block = declared.symbol, declared.block
        if (argument := ARGUMENTS.get(finding.policy)) is not None:
            return self._argument(symbol, block, argument)
        kind = resource.type.rpartition("/")[2]
        if kind == _FIREWALL:
            return _at(symbol, block.settings.get(("properties", "startIpAddress")) or block, _REMOVE)
        if kind == _PARAMETER:
            return _at(symbol, block.settings.get(("properties", "value")) or block)
        return _at(symbol, _inner(block, "securityRules", names) or block)

    def _argument(self, symbol: str, block: Block, argument: Argument) -> Origin:
        path = ("properties", *argument.arm)
        if (found := block.settings.get(path)) is None:
            return _at(symbol, block, f"add {_in_objects(path, argument.arm_value)}")
        given = self._templates.origin(found)
        sign = ":" if given == found else " ="
        return _at(symbol, given, f"{given.name}{sign} {argument.arm_value}")


def _in_objects(path: tuple[str, ...], held: str) -> str:
    *objects, name = path
    line = f"{name}: {held}"
    for one in reversed(objects):
        line = f"{one}: {{ {line} }}"
    return line
