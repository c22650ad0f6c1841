"""The JSON Schema of `policies.yaml`, for editors: `docs/policies.schema.json`, written by `make docs`.

It is made from the models that the app parses the file with, so that the two cannot disagree on a key, and
from the discovered policies: each is offered by its id with its title, its parameters, their defaults and
what they mean. A parameter's type is that of its default or its example.

The schema helps while writing. What it cannot know (a range, a zone, whether a section is there twice), the
app checks and tells with the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from shared.config.policies_file import PoliciesFile
from shared.model import Json
from shared.policies import discover
from shared.posture.policy import AnyPolicy, Parameter

_DRAFT: Final = "http://json-schema.org/draft-07/schema#"
"""What the language server of the common editors knows best."""
_BY_POLICY: Final = {"$ref": "#/$defs/Policies"}


def policies_schema(policies: Sequence[AnyPolicy] | None = None) -> dict[str, Json]:
    """The schema for these policies; for the discovered ones unless they are given."""
    known = discover() if policies is None else policies
    schema: dict[str, Any] = _without_titles(PoliciesFile.model_json_schema())
    parts = schema["$defs"]
    section = parts.pop("PolicySection")
    parts["Policies"] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {policy.id: _policy(policy, section) for policy in known},
    }
    for holder in (schema, parts["ScopeSection"]):
        described = holder["properties"]["policies"]
        holder["properties"]["policies"] = {"description": described["description"], **_BY_POLICY}
    parts["ExemptionSection"]["properties"]["policy"]["enum"] = [policy.id for policy in known]
    return {"$schema": _DRAFT, "title": "Driftward's policies.yaml", **schema}


def _without_titles(part: Any) -> Any:
    """pydantic makes a title of every name, which an editor would show in place of the description."""
    if isinstance(part, dict):
        kept = (
            (name, inner) for name, inner in part.items() if name != "title" or not isinstance(inner, str)
        )
        return {name: _without_titles(inner) for name, inner in kept}
    return [_without_titles(inner) for inner in part] if isinstance(part, list) else part


def _policy(policy: AnyPolicy, section: dict[str, Json]) -> dict[str, Json]:
    """What may be said of one policy."""
    named = " It is off unless a section names it with an effect." if policy.opt_in else ""
    parameters = {
        "type": "object",
        "additionalProperties": False,
        "properties": {parameter.name: _parameter(parameter) for parameter in policy.parameters},
    }
    return {
        **section,
        "description": f"{policy.title}. {policy.severity}, {policy.safety}.{named}",
        "properties": {**section["properties"], "parameters": parameters},
    }


def _parameter(parameter: Parameter) -> dict[str, Json]:
    shown = parameter.default if parameter.example is None else parameter.example
    kind = _kind(shown)
    if parameter.default is None and "type" in kind:
        kind["type"] = [kind["type"], "null"]
    examples = {} if parameter.example is None else {"examples": [parameter.example]}
    return {"description": parameter.description, "default": parameter.default, **kind, **examples}


def _kind(shown: Json) -> dict[str, Json]:
    """The type of a value; that of a list's items where they are of one."""
    match shown:
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case float():
            return {"type": "number"}
        case str():
            return {"type": "string"}
        case list() | tuple():
            kinds = [_kind(item) for item in shown]
            alike = bool(kinds) and all(kind == kinds[0] for kind in kinds)
            return {"type": "array", **({"items": kinds[0]} if alike else {})}
        case dict():
            return {"type": "object"}
        case _:
            return {}
