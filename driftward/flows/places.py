"""Where things stand in a flow log: the paths of records, rules, flows and tuples in each of its layouts.

Keys are in lower case. A path holds ``EACH`` for any element of a list.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from driftward.flows.tuples import Layout

EACH: Final = "*"
BASES: Final = (("records", EACH), (EACH,), ())
"""Where records stand: in the list of the wrapper, in a bare list, as a document of their own."""
Path: TypeAlias = tuple[str, ...]
FLOWS: Final[dict[Layout, Path]] = {
    Layout.NSG: ("properties", "flows"),
    Layout.VNET: ("flowrecords", "flows"),
}
RULES: Final[dict[Layout, Path]] = {
    Layout.NSG: (*FLOWS[Layout.NSG], EACH),
    Layout.VNET: (*FLOWS[Layout.VNET], EACH, "flowgroups", EACH),
}
TUPLES: Final[dict[Layout, Path]] = {
    Layout.NSG: (*RULES[Layout.NSG], "flows", EACH, "flowtuples"),
    Layout.VNET: (*RULES[Layout.VNET], "flowtuples"),
}


def _everywhere(paths: dict[Layout, Path], *more: str) -> dict[Path, Layout]:
    return {(*base, *path, *more): layout for base in BASES for layout, path in paths.items()}


HOLDERS: Final[dict[Path, str]] = {
    (*base, *path): child
    for base in BASES
    for path, child in (
        (RULES[Layout.NSG], "flows"),
        (TUPLES[Layout.NSG][:-1], "flowtuples"),
        ((*FLOWS[Layout.VNET], EACH), "flowgroups"),
        (TUPLES[Layout.VNET][:-1], "flowtuples"),
    )
}
"""Objects that cannot do without a list: where it is missing or called otherwise, flows would be lost."""
HELD: Final = frozenset((*where, child) for where, child in HOLDERS.items())
FLOWS_AT: Final = _everywhere(FLOWS)
RULE_AT: Final = _everywhere(RULES)
RULE_NAME_AT: Final = _everywhere(RULES, "rule")
TUPLES_AT: Final = _everywhere(TUPLES)
RESOURCE_AT: Final = _everywhere({Layout.NSG: ("resourceid",), Layout.VNET: ("targetresourceid",)})
VERSION_AT: Final = _everywhere({Layout.NSG: ("properties", "version"), Layout.VNET: ("flowlogversion",)})
LISTED: Final = frozenset(BASES[:2])
WRAPPERS: Final = frozenset({("records",), ()})
