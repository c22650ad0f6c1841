"""What an argument refers to where its value is not known yet: whose id or name it will be.

An expression of the configuration lists its ``references``, the longest first: ``azurerm_subnet.db["a"].id``,
``azurerm_subnet.db["a"]``, ``azurerm_subnet.db`` (Terraform, JSON output format, expression representation).
They are followed through the variables and outputs of modules, and ``each.value`` through ``for_each``.
Locals are not in a plan: what goes through one is not known. Nor is what several resources may be meant by.
Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from driftward.scanning.documents.terraform.plan import (
    Plan,
    Resource,
    configured,
    configured_call,
    configured_module,
    index_of,
    parent_of,
)
from driftward.scanning.documents.terraform.values import is_after_apply
from shared.model import Json
from shared.model.values import value

_INDEX: Final = r'(?:\[(?:"((?:[^"\\]|\\.)*)"|(\d+))\])?'
_RESOURCE: Final = re.compile(rf"([a-z][\w-]*)\.([\w-]+){_INDEX}")
_MODULE: Final = re.compile(rf"module\.([\w-]+){_INDEX}(?:\.([\w-]+))?")
_ELSEWHERE: Final = frozenset(
    {"var", "local", "data", "each", "count", "path", "module", "self", "terraform"}
)
_MOST_STEPS: Final = 20
"""Modules within modules that a reference is followed through."""


class References:
    """Follows references within one plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def is_left_to_azure(self, resource: Resource, name: str) -> bool:
        """Whether a new resource says nothing of an argument, so that Azure's default will hold."""
        said = resource.values.get(name)
        expressions = configured(self._plan, resource).get("expressions")
        if not resource.is_new or not isinstance(expressions, Mapping) or name in expressions:
            return False
        return said in (None, []) or is_after_apply(said)

    def meant(
        self, resource: Resource, path: Iterable[str | int], types: Collection[str] | None
    ) -> list[Resource]:
        """The resources of ``types``, or of any, that the argument at ``path`` refers to."""
        around = configured(self._plan, resource)
        asked = _Asked(module=resource.module, around=around, index=resource.index)
        found = self._followed(_references(_step_in(around.get("expressions"), path)), asked)
        return list({one.address: one for one in found if types is None or one.type in types}.values())

    def one_meant(
        self, resource: Resource, path: Iterable[str | int], types: Collection[str]
    ) -> Resource | None:
        found = self.meant(resource, path, types)
        return found[0] if len(found) == 1 else None

    def _followed(self, references: list[str], asked: _Asked) -> Iterator[Resource]:
        if asked.steps > _MOST_STEPS:
            return
        if _is_keyed(references):
            asked = replace(asked, key=asked.index)
        for reference in _longest(references):
            head = reference.partition(".")[0]
            if head == "var":
                yield from self._variable(reference, asked)
            elif head == "module":
                yield from self._output(reference, asked)
            elif reference.startswith("each.value"):
                yield from self._each(asked)
            elif head not in _ELSEWHERE:
                yield from self._resources(reference, asked)

    def _variable(self, reference: str, asked: _Asked) -> Iterator[Resource]:
        """What a module was called with; ``each`` and ``count`` there are the call's."""
        if not asked.module:
            return
        call = configured_call(self._plan, asked.module)
        given = _step_in(call.get("expressions"), [re.split(r"[.\[]", reference)[1]])
        index = index_of(asked.module)
        outside = replace(asked.deeper(parent_of(asked.module)), around=call, index=index)
        yield from self._followed(_references(given), outside)

    def _output(self, reference: str, asked: _Asked) -> Iterator[Resource]:
        match = _MODULE.match(reference)
        if match is None or match[4] is None:
            return
        base = f"{asked.module}.module.{match[1]}" if asked.module else f"module.{match[1]}"
        for instance in self._instances(base, _index(match[2], match[3])):
            outputs = configured_module(self._plan, instance).get("outputs")
            given = _step_in(outputs, [match[4], "expression"])
            yield from self._followed(_references(given), replace(asked.deeper(instance), around={}))

    def _instances(self, base: str, index: str | int | None) -> list[str]:
        """The addresses of a module's instances; of the one with an index where one is named."""
        modules = dict.fromkeys(one.module for one in self._plan.resources)
        wanted = base if index is None else f"{base}[{_written(index)}]"
        return [one for one in modules if one == wanted or (index is None and _is_instance(one, base))]

    def _each(self, asked: _Asked) -> Iterator[Resource]:
        """The value of ``for_each`` with the same key, where that goes over resources."""
        expression = asked.around.get("for_each_expression")
        yield from self._followed(_references(expression), asked.deeper(asked.module))

    def _resources(self, reference: str, asked: _Asked) -> Iterator[Resource]:
        """Of several instances the one with the key; without one, which is meant nobody can say."""
        match = _RESOURCE.match(reference)
        if match is None:
            return
        found = [
            one
            for one in self._plan.resources
            if (one.module, one.type, one.name) == (asked.module, match[1], match[2])
        ]
        index = _index(match[3], match[4])
        wanted = asked.key if index is None and len(found) > 1 else index
        yield from [one for one in found if wanted is None or one.index == wanted]


@value
class _Asked:
    """Who asks what is meant. ``around`` is the block whose ``each`` and ``count`` an expression has, and
    ``index`` what they are; ``key`` is the index by which something was picked."""

    module: str
    around: Mapping[str, Json]
    index: str | int | None
    key: str | int | None = None
    steps: int = 0

    def deeper(self, module: str) -> _Asked:
        return replace(self, module=module, steps=self.steps + 1)


def _is_keyed(references: Iterable[str]) -> bool:
    """Whether an expression picks by ``each`` or ``count``: else ``a[*].id`` is any of them."""
    return any(one.startswith(("each.", "count.")) for one in references)


def _index(key: str | None, number: str | None) -> str | int | None:
    if number is not None:
        return int(number)
    return None if key is None else re.sub(r"\\(.)", r"\1", key)


def _written(index: str | int) -> str:
    return str(index) if isinstance(index, int) else '"' + index.replace('"', '\\"') + '"'


def _is_instance(module: str, base: str) -> bool:
    return module.startswith(f"{base}[") and ".module." not in module[len(base) :]


def _step_in(found: Json, path: Iterable[str | int]) -> Json:
    for step in path:
        if isinstance(step, int):
            found = found[step] if isinstance(found, list) and step < len(found) else None
        else:
            found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _references(expression: Json) -> list[str]:
    found = expression.get("references") if isinstance(expression, Mapping) else None
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _longest(references: Iterable[str]) -> list[str]:
    """Without those that only begin another one."""
    found = list(dict.fromkeys(references))
    return [one for one in found if not any(_begins(one, other) for other in found)]


def _begins(one: str, other: str) -> bool:
    return len(other) > len(one) and other.startswith((f"{one}.", f"{one}["))
