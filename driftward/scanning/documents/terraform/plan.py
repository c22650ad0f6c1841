"""A plan read: every resource that is there once it was applied, and the configuration that it came from.

``planned_values`` and the ``after`` of each change tell what will be; a resource that only the state counts
(one that is forgotten, or was not targeted) stays as ``prior_state`` has it; what is deleted is gone. Source:
Terraform, JSON output format 1.x, which OpenTofu writes too. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from driftward.scanning.documents.terraform.values import filled, items, shown
from shared.model import Json
from shared.model.values import value
from shared.nsg.asking import BadInput

FIELD: Final = "plan"
_MANAGED: Final = "managed"
_LEADS: Final = re.compile(r'module\.([\w-]+)(?:\[(?:"((?:[^"\\]|\\.)*)"|(\d+))\])?')
_Object: TypeAlias = Mapping[str, Json]


@value
class Resource:
    """One instance of a resource. ``module`` is the address of the module's instance, ``""`` for the root."""

    address: str
    module: str
    type: str
    name: str
    index: str | int | None
    values: _Object
    is_new: bool = False

    def text(self, name: str) -> str | None:
        """An argument that is known and is a text."""
        return shown(self.values.get(name))


@value
class Plan:
    resources: tuple[Resource, ...]
    configuration: _Object
    variables: _Object
    gone: tuple[Resource, ...] = ()
    """What is deleted, or made anew, as it was."""
    says: tuple[str, ...] = ()


def is_plan(document: Json) -> bool:
    return isinstance(document, Mapping) and "planned_values" in document and "format_version" in document


def plan_of(document: Json, path: str) -> Plan:
    """Raises ``BadInput`` that names the file."""
    if not isinstance(document, Mapping) or not is_plan(document):
        raise BadInput(f"{path}: no plan as `terraform show -json` writes it", field=FIELD)
    if not isinstance(document.get("resource_changes", []), list):
        raise BadInput(f"{path}: resource_changes is no list", field=FIELD)
    version = str(document["format_version"])
    if version.partition(".")[0] not in {"0", "1"}:
        raise BadInput(f"{path}: format_version {version} is not known", field=FIELD)
    return Plan(
        resources=tuple(_resources(document)),
        configuration=_held(document, "configuration"),
        variables=_held(document, "variables"),
        gone=tuple(_gone(document)),
        says=tuple(_says(document, path)),
    )


def _says(document: _Object, path: str) -> Iterator[str]:
    if document.get("errored") is True:
        yield f"{path}: Terraform could not plan everything (errored): what it left out is not judged"
    if document.get("complete") is False or document.get("deferred_changes"):
        yield f"{path}: the plan is not complete: what it defers or leaves out is not judged"


def _held(document: _Object, name: str) -> _Object:
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


# --- resources -------------------------------------------------------------------------------------


def _resources(document: _Object) -> Iterator[Resource]:
    changes = {str(one.get("address")): one for one in _changes(document)}
    there = {one.address: one for one in _state(_held(_held(document, "prior_state"), "values"))}
    there |= {one.address: one for one in _state(_held(document, "planned_values"))}
    there |= {address: one for address, one in _changed(changes) if one is not None}
    for address, resource in there.items():
        if _actions(changes.get(address)) != ["delete"]:
            yield resource


def _changes(document: _Object) -> Iterator[_Object]:
    """Without what is left over of an instance that was replaced (``deposed``)."""
    for one in items(document.get("resource_changes")):
        if isinstance(one, Mapping) and one.get("mode") == _MANAGED and not one.get("deposed"):
            yield one


def _actions(change: _Object | None) -> list[Json]:
    return [] if change is None else items(_held(change, "change").get("actions"))


def _changed(changes: Mapping[str, _Object]) -> Iterator[tuple[str, Resource | None]]:
    for address, one in changes.items():
        change = _held(one, "change")
        after = change.get("after")
        made = not isinstance(change.get("before"), Mapping) or "create" in _actions(one)
        if isinstance(after, Mapping):
            values = filled(after, change.get("after_unknown"), change.get("after_sensitive"), address)
            yield address, _resource(one, str(one.get("module_address") or ""), values, is_new=made)


def _gone(document: _Object) -> Iterator[Resource]:
    for one in _changes(document):
        before = _held(one, "change").get("before")
        if "delete" in _actions(one) and isinstance(before, Mapping):
            yield _resource(one, str(one.get("module_address") or ""), before, is_new=False)


def _state(values: _Object) -> Iterator[Resource]:
    yield from _module(_held(values, "root_module"))


def _module(module: _Object) -> Iterator[Resource]:
    for one in items(module.get("resources")):
        if isinstance(one, Mapping) and one.get("mode") == _MANAGED:
            address = str(one.get("address"))
            held = filled(_held(one, "values"), None, one.get("sensitive_values"), address)
            yield _resource(one, str(module.get("address") or ""), held, is_new=False)
    for child in items(module.get("child_modules")):
        if isinstance(child, Mapping):
            yield from _module(child)


def _resource(found: _Object, module: str, values: Json, *, is_new: bool) -> Resource:
    index = found.get("index")
    return Resource(
        address=str(found.get("address")),
        module=module,
        type=str(found.get("type")),
        name=str(found.get("name")),
        index=index if isinstance(index, str | int) else None,
        values=values if isinstance(values, Mapping) else {},
        is_new=is_new,
    )


# --- configuration ---------------------------------------------------------------------------------


def calls_in(module: str) -> tuple[str, ...]:
    """The module calls that lead to a module's instance, without their indexes."""
    return tuple(match[1] for match in _LEADS.finditer(module))


def parent_of(module: str) -> str:
    """The address of the module that a module's instance is called in."""
    *_, last = _LEADS.finditer(module)
    return module[: last.start()].rstrip(".")


def index_of(module: str) -> str | int | None:
    """The index of a module's instance."""
    *_, last = _LEADS.finditer(module)
    if last[3] is not None:
        return int(last[3])
    return None if last[2] is None else re.sub(r"\\(.)", r"\1", last[2])


def configured_module(plan: Plan, module: str) -> _Object:
    found = _held(plan.configuration, "root_module")
    for call in calls_in(module):
        found = _held(_held(_held(found, "module_calls"), call), "module")
    return found


def configured_call(plan: Plan, module: str) -> _Object:
    """What a module's instance was called with."""
    calls = _held(configured_module(plan, parent_of(module)), "module_calls")
    return _held(calls, calls_in(module)[-1])


def configured(plan: Plan, resource: Resource) -> _Object:
    """The block of the configuration that a resource came from; {} where there is none any more."""
    wanted = f"{resource.type}.{resource.name}"
    held = items(configured_module(plan, resource.module).get("resources"))
    return next((one for one in held if isinstance(one, Mapping) and one.get("address") == wanted), {})
