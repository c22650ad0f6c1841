"""Measures the house, and says where it is not as it should be: `python -m local.dev.house`.

What a newcomer meets: how long modules and functions are, how much of a policy's file is policy, how many
floors `shared/` has, whether two files import each other. Every figure is printed with its limit; what goes
beyond one is told on stderr, by file and line. Exit codes: 0 every limit is kept, 1 one is not.

Who may import what is import-linter's to say, form is ruff's. What must not live here: a limit for one file
alone, and exceptions from a limit.
"""

from __future__ import annotations

import ast
import math
import re
import statistics
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, TypeAlias

from local.dev.cycles import told_cycles
from local.dev.environments import ROOT

PRODUCT: Final = ("shared", "functions", "driftward")
"""What people run. The rest of a laptop's tools is held to cycles only."""
MOST_LINES: Final = 400
MANY_LINES: Final = 300
MOST_LONG_MODULES: Final = 5
"""So many modules may have more than ``MANY_LINES``."""
MOST_LAYERS: Final = 9
MEDIAN_FUNCTION: Final = 4
NINE_IN_TEN_FUNCTIONS: Final = 12
MEDIAN_POLICY: Final = 90
MOST_METADATA: Final = 40
"""In percent of a policy's file."""

_POLICIES: Final = "shared/policies"
_CLOSING: Final = re.compile(r"[)\]}]+[,:]?")
_NAMED: Final = 10
"""So many files are named where a median is missed."""
_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured. ``problems`` begin with a file and a line; none where the limit is kept."""

    name: str
    found: str
    limit: str
    problems: Sequence[str] = ()
    listed: Sequence[str] = ()
    """What the figure counts, where few things are counted."""


@dataclass(frozen=True, kw_only=True)
class Module:
    """A Python file. ``path`` is below the root, with forward slashes."""

    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)


def main(root: Path = ROOT) -> int:
    """Print every figure, and what goes beyond a limit; the exit code."""
    figures = [*measure(root)]
    for figure in figures:
        print(f"{figure.name:<42} {figure.found:>6}   {figure.limit}")
        for line in figure.listed:
            print(f"    {line}")
    problems = [problem for figure in figures for problem in figure.problems]
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return 1 if problems else 0


def measure(root: Path) -> Iterator[Figure]:
    """The figures of the project in ``root``, whose packages can be imported by name."""
    modules = [*modules_of(root, PRODUCT)]
    policies = [module for module in modules if is_policy(module)]
    yield longest_module(modules)
    yield long_modules(modules)
    yield from function_lengths(modules)
    yield policy_length(policies)
    yield policy_metadata(policies)
    yield layers((root / "pyproject.toml").read_text(encoding="utf-8"))
    yield import_cycles(root, (*PRODUCT, "local"))


def modules_of(root: Path, packages: Sequence[str]) -> Iterator[Module]:
    """The modules of ``packages``, by path."""
    for package in packages:
        for file in sorted((root / package).rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            yield Module(path=file.relative_to(root).as_posix(), text=text)


# --- modules ---------------------------------------------------------------------------------------


def longest_module(modules: Sequence[Module]) -> Figure:
    """No module is so long that nobody reads it to the end."""
    beyond = (module for module in modules if len(module.lines) > MOST_LINES)
    return Figure(
        name="lines of the longest module",
        found=str(max((len(module.lines) for module in modules), default=0)),
        limit=f"at most {MOST_LINES}",
        problems=[f"{m.path}:{MOST_LINES + 1}: a module of {len(m.lines)} lines" for m in beyond],
    )


def long_modules(modules: Sequence[Module]) -> Figure:
    """Few modules are long; they are listed."""
    found = sorted((m for m in modules if len(m.lines) > MANY_LINES), key=lambda m: -len(m.lines))
    too_many = len(found) > MOST_LONG_MODULES
    said = f"one of {len(found)} modules over {MANY_LINES} lines"
    return Figure(
        name=f"modules over {MANY_LINES} lines",
        found=str(len(found)),
        limit=f"at most {MOST_LONG_MODULES}",
        problems=[f"{m.path}:{MANY_LINES + 1}: {said} ({len(m.lines)})" for m in found if too_many],
        listed=[f"{m.path} {len(m.lines)}" for m in found],
    )


# --- functions -------------------------------------------------------------------------------------


def function_lengths(modules: Sequence[Module]) -> Iterator[Figure]:
    """Most functions are read at a glance. Where too many are long, the longest are named."""
    lengths = {(m.path, f.lineno, f.name): function_length(f, m) for m in modules for f in functions_of(m)}
    ordered = sorted(lengths.values())
    median = statistics.median(ordered) if ordered else 0
    # the nearest rank: nine functions in ten are no longer than this
    nine_in_ten = ordered[math.ceil(0.9 * len(ordered)) - 1] if ordered else 0
    longest = sorted(lengths, key=lambda one: -lengths[one])[:_NAMED]
    named = [f"{path}:{line}: {name} has {lengths[path, line, name]} lines" for path, line, name in longest]
    yield Figure(
        name="lines of a function, median",
        found=f"{median:g}",
        limit=f"at most {MEDIAN_FUNCTION}",
        problems=named if median > MEDIAN_FUNCTION else (),
    )
    yield Figure(
        name="lines of a function, nine in ten",
        found=str(nine_in_ten),
        limit=f"at most {NINE_IN_TEN_FUNCTIONS}",
        problems=named if nine_in_ten > NINE_IN_TEN_FUNCTIONS else (),
    )


def functions_of(module: Module) -> Iterator[_Function]:
    """Every function and method, those inside others too."""
    return (node for node in ast.walk(module.tree) if isinstance(node, _Function))


def function_length(function: _Function, module: Module) -> int:
    """The lines of the body that say something.

    No docstring, no comment, no blank line, and no line of closing brackets alone, which the formatter adds.
    """
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    if not body:
        return 0
    first = min(line for line in (body[0].lineno, *_decorated(body[0])))
    stripped = (line.strip() for line in module.lines[first - 1 : function.end_lineno])
    return sum(1 for line in stripped if line and not line.startswith("#") and not _CLOSING.fullmatch(line))


def _decorated(node: ast.stmt) -> list[int]:
    """The lines of a definition's decorators, which stand above its own."""
    decorators = node.decorator_list if isinstance(node, _Function | ast.ClassDef) else []
    return [decorator.lineno for decorator in decorators]


# --- policies --------------------------------------------------------------------------------------


def is_policy(module: Module) -> bool:
    """Whether the module lies in the catalogue and exports ``POLICY``."""
    return module.path.startswith(f"{_POLICIES}/") and "POLICY" in _assigned(module)


def policy_length(policies: Sequence[Module]) -> Figure:
    """A policy is short, its docstring included. Where most are not, the longest are named."""
    median = statistics.median(len(policy.lines) for policy in policies) if policies else 0
    longest = sorted(policies, key=lambda policy: -len(policy.lines))[:_NAMED]
    named = [f"{p.path}:{MEDIAN_POLICY + 1}: a policy of {len(p.lines)} lines" for p in longest]
    return Figure(
        name="lines of a policy, median",
        found=f"{median:g}",
        limit=f"at most {MEDIAN_POLICY}, {len(policies)} policies",
        problems=named if median > MEDIAN_POLICY else (),
    )


def policy_metadata(policies: Sequence[Module]) -> Figure:
    """A policy's file is mostly policy. Where most are not, those with the largest share are named."""
    shares = {policy.path: metadata_share(policy) for policy in policies}
    median = statistics.median(shares.values()) if shares else 0
    worst = sorted(policies, key=lambda policy: -shares[policy.path])[:_NAMED]
    named = [f"{p.path}:{_policy_line(p)}: {shares[p.path]:.0f} % imports and metadata" for p in worst]
    return Figure(
        name="imports and metadata of a policy, median",
        found=f"{median:.0f} %",
        limit=f"under {MOST_METADATA} % of its lines",
        problems=named if median >= MOST_METADATA else (),
    )


def metadata_share(policy: Module) -> float:
    """In percent of the file's lines: imports, ``POLICY``, and constants that serve ``POLICY`` alone."""
    imports = [node for node in policy.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return 100 * sum(map(_span, [*imports, *_metadata(policy)])) / len(policy.lines)


def _metadata(policy: Module) -> list[ast.stmt]:
    """``POLICY`` and the constants that it uses, directly or not, and that no function does."""
    assigned = _assigned(policy)
    logic = [node for node in policy.tree.body if isinstance(node, _Function | ast.ClassDef)]
    used = {name for node in logic for name in _names(node)}
    found = [assigned["POLICY"]]
    for node in found:  # grows while it is walked
        own = (assigned[name] for name in _names(node) if name in assigned and name not in used)
        found += [one for one in dict.fromkeys(own) if one not in found]
    return found


def _policy_line(policy: Module) -> int:
    return _assigned(policy)["POLICY"].lineno


def _assigned(module: Module) -> Mapping[str, ast.stmt]:
    """The module's constants by their names."""
    found: dict[str, ast.stmt] = {}
    for node in module.tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update({target.id: node for target in targets if isinstance(target, ast.Name)})
    return found


def _names(node: ast.AST) -> Iterator[str]:
    """The names that are read somewhere in ``node``, each as often as it is."""
    return (
        inner.id
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load)
    )


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


# --- the floors of shared --------------------------------------------------------------------------


def layers(pyproject: str) -> Figure:
    """The floors of ``shared/``, as the contract of import-linter has them."""
    contracts = tomllib.loads(pyproject)["tool"]["importlinter"]["contracts"]
    stacked = [one for one in contracts if one["type"] == "layers" and one.get("containers") == ["shared"]]
    found = [len(contract["layers"]) for contract in stacked]
    line = _line_of(stacked[0]["name"], pyproject) if stacked else 1
    told = f"{found[0]} layers" if found else "no contract has the layers of shared"
    return Figure(
        name="layers of shared",
        found=str(found[0]) if found else "none",
        limit=f"at most {MOST_LAYERS}",
        problems=() if found and found[0] <= MOST_LAYERS else [f"pyproject.toml:{line}: {told}"],
    )


def _line_of(text: str, within: str) -> int:
    return next(n for n, line in enumerate(within.splitlines(), start=1) if text in line)


# --- cycles ----------------------------------------------------------------------------------------


def import_cycles(root: Path, packages: Sequence[str]) -> Figure:
    """No two files import each other, by whatever way. Python finds ``packages`` by name."""
    told = [*told_cycles(root, packages)]
    return Figure(name="import cycles between files", found=str(len(told)), limit="none", problems=told)


if __name__ == "__main__":
    sys.exit(main())
