"""What Event Grid says about a call to ARM: the event of a subscription topic, in both schemas.

An event names the call (operation, addressed id, who, correlation id) and carries no resource. The shape
follows Azure's article on events of subscriptions: `httpRequest` stands only on updates, deletes and actions;
`subject` keeps the spelling of the addressed id; `dataVersion` is "2". What must not live here: when an event
is raised, and who gets it.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from enum import StrEnum

from local.simulator.values import TENANT, ArmRequest, Caller, JsonObject, utc_text

_CLAIM = "http://schemas.microsoft.com/identity/claims/"
_SOAP_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"


class EventSchema(StrEnum):
    EVENT_GRID = "EventGridSchema"
    CLOUD_EVENTS = "CloudEventSchemaV1_0"


class Verb(StrEnum):
    WRITE = "Write"
    DELETE = "Delete"
    ACTION = "Action"


class Outcome(StrEnum):
    SUCCESS = "Success"
    FAILURE = "Failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class GridEvent:
    """One event, before it is put into a schema. `time` is seconds since the epoch."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    type: str
    topic: str
    subject: str
    time: float
    data: JsonObject

    def to_event_grid(self) -> JsonObject:
        return {
            "id": self.id,
            "topic": self.topic,
            "subject": self.subject,
            "eventType": self.type,
            "eventTime": utc_text(self.time),
            "data": self.data,
            "dataVersion": "2",
            "metadataVersion": "1",
        }

    def to_cloud_event(self) -> JsonObject:
        return {
            "id": self.id,
            "source": self.topic,
            "subject": self.subject,
            "type": self.type,
            "time": utc_text(self.time),
            "data": self.data,
            "specversion": "1.0",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What a call did, as an event tells it. `operation` is `Microsoft.X/y/write`, `…/delete` or
    `…/z/action`.
    """

    verb: Verb
    operation: str
    subject: str
    existed: bool


def event_of(request: ArmRequest, deed: Deed, outcome: Outcome, now: float) -> GridEvent:
    data: JsonObject = {
        "authorization": _authorization(request.caller, deed),
        "claims": claims_of(request.caller),
        "correlationId": request.correlation_id,
        "resourceProvider": deed.operation.split("/", 1)[0],
        "resourceUri": deed.subject,
        "operationName": deed.operation,
        "status": "Succeeded" if outcome is Outcome.SUCCESS else "Failed",
        "subscriptionId": request.address.subscription,
        "tenantId": TENANT,
    }
    if deed.existed or deed.verb is not Verb.WRITE:
        data["httpRequest"] = {
            "clientRequestId": request.headers.get("x-ms-client-request-id") or str(uuid.uuid4()),
            "clientIpAddress": "127.0.0.1",
            "method": request.method,
            "url": f"{request.base_url}{request.address.path}?api-version={request.api_version}",
        }
    return GridEvent(
        type=f"Microsoft.Resources.Resource{deed.verb}{outcome}",
        topic=f"/subscriptions/{request.address.subscription}",
        subject=deed.subject,
        time=now,
        data=data,
    )


def _authorization(caller: Caller, deed: Deed) -> JsonObject:
    return {
        "scope": deed.subject,
        "action": deed.operation,
        "evidence": {
            "role": "Contributor",
            # Without dashes, as Azure's own sample records have it.
            "principalId": caller.object_id.replace("-", ""),
            "principalType": "User" if caller.upn else "ServicePrincipal",
        },
    }


def claims_of(caller: Caller) -> JsonObject:
    claims = {
        "appid": caller.app_id,
        f"{_CLAIM}objectidentifier": caller.object_id,
        f"{_CLAIM}tenantid": TENANT,
        "name": caller.name,
        f"{_SOAP_CLAIM}upn": caller.upn,
    }
    return {name: value for name, value in claims.items() if value}


def validation_request(schema: EventSchema, code: str, topic: str, now: float) -> bytes:
    """The handshake as the Functions extension takes it apart: an array in the Event Grid schema, one object
    whose `data` is itself JSON text in CloudEvents."""
    data: JsonObject = {"validationCode": code}
    if schema is EventSchema.CLOUD_EVENTS:
        return json.dumps(
            {
                "id": str(uuid.uuid4()),
                "source": topic,
                "subject": "",
                "type": "Microsoft.EventGrid.SubscriptionValidationEvent",
                "time": utc_text(now),
                "data": json.dumps(data),
                "specversion": "1.0",
            }
        ).encode()
    event = GridEvent(
        type="Microsoft.EventGrid.SubscriptionValidationEvent", topic=topic, subject="", time=now, data=data
    )
    return json.dumps([event.to_event_grid() | {"dataVersion": "1"}]).encode()
