"""Files that import each other, by whatever way.

An import inside a function, or for type checking alone, counts like any other: who changes one of two such
files must know the other. Import-linter's contracts see packages; this sees every file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp


def told_cycles(root: Path, packages: Sequence[str]) -> Iterator[str]:
    """A line for each cycle, which begins with file and line of an import that closes it.

    Python finds the packages by name, and their files lie below ``root``.
    """
    first, *others = packages
    graph = grimp.build_graph(first, *others, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    for cycle in cycles_of(imports):
        details = graph.get_import_details(importer=cycle[0], imported=cycle[1])
        place = f"{_file(cycle[0], root)}:{details[0]['line_number']}"
        yield f"{place}: imports in a circle: {' > '.join(cycle)}"


def cycles_of(imports: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Cycles, each from a module back to itself, until leaving out one import of each leaves none."""
    left = {module: set(imported) for module, imported in imports.items()}
    while (cycle := _some_cycle(left)) is not None:
        yield cycle
        left[cycle[0]].discard(cycle[1])


def _some_cycle(imports: Mapping[str, set[str]]) -> list[str] | None:
    """A cycle, beginning with the first of its modules in the alphabet."""
    ordered = {module: sorted(imports[module]) for module in sorted(imports)}
    try:
        TopologicalSorter(ordered).prepare()
    except CycleError as error:
        around = error.args[1][:0:-1]  # from what is imported to who imports it, one of them at both ends
        at = around.index(min(around))
        return [*around[at:], *around[: at + 1]]
    return None


def _file(module: str, root: Path) -> str:
    """The file of a module below ``root``; a package's is its ``__init__.py``."""
    stem = module.replace(".", "/")
    return f"{stem}.py" if (root / f"{stem}.py").exists() else f"{stem}/__init__.py"
