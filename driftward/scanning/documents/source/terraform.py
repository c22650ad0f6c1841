"""From a Terraform address to the file and line that set a value, through modules and variables.

The root of the configuration is the folder below DIR that declares most of what the plan's root does. Modules
of a local path are followed by their ``source``, others by ``.terraform/modules/modules.json`` where
`terraform init` wrote it; one that cannot be read stands for its call. Source: Terraform, modules and
variables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from driftward.scanning.documents.source.hcl import Module, module_in
from driftward.scanning.documents.source.lines import Block, Setting, files_in
from driftward.scanning.documents.terraform.plan import calls_in
from shared.model.values import value

_LAST: Final = re.compile(r"(?:^|\.)([a-z][\w-]*)\.([\w-]+)(?:\[[^\]]*\])?$")
_NAME: Final = re.compile(r"^(var|local)\.([\w-]+)$")
_MOST_STEPS: Final = 20


@value
class Place:
    """A resource's block, and the module that it stands in."""

    block: Block
    calls: tuple[str, ...]
    is_call: bool = False
    """Whether the block is a module's call, whose files are not at hand."""


class Configuration:
    """The configuration below a folder."""

    def __init__(self, folder: Path, addresses: Iterable[str]) -> None:
        self._folder = folder.resolve()
        self._read = cache(lambda place: module_in(place, self._folder))
        self._root = self._find_root(list(addresses))

    def place(self, address: str) -> Place | None:
        """Where the resource of an address is declared."""
        module, _, last = _split(address)
        calls = calls_in(module)
        folder = self._root
        for number, call in enumerate(calls):
            if folder is None:
                return None
            inner = self._module_folder(folder, calls[: number + 1])
            if inner is None:
                block = self._read(folder).calls.get(call)
                return None if block is None else Place(block=block, calls=calls[:number], is_call=True)
            folder = inner
        block = None if folder is None else self._read(folder).resources.get(last)
        return None if block is None else Place(block=block, calls=calls)

    def origin(self, place: Place, path: tuple[str, ...]) -> Setting | None:
        """What set the argument at a path; of a variable or a local, whatever gave it its value."""
        found = place.block.settings.get(path)
        return None if found is None else self._given(found, place.calls, 0)

    # --- values

    def _given(self, setting: Setting, calls: tuple[str, ...], steps: int) -> Setting:
        match = _NAME.match(setting.text)
        module = self._module(calls)
        if match is None or module is None or steps > _MOST_STEPS:
            return setting
        if match[1] == "local":
            found = module.locals.get(match[2])
            return setting if found is None else self._given(found, calls, steps + 1)
        return self._variable(match[2], module, calls, steps) or setting

    def _variable(self, name: str, module: Module, calls: tuple[str, ...], steps: int) -> Setting | None:
        outer = self._module(calls[:-1]) if calls else None
        if outer is not None and calls[-1] in outer.calls:
            given = outer.calls[calls[-1]].settings.get((name,))
            if given is not None:
                return self._given(given, calls[:-1], steps + 1)
        if not calls and name in module.given:
            return module.given[name]
        declared = module.variables.get(name)
        return None if declared is None else declared.settings.get(("default",))

    def _module(self, calls: tuple[str, ...]) -> Module | None:
        folder = self._root
        for number in range(len(calls)):
            folder = None if folder is None else self._module_folder(folder, calls[: number + 1])
        return None if folder is None else self._read(folder)

    # --- folders

    def _find_root(self, addresses: list[str]) -> Path | None:
        wanted = {_outermost(one) for one in addresses}
        folders = sorted({path.parent for path in files_in(self._folder, "*.tf")})
        scores = {one: len(wanted & set(_declared(self._read(one)))) for one in folders}
        most = max(scores.values(), default=0)
        best = [one for one, score in scores.items() if score == most and most]
        return best[0] if len(best) == 1 else None

    def _module_folder(self, folder: Path, calls: tuple[str, ...]) -> Path | None:
        """The folder of a module; None for one whose files are not below DIR."""
        block = self._read(folder).calls.get(calls[-1])
        source = "" if block is None else block.text("source")
        found = folder / source if source.startswith((".", "/")) else self._installed(calls)
        place = None if found is None else found.resolve()
        return place if place is not None and place.is_dir() and place.is_relative_to(self._folder) else None

    def _installed(self, calls: tuple[str, ...]) -> Path | None:
        if self._root is None:
            return None
        try:
            listed = json.loads((self._root / ".terraform/modules/modules.json").read_text("utf-8"))
            dirs = {str(one["Key"]): str(one["Dir"]) for one in listed["Modules"]}
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return self._root / dirs[".".join(calls)] if ".".join(calls) in dirs else None


def _split(address: str) -> tuple[str, str, tuple[str, str]]:
    """The module's part of an address, the whole, and the type and the name of the resource."""
    match = _LAST.search(address)
    if match is None:
        return "", address, ("", "")
    return address[: match.start()], address, (match[1], match[2])


def _outermost(address: str) -> tuple[str, ...]:
    module, _, last = _split(address)
    calls = calls_in(module)
    return ("module", calls[0]) if calls else last


def _declared(module: Module) -> Iterator[tuple[str, ...]]:
    yield from module.resources
    for name in module.calls:
        yield ("module", name)
