"""The zip that is deployed: what is in it, for whom, and that the same sources always give the same bytes."""

from __future__ import annotations

import struct
import sys
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from local.dev import package, package_figures
from local.dev.environments import ROOT
from local.dev.package import PACKAGES, PackageFailed, build, deployed, gather, main, requirements, seal

HERE = Path(sys.executable)
IGNORED = "# stays here\n\nlocal\n*.md\nlocal.settings.json\n"


def tree(root: Path) -> Path:
    """A small app with what a developer's folder holds beside it."""
    files = {
        "function_app.py": "from functions import one\n",
        "functions/one.py": "ANSWER = {'yes', 'no', None}\n",
        "functions/__pycache__/one.cpython-399.pyc": "old",
        "host.json": "{}",
        ".funcignore": IGNORED,
        ".env": "SECRET=1",
        ".venv/lib/left.py": "",
        "local/tool.py": "",
        "README.md": "",
        "local.settings.json": "{}",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def sealed(folder: Path) -> package.Package:
    """The zip of that app with one package, gathered and compiled in a folder of this name."""
    stage = folder / "stage"
    gather(tree(folder / "project"), stage)
    library = stage / PACKAGES
    for name in ("library/code.py", "library-1.dist-info/METADATA", "library-1.dist-info/RECORD", "bin/tool"):
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).write_text(f"TEXT = {str(folder)!r}\n" if name.startswith("bin") else "TEXT = 'x'\n")
    return seal(stage, folder / "made" / "app.zip", HERE)


def test_the_zip_holds_what_funcignore_leaves_and_nothing_hidden(tmp_path: Path) -> None:
    assert [path.as_posix() for path in deployed(tree(tmp_path))] == [
        "function_app.py",
        "functions/one.py",
        "host.json",
    ]


@pytest.mark.parametrize(
    "name", ["local.settings.prod.json", ".env.prod", "id.key", "app.pem", "app.pfx", "terraform.tfstate"]
)
def test_what_holds_secrets_is_not_deployed(name: str, tmp_path: Path) -> None:
    ignored = (ROOT / ".funcignore").read_text(encoding="utf-8")
    (tree(tmp_path) / ".funcignore").write_text(ignored, encoding="utf-8")
    (tmp_path / name).write_text("secret", encoding="utf-8")
    assert name not in {path.name for path in deployed(tmp_path)}


def test_two_folders_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = sealed(tmp_path / "one"), sealed(tmp_path / "a-longer-name" / "two")
    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.sha256 == other.sha256
    assert str(tmp_path).encode() not in one.path.read_bytes()


def test_entries_are_sorted_and_have_one_time_and_one_mode(tmp_path: Path) -> None:
    with zipfile.ZipFile(sealed(tmp_path).path) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {(entry.date_time, entry.external_attr >> 16) for entry in entries} == {
        ((1980, 1, 1, 0, 0, 0), 0o100644)
    }


def test_bytecode_is_beside_every_source_and_never_compared_with_it(tmp_path: Path) -> None:
    """The flags of PEP 552: 1 is a hash instead of a time, and without 2 nobody looks at it."""
    with zipfile.ZipFile(sealed(tmp_path).path) as archive:
        names = archive.namelist()
        compiled = {name: archive.read(name)[:8] for name in names if name.endswith(".pyc")}
        inside = {name: archive.read(name) for name in compiled}
    assert len(compiled) == len([name for name in names if name.endswith(".py")]) == 3
    assert set(compiled.values()) == {MAGIC_NUMBER + struct.pack("<I", 1)}
    assert not [name for name, code in inside.items() if str(tmp_path).encode() in code]


def test_what_only_another_installation_would_read_is_left_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(sealed(tmp_path).path) as archive:
        packaged = {name.removeprefix(f"{PACKAGES}/") for name in archive.namelist() if PACKAGES in name}
    assert packaged - {name for name in packaged if name.endswith(".pyc")} == {
        "library/code.py",
        "library-1.dist-info/METADATA",
    }


def test_sources_that_do_not_compile_make_no_package(tmp_path: Path) -> None:
    (tmp_path / "stage").mkdir()
    (tmp_path / "stage" / "function_app.py").write_text("def half(", encoding="utf-8")
    with pytest.raises(PackageFailed, match="function_app"):
        seal(tmp_path / "stage", tmp_path / "app.zip", HERE)
    assert not (tmp_path / "app.zip").exists()


@pytest.mark.parametrize(
    ("version", "library"), [("3.11", "azure-functions==1.26.0"), ("3.13", "azure-functions==2.3.0")]
)
def test_pins_are_chosen_for_the_python_that_runs_the_app_not_for_this_one(
    version: str, library: str
) -> None:
    lines = requirements(ROOT, version)
    assert [line.split()[0] for line in lines if line.startswith("azure-functions=")] == [library]
    assert all(" --hash=sha256:" in line and ";" not in line for line in lines)


def test_what_the_worker_needs_for_telemetry_comes_along_and_no_environment_here_has_it() -> None:
    """Here stands OpenTelemetry's own library, for the test of what is measured."""
    names = {line.split("==")[0] for line in requirements(ROOT, "3.13")}
    assert {"azure-monitor-opentelemetry", "opentelemetry-sdk", "azure-identity"} <= names
    assert "pywin32" not in names  # what other systems need stays away
    assert "azure-monitor-opentelemetry" not in (ROOT / "requirements-dev.lock").read_text("utf-8")


def test_bytecode_of_a_python_that_is_not_here_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = "3.12" if sys.version_info[:2] != (3, 12) else "3.11"
    monkeypatch.setattr(package, "find_313", lambda _: None)
    assert main(["--python", other]) == 2
    assert f"the bytecode of Python {other} is made by Python {other}" in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.engine
@pytest.mark.timeout(3600)
def test_the_whole_package_is_the_same_twice_and_starts(tmp_path: Path) -> None:
    """For the Python that runs this, with what pip brings, from two copies of the project."""
    version = ".".join(map(str, sys.version_info[:2]))
    made = []
    for name in ("one", "another"):
        gather(ROOT, tmp_path / name)
        for lock in (*package.LOCKS, ".funcignore"):
            (tmp_path / name / lock).write_bytes((ROOT / lock).read_bytes())
        made.append(build(tmp_path / name, tmp_path / f"{name}.zip", version, HERE))
    assert made[0].sha256 == made[1].sha256
    started = package_figures.measure(made[0].path, HERE, runs=1)
    assert "resource_events" in started["start"].functions
    assert started["start"].modules < started["startTelemetry"].modules
    assert started["start"].processor < started["startNoBytecode"].processor
