"""What a finding comes from in a plan or a what-if: the rule or parameter that it names, else its resource.

Evidence names what decides by its name (``rules``, ``rule``) or its id; what only stands beside it is under
``other…``. Of several the first by id stands for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from driftward.scanning.documents.arguments import ARGUMENTS
from driftward.scanning.documents.source.pointing import Source
from shared.alerts.lifecycle import alert_id
from shared.model import ComplianceState, Finding, Json
from shared.model.resource_id import ResourceId
from shared.report.estate import Estate, Origin

_CHILDREN: Final = ("firewallrules", "securityrules", "configurations", "administrators", "routes")


def origins_of(
    estate: Estate, addresses: Mapping[str, str], source: Source | None
) -> Iterator[tuple[str, Origin]]:
    """By the alert's id, of everything that is not compliant. ``addresses`` are by the keys of ids."""
    for result in estate.results:
        for finding in result.findings:
            if finding.state is not ComplianceState.COMPLIANT:
                origin = _origin(finding, addresses, source)
                if origin is not None:
                    yield alert_id(finding.policy, finding.target, finding.fingerprint), origin


def _origin(finding: Finding, addresses: Mapping[str, str], source: Source | None) -> Origin | None:
    names = _names(finding)
    key = _deciding(finding, addresses, names)
    if key is None:
        return None
    if source is None:
        return Origin(address=addresses[key])
    return source.origin(finding, ResourceId(key), addresses[key], names)


def _names(finding: Finding) -> frozenset[str]:
    parameter = finding.fingerprint.partition("=")[0].lower()
    return frozenset({*(text.lower() for text in _texts(finding.evidence)), parameter})


def _deciding(finding: Finding, addresses: Mapping[str, str], names: frozenset[str]) -> str | None:
    """The key of the resource that decides a finding, of those that have an address."""
    if finding.policy in ARGUMENTS and finding.target.key in addresses:
        return finding.target.key
    owners = [finding.resource_id.key, *sorted(one for one in names if one in addresses)]
    for owner in owners:
        children = [f"{owner}/{kind}/{name}" for kind in _CHILDREN for name in names]
        if found := sorted(one for one in children if one in addresses):
            return found[0]
    return next((one for one in (*owners, finding.target.key) if one in addresses), None)


def _texts(found: Json) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif isinstance(found, Mapping):
        for name, one in found.items():
            if not str(name).startswith("other"):
                yield from _texts(one)
    elif isinstance(found, list | tuple):
        for one in found:
            yield from _texts(one)
