"""What requests may hold, strictly: unknown fields, wrong types and half-meant values are refused.

Every model is flat, so a problem's ``field`` is the name of a field. Queries have a module of their own.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

from shared.alerts.lifecycle import APPROVAL_LASTS
from shared.api.http import LONGEST_BODY, ApiRequest, Refused, invalid, not_found
from shared.model import EnforcementMode, Json
from shared.model.resource_id import InvalidResourceId, ResourceId
from shared.model.scope_exemptions import LONGEST_EXEMPTION
from shared.model.values import camel_case
from shared.policies import find

LONGEST_APPROVAL: Final = timedelta(minutes=240)
MOST_ITEMS: Final = 1000

_LONGEST_ID: Final = 2048
_UNREADABLE: Final = {"json_invalid", "json_type"}

_Model = TypeVar("_Model", bound=BaseModel)

Text = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")]
PersonName = Annotated[Text, Field(min_length=1, max_length=200)]
Claimed = Annotated[
    PersonName | None,
    Field(description="Who, where the platform does not say it; written down as claimed by a function key."),
]
ResourceText = Annotated[str, Field(min_length=1, max_length=_LONGEST_ID)]
PolicyIds = Annotated[list[str], Field(min_length=1, max_length=100)]


def _one_of(*names: str | None) -> WithJsonSchema:
    return WithJsonSchema({"enum": list(names)})


_LISTED: Final = WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]}
)
_PORTS: Final = WithJsonSchema(
    {
        "anyOf": [
            {"type": ["string", "integer"]},
            {"type": "array", "minItems": 1, "items": {"type": ["string", "integer"]}},
        ]
    }
)


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=camel_case)


class RunBody(Body):
    """Exactly one of ``resourceId`` and ``scope``."""

    resource_id: ResourceText | None = Field(
        default=None, description="A server, a subnet, an NSG, a virtual network, or something below one."
    )
    scope: ResourceText | None = Field(default=None, description="A subscription or a resource group.")
    enforcement: EnforcementMode | None = Field(
        default=None, description="The stricter of this and `ENFORCEMENT_MODE` holds."
    )
    policies: PolicyIds | None = Field(default=None, description="Only these policies; absent means all.")
    adopt: bool = Field(default=False, description="Also revert what was never seen compliant.")
    by: Claimed = None


class AcknowledgeBody(Body):
    by: Claimed = None


class ApproveBody(Body):
    expires_in_minutes: int = Field(
        default=APPROVAL_LASTS // timedelta(minutes=1), ge=1, le=LONGEST_APPROVAL // timedelta(minutes=1)
    )
    digest: Annotated[Text, Field(max_length=64)] | None = Field(
        default=None,
        description="`planned.digest` of the alert as it was read; another change is refused.",
    )
    by: Claimed = None


class BreakGlassBody(Body):
    """Whether writes are stopped: of one subscription, or of everything."""

    on: bool
    reason: Annotated[Text, Field(min_length=3, max_length=1000)]
    subscription: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="One of those in `SCOPES`; absent means every write."
    )
    expires_at: AwareDatetime | None = Field(
        default=None, description="When it ends by itself, at most 90 days from now; absent means never."
    )
    by: Claimed = None


class ExemptionBody(Body):
    """From what is exempted, where, why and until when."""

    policy: Annotated[str, Field(min_length=1, max_length=100)] = Field(description="The policy's id.")
    scope: ResourceText = Field(description="A subscription, a resource group or a resource.")
    reason: Annotated[Text, Field(min_length=3, max_length=1000)]
    expires_at: AwareDatetime = Field(
        description=f"When it ends: at most {LONGEST_EXEMPTION.days} days from now, or as many as "
        "`givenExemptions` of policies.yaml says."
    )
    by: Claimed = None


class RevokeBody(Body):
    by: Claimed = None


class RollbackBody(Body):
    reason: Annotated[Text, Field(min_length=3, max_length=1000)]
    expires_at: AwareDatetime = Field(
        description="Until when what is put back is exempt from the policy: at most 90 days from now."
    )
    by: Claimed = None


class ExplainBody(Body):
    """A question about an NSG, as a line of `explain-nsg --batch` asks it.

    Whether the values mean something is judged where questions are read, in one way for all who ask.
    """

    id: str | bool | int | FiniteFloat | None = Field(default=None, description="Comes back as it is.")
    nsg: Annotated[Json, WithJsonSchema({"type": ["string", "object", "array"]})] = Field(
        description="The id of an NSG in Azure, or an NSG as ARM, az, the portal or a template has it."
    )
    name: Annotated[Json, WithJsonSchema({"type": ["string", "null"]})] = Field(
        default=None,
        description="Which NSG, where the document holds several: its name, its id, its symbolic name in a "
        "template, or its position, such as `#2`.",
    )
    parameters: Annotated[Json, WithJsonSchema({"type": ["object", "null"]})] = Field(
        default=None,
        description="Values for a template's parameters: a parameter file, or `{name: value}`.",
    )
    direction: Annotated[Json, _one_of("Inbound", "Outbound")]
    protocol: Annotated[Json, _one_of("Tcp", "Udp", "Icmp", "Esp", "Ah", "*")] = Field(default="Tcp")
    source: Annotated[Json, _LISTED] = Field(
        description="Addresses, prefixes, `a-b` ranges, `*` or a service tag."
    )
    source_ports: Annotated[Json, _PORTS] = Field(default="*")
    destination: Annotated[Json, _LISTED]
    ports: Annotated[Json, _PORTS] = Field(description="`5432`, `6000-6010` or `*`.")
    tags: Annotated[Json, WithJsonSchema({"type": ["object", "null"]})] = Field(
        default=None,
        description="Prefixes of service tags: `{name: [prefixes]}`, or Azure's service tag file. For an NSG "
        "in Azure they are read from Azure when this is absent.",
    )
    open_tags: Annotated[Json, WithJsonSchema({"type": ["boolean", "null"]})] = Field(
        default=None,
        description="Whether a tag without known prefixes may hold any (the answer then says what depends on "
        "it) or is an error. Absent: true for an NSG in Azure, false for one in the request.",
    )
    want: Annotated[Json, _one_of("allow", "deny", None)] = Field(
        default=None, description="What the answer should be; where it is not, a fix is looked for."
    )
    private_endpoint_network_policies: Annotated[
        Json,
        _one_of("Disabled", "Enabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled", None),
    ] = Field(default=None, description="Of the subnet, where the traffic goes to a private endpoint in it.")


def read_body(
    model: type[_Model], request: ApiRequest, *, optional: bool = False, longest: int = LONGEST_BODY
) -> _Model:
    """The request's body. Raises ``Refused``; an empty body is an empty object where it is optional."""
    if len(request.body) > longest:
        raise Refused("too-large", f"the body is longer than {longest} bytes", field="body")
    body = request.body.strip() or (b"{}" if optional else b"")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise refused(error) from None


def refused(error: ValidationError) -> Refused:
    """The first thing that is wrong, without the input itself: it may be long."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] in _UNREADABLE:
        return Refused("malformed-json", first["msg"], field="body")
    field = str(first["loc"][0])[:100] if first["loc"] else "body"
    deeper = "".join(f"[{part}]" for part in first["loc"][1:] if isinstance(part, int))
    return invalid(field, f"{field}{deeper}: {first['msg']}")


def resource_in(text: str, field: str) -> ResourceId:
    """The resource id that a field holds."""
    try:
        return ResourceId(text)
    except InvalidResourceId as error:
        raise invalid(field, str(error)) from None


def known_policy(policy_id: str | None, field: str) -> str | None:
    """The id, when it is one. Raises ``Refused`` for a policy that does not exist."""
    if policy_id is not None and find(policy_id) is None:
        raise invalid(field, f"there is no policy {policy_id[:100]!r}")
    return policy_id


def id_in(request: ApiRequest, what: str) -> str:
    """The id in the route; one that no id of ours looks like names nothing."""
    text = request.parameters.get("id", "")
    if not (0 < len(text) <= 64 and text.isascii() and text.replace("-", "").isalnum()):
        raise not_found(f"{what} with this id")
    return text


def expiry_in(time: datetime, now: datetime, days: int = LONGEST_EXEMPTION.days) -> datetime:
    """When something ends. Raises ``Refused`` unless it lies ahead and not too far."""
    if not now < time <= now + timedelta(days=days):
        raise invalid("expiresAt", f"expiresAt: {time.isoformat()} is not within the next {days} days")
    return time.astimezone(UTC)
