"""Events of both schemas, as whoever knows the webhook's key may send them."""

from __future__ import annotations

from random import Random
from typing import Any

from azure.functions import meta
from azure.functions.eventgrid import EventGridEventInConverter

from functions.resource_events import take_apart
from shared.controller.arrivals import receive_event, receive_message
from tests.builders import GROUP, NSG, SERVER, SUBNET
from tests.fakes import START
from tests.fuzz.junk import Junk, encoded
from tests.fuzz.world import Kept, at_ease

_SUBJECTS = (
    *(
        str(SERVER),
        f"{SERVER}/firewallRules/office",
        str(SERVER).upper(),
        str(SUBNET),
        str(NSG),
        f"{NSG}/securityRules/x",
    ),
    *(
        GROUP,
        f"{GROUP}/providers/Microsoft.Network/routeTables/r",
        f"{GROUP}/providers/Microsoft.Network/privateEndpoints/e",
    ),
    *(
        f"{GROUP}/providers/Microsoft.Network/privateDnsZones/z/virtualNetworkLinks/l",
        f"{GROUP}/providers/a/b",
    ),
    *(
        f"{SERVER}/providers/Microsoft.Authorization/locks/l",
        f"{SERVER}/providers/Microsoft.Insights/diagnosticSettings/d",
    ),
)
_OPERATIONS = (
    *(
        "Microsoft.DBforPostgreSQL/flexibleServers/write",
        "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/delete",
    ),
    *(
        "Microsoft.Network/networkSecurityGroups/securityRules/write",
        "Microsoft.Network/virtualNetworks/subnets/write",
    ),
    *(
        "Microsoft.Authorization/locks/write",
        "Microsoft.Insights/diagnosticSettings/delete",
        "Microsoft.Resources/tags/write",
    ),
    *("Microsoft.Resources/subscriptions/resourceGroups/delete", "Microsoft.Network/privateEndpoints/write"),
    *(
        "Microsoft.Resources/subscriptions/resourceGroups/moveResources/action",
        "Microsoft.Compute/virtualMachines/write",
    ),
)
_CLAIM = "http://schemas.microsoft.com/identity/claims/objectidentifier"


class Events:
    """Plays events to one world; every look that they ask for is taken."""

    def __init__(self) -> None:
        self.world = at_ease()

    def play(self, random: Random) -> None:
        junk, kept = Junk(random), Kept.of(self.world)
        for _ in range(random.choice((1, 1, 1, 3))):
            self._arrive(_event(junk))
        self._work_off()
        kept.check(self.world)
        kept.check_alerts(self.world)

    def _arrive(self, content: object) -> None:
        try:
            event = _converted(content)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            return  # the library's converter, before any line of ours: the invocation fails, and comes again
        letters = len(list(self.world.blobs.names("deadletters")))
        waiting = len(self.world.queue)
        receive_event(take_apart(event), self.world.deps())
        came_to = self.world.lines[-1]["cameTo"]
        assert came_to in {"asked", "ignored", "outside-scopes", "dead-lettered"}
        assert (came_to == "dead-lettered") == (len(list(self.world.blobs.names("deadletters"))) > letters)
        assert came_to == "asked" or len(self.world.queue) == waiting

    def _work_off(self) -> None:
        self.world.clock.advance(10)
        while (received := self.world.queue.receive()) is not None:
            receive_message(received.body.encode(), self.world.deps())
            self.world.queue.delete(received)


def _converted(content: object) -> Any:
    datum = meta.Datum(encoded(content), "json")
    return EventGridEventInConverter.decode(datum, trigger_metadata={})


def _event(junk: Junk) -> Any:
    random = junk.random
    if random.random() < 0.05:
        return junk.value()
    real = _real(random)
    return junk.mutated(real, random.randrange(4))


def _real(random: Random) -> dict[str, Any]:
    operation = random.choice(_OPERATIONS)
    data = {
        "operationName": operation,
        "correlationId": "c0ffee00-0000-4000-8000-000000000001",
        "status": "Succeeded",
        "claims": {_CLAIM: "6b0f2d54-1d3b-4b57-9a0e-3f2a5f0c1001", "name": "Jane Doe", "appid": "portal"},
        "authorization": {
            "action": operation,
            "evidence": {"principalId": "6b0f2d541d3b4b579a0e3f2a5f0c1001"},
        },
        "resourceUri": random.choice(_SUBJECTS),
    }
    shared = {"id": f"event-{random.randrange(50)}", "subject": random.choice(_SUBJECTS), "data": data}
    verb = random.choice(("WriteSuccess", "WriteFailure", "DeleteSuccess", "ActionSuccess"))
    if random.random() < 0.5:
        named = {
            "type": f"Microsoft.Resources.Resource{verb}",
            "time": START.isoformat(),
            "specversion": "1.0",
        }
        return {**shared, **named, "source": f"/subscriptions/{SERVER.subscription}"}
    named = {
        "eventType": f"Microsoft.Resources.Resource{verb}",
        "eventTime": START.isoformat(),
        "dataVersion": "2",
    }
    return {**shared, **named, "topic": f"/subscriptions/{SERVER.subscription}", "metadataVersion": "1"}
