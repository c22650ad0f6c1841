"""Flow logs in the making: tuples, records and files as Azure writes them, with invented values."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

from driftward.flows.faults import Faults
from driftward.flows.reader import Event
from driftward.flows.stream import read_events
from shared.model import Json

LOGS = Path(__file__).parent / "logs"
START = 1_763_632_800
"""2025-11-20 10:00:00 UTC, in seconds."""
NSG_ID = (
    "/SUBSCRIPTIONS/0A0A0A0A-0000-4000-8000-000000000001/RESOURCEGROUPS/RG-DATA/PROVIDERS/"
    "MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/NSG-POSTGRES"
)


def nsg_tuple(
    destination: str = "52.239.130.228",
    *,
    source: str = "10.1.0.4",
    port: int = 443,
    how: str = "T,O,D",
    second: int = 0,
) -> str:
    """Version 2; ``how`` is protocol, direction and decision."""
    return f"{START + second},{source},{destination},40112,{port},{how},B,,,,"


def vnet_tuple(
    destination: str = "52.239.130.228",
    *,
    source: str = "10.1.0.4",
    port: int = 443,
    how: str = "6,O,D,NX",
    millisecond: int = 0,
) -> str:
    """``how`` is protocol, direction, state and encryption."""
    return f"{START * 1000 + millisecond},{source},{destination},40112,{port},{how},0,0,0,0"


def nsg_record(
    tuples: Sequence[Json], *, rule: str = "UserRule_deny-all", version: Json = 2
) -> dict[str, Json]:
    flows = [{"rule": rule, "flows": [{"mac": "00224871C205", "flowTuples": list(tuples)}]}]
    return {
        "time": "2025-11-20T10:00:35.3899262Z",
        "category": "NetworkSecurityGroupFlowEvent",
        "resourceId": NSG_ID,
        "properties": {"Version": version, "flows": flows},
    }


def vnet_record(tuples: Sequence[Json], *, rule: str = "UserRule_deny-all") -> dict[str, Json]:
    groups = [{"rule": rule, "flowTuples": list(tuples)}]
    return {
        "time": "2025-11-20T10:00:35.3899262Z",
        "flowLogVersion": 4,
        "category": "FlowLogFlowEvent",
        "targetResourceID": "/subscriptions/x/virtualNetworks/vnet-data",
        "flowRecords": {"flows": [{"aclID": "5c1d7f0e", "flowGroups": groups}]},
    }


def log(*records: Json) -> dict[str, Json]:
    return {"records": list(records)}


def encoded(*documents: Json) -> bytes:
    return b"".join(json.dumps(document).encode() for document in documents)


def events_of(text: bytes, *, strict: bool = True, every: bool = False) -> tuple[list[Event], Faults]:
    faults = Faults(strict=strict)
    return list(read_events(io.BytesIO(text), faults, every=every)), faults
