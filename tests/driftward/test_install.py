"""`pip install .` in an empty environment gives the command; what is deployed to Azure has nothing of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

import driftward
from local.dev.environments import ROOT

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_COMES_ALONG = {"rich", "ijson", "tree-sitter", "tree-sitter-hcl", "tree-sitter-bicep"}
"""What the command needs and the app does not."""


def names(file: str) -> set[str]:
    """The packages that a requirement file names itself."""
    lines = (line.strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines())
    found = (_NAME.match(line) for line in lines if not line.startswith(("#", "-")))
    return {match[0].lower() for match in found if match}


def named(needs: set[str]) -> set[str]:
    """The packages of requirements."""
    return {match[0].lower() for text in needs if (match := _NAME.match(text))}


def run(*command: str, cwd: Path = Path("/")) -> str:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the command and nothing else, installed from a copy of what is in git."""
    folder = tmp_path_factory.mktemp("installed")
    source, home = folder / "source", folder / "environment"
    source.mkdir()
    for name in run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines():
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    # What an earlier build of another commit may have left must not come along.
    (source / "build" / "lib" / "shared" / "policies" / "nsg").mkdir(parents=True)
    (source / "build" / "lib" / "shared" / "policies" / "nsg" / "gone.py").write_text("raise SystemExit")
    run(sys.executable, "-m", "venv", str(home))
    run(str(home / "bin" / "pip"), "install", "--quiet", "--no-input", str(source))
    return home


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_command_works_from_any_folder(home: Path, tmp_path: Path) -> None:
    command = str(home / "bin" / "driftward")
    assert run(command, "--version") == f"driftward {driftward.__version__}\n"
    assert run(str(home / "bin" / "python"), "-m", "driftward", "--version") == run(command, "--version")
    listed = json.loads(run(command, "policies", "--json"))
    ours = json.loads(run(sys.executable, "-m", "driftward", "policies", "--json", cwd=ROOT))
    assert listed == ours
    nsg = tmp_path / "nsg.json"
    nsg.write_text(json.dumps({"name": "nsg", "properties": {"securityRules": []}}), encoding="utf-8")
    side = ("--source", "10.0.0.0/24", "--destination", "10.0.0.0/24", "--ports", "5432")
    told = run(command, "explain-nsg", "--nsg", str(nsg), "--direction", "Inbound", *side)
    assert told.startswith("DEPENDS")
    assert "postgres-tls-not-required" in run(command, "policies", "show", "postgres-tls-not-required")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_diagnosis_needs_no_file_of_the_project(home: Path) -> None:
    """It comes as far as asking for a token, with the one credential that is az's, and there is no az."""
    server = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers/orders"
    told = subprocess.run(
        [str(home / "bin" / "driftward"), "diagnose", server],
        cwd="/",
        env={"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential", "PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == "not signed in to Azure: `az login`, or set ARM_ENDPOINT\n"


@pytest.mark.long
@pytest.mark.timeout(900)
def test_it_brings_what_the_app_needs_and_little_more_and_nothing_of_tests_or_laptops(home: Path) -> None:
    program = (
        "import importlib.metadata as m, json\nfiles = [str(file) for file in m.files('driftward')]\n"
        "print(json.dumps({'needs': m.requires('driftward'), 'files': files}))"
    )
    found = json.loads(run(str(home / "bin" / "python"), "-c", program))
    extra = {text for text in found["needs"] if "extra ==" in text}
    assert named({*found["needs"]} - extra) == names("requirements.txt") | names("requirements-cli.txt")
    assert named(extra) == names("requirements-roles.txt")
    assert all("==" in text for text in found["needs"])
    tops = {name.split("/")[0] for name in found["files"] if not name.startswith(("..", "driftward-"))}
    assert tops == {"driftward", "shared"}
    assert not [name for name in found["files"] if "gone" in name]


def test_the_command_needs_few_packages_besides_what_comes_with_the_app_already() -> None:
    assert names("requirements-cli.txt") == {*_COMES_ALONG, "click"}
    program = "import importlib.metadata as m; print(m.requires('apprise'))"
    assert "click" in run(sys.executable, "-c", program)


def test_what_is_deployed_is_functions_and_shared_and_a_few_files() -> None:
    """Of what is in git; ``.funcignore`` names the rest, a name a line, as no pattern there has a slash."""
    lines = (ROOT / ".funcignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert not [pattern for pattern in patterns if "/" in pattern or pattern.startswith("!")]
    tracked = run("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).splitlines()
    deployed = {
        name
        for name in tracked
        if not any(fnmatch(part, pattern) for part in name.split("/") for pattern in patterns)
    }
    assert {name.split("/")[0] for name in deployed} - {".funcignore"} == {
        *("function_app.py", "functions", "shared", "host.json", "policies.yaml"),
        *("requirements.txt", "requirements.lock"),
    }
    ours = {name for name in tracked if name.startswith(("functions/", "shared/"))}
    assert ours <= deployed
