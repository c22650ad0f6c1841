"""Is a resource what Azure's types say: known names, required ones there, allowed texts?

``types.json`` is an extract of Azure's own types at the versions that `infra/` names; ``extract`` renews
it. A required property is marked by an asterisk, one that only Azure writes is not in it at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from local.dev.bicep.deploying import Made

EXTRACT: Final = Path(__file__).with_name("types.json")
_KINDS: Final[Mapping[str, type]] = {"string": str, "int": int, "bool": bool}


@cache
def types() -> Mapping[str, Any]:
    """The extract's resources, by `type@version`."""
    held: Mapping[str, Any] = json.loads(EXTRACT.read_text(encoding="utf-8"))["resources"]
    return held


def faults(made: Made) -> list[str]:
    """What is wrong with a resource as it is sent, each with its path; begins with file and line."""
    name = f"{made.type}@{made.version}"
    if name not in types():
        return [f"{made.source}: {name} is not in types.json: python -m local.dev.bicep.extract"]
    shapes = types()[name]
    held = {"name": made.id.rpartition("/")[2], **made.body}
    found = _Checker(shapes["objects"]).of(held, shapes["body"], "")
    return [f"{made.source}: {name}{fault}" for fault in found]


class _Checker:
    """Compares with the shapes of one resource."""

    def __init__(self, objects: Mapping[str, Any]) -> None:
        self._objects = objects

    def of(self, held: Any, shape: Any, path: str) -> Iterator[str]:
        if shape == "any":
            return
        if isinstance(shape, str):
            yield from _of_kind(held, shape, path)
        elif "object" in shape:
            yield from self._of_object(held, self._objects[shape["object"]], path)
        elif "array" in shape:
            yield from self._of_array(held, shape["array"], path)
        else:
            yield from _of_text(held, shape, path)

    def _of_array(self, held: Any, shape: Any, path: str) -> Iterator[str]:
        if not isinstance(held, list):
            yield f"{path}: {held!r} is no array"
            return
        for number, one in enumerate(held):
            yield from self.of(one, shape, f"{path}[{number}]")

    def _of_object(self, held: Any, shape: Mapping[str, Any], path: str) -> Iterator[str]:
        if not isinstance(held, Mapping):
            yield f"{path}: {held!r} is no {shape['name']}"
            return
        known, more = self._known(held, shape), self._more(held, shape)
        for name in held:
            if name in known:
                yield from self.of(held[name], known[name][0], f"{path}.{name}")
            elif more is not None:
                yield from self.of(held[name], more, f"{path}.{name}")
            else:
                yield f"{path}.{name}: {shape['name']} has no such property that can be written"
        for name, (_, is_required) in known.items():
            if is_required and name not in held:
                yield f"{path}.{name}: is required in {shape['name']}"

    def _known(self, held: Mapping[str, Any], shape: Mapping[str, Any]) -> dict[str, tuple[Any, bool]]:
        """Names with their shapes and whether they are required; of a case, where a property chooses one."""
        known = {name.rstrip("*"): (of, name.endswith("*")) for name, of in shape["properties"].items()}
        if "by" not in shape:
            return known
        case = shape["cases"].get(held.get(shape["by"]))
        cases = {shape["by"]: ({"texts": list(shape["cases"])}, True)}
        return known | cases | (self._known(held, self._objects[case["object"]]) if case else {})

    def _more(self, held: Mapping[str, Any], shape: Mapping[str, Any]) -> Any:
        case = shape.get("cases", {}).get(held.get(shape.get("by", "")))
        return self._more(held, self._objects[case["object"]]) if case else shape.get("more")


def _of_kind(held: Any, kind: str, path: str) -> Iterator[str]:
    if not isinstance(held, _KINDS[kind]) or isinstance(held, bool) is not (kind == "bool"):
        yield f"{path}: {held!r} is no {kind}"


def _of_text(held: Any, shape: Mapping[str, Any], path: str) -> Iterator[str]:
    if not isinstance(held, str):
        yield f"{path}: {held!r} is no string"
    elif "texts" in shape and held not in shape["texts"]:
        yield f"{path}: {held!r} is none of {', '.join(shape['texts'])}"
    elif not shape.get("minLength", 0) <= len(held) <= shape.get("maxLength", len(held)):
        yield f"{path}: {held!r} is too short or too long"
    elif "pattern" in shape and not re.search(shape["pattern"], held):
        yield f"{path}: {held!r} does not match {shape['pattern']}"
