"""What Azure Monitor counts of a system topic: the events that it delivered, by minute.

Nothing is delivered through the simulator's event subscriptions; every write counts as delivered at once, to
each that stands. Shapes: the REST reference, Metrics - List, 2023-10-01. What must not live here: any other
metric than ours asks for.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime

from local.simulator.shapes import parent_of
from local.simulator.values import ArmRequest, JsonObject, JsonValue, bad_request
from local.simulator.world import World

METRICS = "Microsoft.Insights/metrics"
_DELIVERED = "DeliverySuccessCount"
_NAMED = re.compile(r"EventSubscriptionName eq '([^']+)'")


def answer(world: World, request: ArmRequest) -> JsonValue:
    """Raises 400 for what is counted nowhere here, and 404 for a topic that is not there."""
    topic = parent_of(world, request.address)
    first, last = _timespan(request.query.get("timespan", ""))
    named = _NAMED.fullmatch(request.query.get("$filter", ""))
    if request.query.get("metricnames") != _DELIVERED or named is None:
        raise bad_request("BadRequest", f"Failed to find metric configuration for: {request.query}")
    stands = world.store.get(f"{topic.id}/eventSubscriptions/{named[1]}") is not None
    minutes = world.activity.minutes(request.address.subscription, first, last) if stands else Counter[str]()
    points: list[JsonValue] = [{"timeStamp": one, "total": float(minutes[one])} for one in sorted(minutes)]
    series: JsonObject = {"metadatavalues": [], "data": [*points, {"timeStamp": _minute(last)}]}
    name: JsonObject = {"value": _DELIVERED, "localizedValue": "Delivered Events"}
    return {
        "timespan": f"{_minute(first)}/{_minute(last)}",
        "value": [{"name": name, "timeseries": [series]}],
    }


def _timespan(text: str) -> tuple[datetime, datetime]:
    first, slash, last = text.partition("/")
    try:
        return datetime.fromisoformat(first), datetime.fromisoformat(last)
    except ValueError:
        raise bad_request("BadRequest", f"Invalid time span {text!r}{slash}") from None


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:00Z}"
