"""Who may import what, and what nobody may write: the rules of the design that a parser can check.

Import-linter holds the direction of dependencies (contracts in ``pyproject.toml``); it cannot forbid a
part of an external package, nor see an ``except``. Those rules are read from the syntax tree here. Each
check is shown to fail on a small program that breaks it, so that a check that sees nothing is noticed.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = ("function_app.py", "functions", "shared", "driftward", "local")
Check: TypeAlias = Callable[[Path], list[str]]

BROAD = {"Exception", "BaseException"}


def sources(root: Path) -> Iterator[tuple[str, ast.Module]]:
    """Every module of the product below ``root``, by its path with forward slashes."""
    for name in CODE:
        place = root / name
        for file in [place] if place.is_file() else sorted(place.rglob("*.py")):
            yield file.relative_to(root).as_posix(), ast.parse(file.read_bytes(), str(file))


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything imported, wherever in the module; ``from a import b`` is ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def is_of(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


# --- the rules -------------------------------------------------------------------------------------


def misplaced_imports(root: Path) -> list[str]:
    """Azure's functions library, Azure's clients and tenacity where they do not belong."""
    return [
        f"{path}:{line} imports {name}"
        for path, tree in sources(root)
        for line, name in imported(tree)
        if not _may_import(path, name)
    ]


def _may_import(path: str, name: str) -> bool:
    folder = path.split("/", maxsplit=1)[0]
    if is_of(name, "azure.functions"):
        return folder in {"function_app.py", "functions"}
    if is_of(name, "azure"):
        return path.startswith("shared/adapters/") or folder == "local"
    if is_of(name, "tenacity"):
        return path.startswith("shared/adapters/")
    return True


def broad_handlers(root: Path) -> list[str]:
    """Handlers that catch anything, but for a trigger's own, which raises again or answers HTTP."""
    return [
        f"{path}:{handler.lineno} catches everything"
        for path, tree in sources(root)
        for handler in ast.walk(tree)
        if isinstance(handler, ast.ExceptHandler) and _is_broad(handler) and not _may_be_broad(path, handler)
    ]


def _is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(kind, ast.Name) and kind.id in BROAD for kind in caught)


def _may_be_broad(path: str, handler: ast.ExceptHandler) -> bool:
    """An HTTP caller gets problem details, never a stack trace; every other trigger lets the host know."""
    raises_again = isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None
    return path.startswith("functions/") and (raises_again or path == "functions/http_api.py")


def reads_of_the_environment(root: Path) -> list[str]:
    """Uses of ``os.environ`` and its relatives in shared, but for the wiring."""
    return [
        f"{path}:{line} reads the environment"
        for path, tree in sources(root)
        if path.startswith("shared/") and path != "shared/wiring.py"
        for line in _environment_lines(tree)
    ]


_ENVIRONMENT = {"environ", "environb", "getenv", "getenvb"}


def _environment_lines(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "os" and node.attr in _ENVIRONMENT:
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (node.lineno for alias in node.names if alias.name in _ENVIRONMENT)


def eager_imports(root: Path) -> list[str]:
    """Adapters and Azure's clients imported while the app is being loaded (INTERFACES: the import rule)."""
    return [
        f"{path}:{line} imports {name} when the app loads"
        for path, tree in sources(root)
        if not path.startswith(("shared/adapters/", "local/"))
        for line, name in _at_import_time(tree)
        if is_of(name, "shared.adapters") or (is_of(name, "azure") and not is_of(name, "azure.functions"))
    ]


def imports_of_the_facade(root: Path) -> list[str]:
    """Modules of the model that import the page that imports them."""
    return [
        f"{path}:{line} imports {name} from the page that hands the words out"
        for path, tree in sources(root)
        if path.startswith("shared/model/")
        for line, name in imported(tree)
        if is_of(name, "shared.model") and not _names_a_module(root, name)
    ]


def _names_a_module(root: Path, name: str) -> bool:
    """Whether ``shared.model.x`` or ``shared.model.x.Word`` is in a module of the model, not on its page."""
    below = name.split(".")[2:3]
    return bool(below) and (root / "shared" / "model" / f"{below[0]}.py").is_file()


def _at_import_time(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Imports outside functions and outside ``if TYPE_CHECKING``."""
    for node in tree.body:
        is_typing = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        if not is_typing and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from imported(ast.Module(body=[node], type_ignores=[]))


# --- the project keeps them ------------------------------------------------------------------------


def test_the_modules_of_the_project_are_found() -> None:
    paths = {path for path, _ in sources(ROOT)}
    assert {"shared/model/__init__.py", "shared/adapters/storage/tables.py", "local/host/host.py"} <= paths


def test_azure_and_tenacity_are_imported_only_where_they_belong() -> None:
    assert misplaced_imports(ROOT) == []


def test_nothing_but_a_triggers_outermost_line_catches_everything() -> None:
    assert broad_handlers(ROOT) == []


def test_only_the_wiring_reads_the_environment() -> None:
    assert reads_of_the_environment(ROOT) == []


def test_loading_the_app_loads_no_adapter() -> None:
    assert eager_imports(ROOT) == []


def test_the_model_does_not_import_its_own_page() -> None:
    assert imports_of_the_facade(ROOT) == []


def test_the_import_contracts_hold() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout
    assert "BROKEN" not in done.stdout
    kept = re.findall(r" KEPT(?: \(\d+ ignored imports?\))?$", done.stdout, re.MULTILINE)
    assert len(kept) == len(contract_names(ROOT))


# --- each check can fail ---------------------------------------------------------------------------

OFFENCES = [
    (misplaced_imports, "shared/controller/reconcile.py", "import azure.functions as func"),
    (misplaced_imports, "shared/controller/reconcile.py", "from azure import functions"),
    (misplaced_imports, "local/host/host.py", "from azure.functions import HttpRequest"),
    (misplaced_imports, "shared/controller/telling.py", "from azure.core.exceptions import AzureError"),
    (
        misplaced_imports,
        "functions/sweep.py",
        "def sweep():\n    from azure.identity import DefaultAzureCredential",
    ),
    (misplaced_imports, "function_app.py", "import azure.storage.blob"),
    (misplaced_imports, "shared/state/store.py", "import tenacity"),
    (misplaced_imports, "local/host/queues.py", "from tenacity import retry"),
    (broad_handlers, "shared/controller/dispatch.py", "try:\n    pass\nexcept Exception:\n    raise"),
    (broad_handlers, "local/host/host.py", "try:\n    pass\nexcept (ValueError, BaseException):\n    pass"),
    (broad_handlers, "shared/adapters/storage/tables.py", "try:\n    pass\nexcept:\n    raise"),
    (broad_handlers, "functions/sweep.py", "try:\n    pass\nexcept Exception:\n    pass"),
    (
        broad_handlers,
        "functions/sweep.py",
        "try:\n    pass\nexcept Exception as e:\n    raise KeyError from e",
    ),
    (reads_of_the_environment, "shared/config/settings.py", "import os\nMODE = os.environ['MODE']"),
    (
        reads_of_the_environment,
        "shared/adapters/arm/session/tokens.py",
        "import os\nMODE = os.getenv('MODE')",
    ),
    (reads_of_the_environment, "shared/config/settings.py", "from os import environ"),
    (imports_of_the_facade, "shared/model/codec.py", "from shared.model import Json"),
    (imports_of_the_facade, "shared/model/codec.py", "import shared.model"),
    (eager_imports, "shared/wiring.py", "from shared.adapters.clock import SystemClock"),
    (eager_imports, "functions/sweep.py", "try:\n    import azure.identity\nexcept ImportError:\n    pass"),
]


@pytest.mark.parametrize(
    ("check", "path", "program"), OFFENCES, ids=[f"{check.__name__}-{path}" for check, path, _ in OFFENCES]
)
def test_an_offence_is_seen(tmp_path: Path, check: Check, path: str, program: str) -> None:
    write(tmp_path / path, program)
    (problem,) = check(tmp_path)
    assert problem.startswith(f"{path}:")


INNOCENCE = [
    ("functions/sweep.py", "import azure.functions as func\ntry:\n    pass\nexcept Exception:\n    raise"),
    (
        "shared/adapters/storage/tables.py",
        "from azure.data.tables import TableClient\nfrom tenacity import Retrying",
    ),
    (
        "shared/wiring.py",
        "import os\ndef deps():\n    from shared.adapters import clock\n    return os.environ",
    ),
    ("shared/controller/reconcile.py", "import azurelike\ntry:\n    pass\nexcept ValueError:\n    pass"),
    ("shared/wiring.py", "if TYPE_CHECKING:\n    from shared.adapters.clock import SystemClock"),
]


@pytest.mark.parametrize(("path", "program"), INNOCENCE)
def test_what_is_allowed_is_no_offence(tmp_path: Path, path: str, program: str) -> None:
    write(tmp_path / path, program)
    for check in (
        misplaced_imports,
        broad_handlers,
        reads_of_the_environment,
        eager_imports,
        imports_of_the_facade,
    ):
        assert check(tmp_path) == []


BREACHES = {
    "functions/breach.py": "import local.host\nimport shared.adapters.clock",
    "driftward/breach.py": "import local.host",
    "local/breach.py": "import functions.sweep",
    "shared/state/store.py": "import time",
    "shared/posture/unread.py": "import shared.guardrails.decide",
    "shared/adapters/clock.py": "import shared.config.configuration",
    "shared/controller/visit.py": "import shared.controller.reconcile",
    "shared/guardrails/decide.py": "import yaml\nimport shared.model.codec",
    "shared/alerts/words.py": "import uuid",
    "shared/policies/public_reach/postgres_public_access_enabled.py": (
        "import shared.policies.public_reach.postgres_firewall_allows_all_azure"
    ),
    "local/simulator/values.py": "import shared.model",
    "tests/nsg_check/plain.py": "import shared.model",
    "tests/ways_check/walk.py": "import shared.posture.ways.routes",
}
"""Each breaks a contract or two that no other breaks: a breach far below would break them all."""


def test_every_import_contract_is_broken_by_a_breach_of_it(tmp_path: Path) -> None:
    copy_project(tmp_path)
    for path, program in BREACHES.items():
        file = tmp_path / path
        write(file, (file.read_text() if file.exists() else "") + f"\n{program}\n")

    done = lint_imports(tmp_path)

    assert done.returncode == 1
    for name in contract_names(tmp_path):
        assert f"{name} BROKEN" in done.stdout, done.stdout


def test_a_module_without_a_place_in_the_layers_is_seen(tmp_path: Path) -> None:
    copy_project(tmp_path)
    write(tmp_path / "shared" / "somewhere.py", "")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert "shared.somewhere" in done.stdout


def copy_project(to: Path) -> None:
    for name in ("functions", "shared", "driftward", "local", "tests"):
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", to)


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def contract_names(root: Path) -> list[str]:
    """Names of the contracts in ``pyproject.toml``, as they are written there."""
    tool = tomllib.loads((root / "pyproject.toml").read_text())["tool"]
    return [contract["name"] for contract in tool["importlinter"]["contracts"]]


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Import-linter on the project in ``root``, in a process of its own: it imports what it finds there."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    wide = {**os.environ, "COLUMNS": "200"}  # a long name of a contract would be broken into two lines
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=root,
        env=wide,
        capture_output=True,
        text=True,
        check=False,
    )
