"""Parameters of PostgreSQL servers as the `configurations` resource: read, write, restart.

Every server has the parameters of its kind and version; what was set or seeded lies over them. A value that
the parameter does not allow is refused; one that needs a restart is shown at once with
`isConfigPendingRestart` until the server restarts. Without a value, or with the source `system-default`, the
default comes back, as the command line's reset does it. What must not live here: the catalogue
(`parameter_defaults.py`).
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from local.simulator.parameter_defaults import accepts, catalogue
from local.simulator.servers import accept_on, is_flexible, refuse_unless_ready
from local.simulator.shapes import parent_of, show
from local.simulator.store import Record
from local.simulator.values import (
    Accepted,
    ArmError,
    ArmRequest,
    JsonObject,
    as_text,
    bad_request,
    fill,
)
from local.simulator.world import World

CHILD = "configurations"
_DEFAULT = "system-default"


def configurations(world: World, request: ArmRequest) -> list[Record]:
    """Every parameter of the addressed server: the catalogue, with what was set or seeded."""
    return _all(world, parent_of(world, request.address))


def _all(world: World, server: Record) -> list[Record]:
    known = _catalogue_of(server)
    stored = {one.name: one for one in world.store.children(server.id, f"{server.type}/{CHILD}")}
    names = [*known, *(name for name in stored if name not in known)]
    return [_shown_over(server, name, known.get(name, {}), stored.get(name)) for name in names]


def configuration(world: World, request: ArmRequest) -> Record:
    """One parameter; raises 404 for a name that this version of the server does not know."""
    server = parent_of(world, request.address)
    for one in _all(world, server):
        if one.name.lower() == request.address.name.lower():
            return one
    version = as_text(server.properties.get("version"))
    raise ArmError(
        HTTPStatus.NOT_FOUND,
        "ConfigurationNotExists",
        f"The configuration '{request.address.name}' does not exist for {server.name} server version "
        f"{version}.",
    )


def _catalogue_of(server: Record) -> dict[str, JsonObject]:
    return catalogue(as_text(server.properties.get("version")), is_flexible(server))


def _shown_over(server: Record, name: str, known: JsonObject, stored: Record | None) -> Record:
    return Record(
        id=f"{server.id}/{CHILD}/{name}",
        type=f"{server.type}/{CHILD}",
        body={"properties": fill(stored.properties if stored else {}, known)},
        etag="",
    )


def write_configuration(world: World, request: ArmRequest) -> Accepted:
    """PUT or PATCH of one parameter; raises 400 for a read-only one and for a value that it does not
    allow.
    """
    server = parent_of(world, request.address)
    refuse_unless_ready(world, server)
    current = configuration(world, request)
    changed = _changed(current, request)
    written = replace(current, body={"properties": current.properties | changed})

    def finish() -> None:
        """Keep what was set; the rest comes from the catalogue of the server's version."""
        if world.store.get(server.id) is not None:
            known = world.store.get(current.id)
            kept = known.properties if known else {}
            world.save(replace(current, body={"properties": kept | changed}))

    accepted = accept_on(world, server, "UpdateServerParametersManagementOperation", finish=finish)
    return replace(accepted, result=lambda: show(written))


def _changed(current: Record, request: ArmRequest) -> JsonObject:
    """The fields that a write sets."""
    reset = "value" not in request.properties or request.properties.get("source") == _DEFAULT
    asked = current.properties.get("defaultValue") if reset else request.properties.get("value")
    value = as_text(asked)
    if current.properties.get("isReadOnly") is True or not accepts(current.properties, value):
        raise bad_request(
            "InvalidParameterValue", f"Invalid value given for parameter {current.name}: '{value}'."
        )
    changed: JsonObject = {"value": value, "source": _DEFAULT if reset else "user-override"}
    waits = current.properties.get("isDynamicConfig") is False
    if waits and value != current.properties.get("value"):
        changed["isConfigPendingRestart"] = True
    return changed
