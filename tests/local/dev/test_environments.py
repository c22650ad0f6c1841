"""Set-up and the choice of tests: which Python, when nothing has to be done, what a test run consists of."""

import sys
from pathlib import Path

import pytest

from local.dev.environments import ROOT, SetupFailed, engine_pin, ensure, stamp_text
from local.dev.suite import (
    around_the_engine,
    dealt,
    engine_only,
    everything,
    find_313,
    long_tests,
    unit,
    unit_files,
)


def _script(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]), encoding="utf-8")
    path.chmod(0o755)
    return path


def test_a_python_that_is_too_old_is_told_which_one_is_needed(tmp_path: Path) -> None:
    old = _script(tmp_path / "python3", "echo 3 9")
    with pytest.raises(SetupFailed, match=r"3\.11, 3\.12 or 3\.13 is needed.* is 3\.9"):
        ensure(tmp_path / "venv", str(old))
    assert not (tmp_path / "venv").exists()


def test_a_python_that_is_absent_is_a_failed_setup(tmp_path: Path) -> None:
    with pytest.raises(SetupFailed, match="absent"):
        ensure(tmp_path / "venv", str(tmp_path / "absent"))


def test_a_complete_environment_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    python = _script(tmp_path / "bin" / "python", "exit 9")
    version = sys.version_info[0], sys.version_info[1]
    (tmp_path / "driftward.stamp").write_text(stamp_text(version), encoding="utf-8")
    assert ensure(tmp_path, sys.executable) == python


def test_the_stamp_names_the_python_and_the_requirements() -> None:
    assert stamp_text((3, 11)) != stamp_text((3, 13))
    assert stamp_text((3, 11)) == stamp_text((3, 11))


def test_the_engine_is_pinned_in_the_development_requirements_and_its_archives_are_known() -> None:
    pinned = engine_pin()
    assert pinned.startswith("azure-functions-runtime==")
    version, _, hashes = pinned.partition(" \\\n")
    assert version in (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    assert ";" not in pinned
    assert hashes.count("--hash=sha256:") == 2


def test_the_set_up_module_needs_nothing_but_the_standard_library() -> None:
    source = (ROOT / "local" / "dev" / "environments.py").read_text(encoding="utf-8")
    imported = {
        line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))
    }
    assert imported <= set(sys.stdlib_module_names) | {"__future__"}


def test_python_3_13_is_found_behind_a_version_manager(tmp_path: Path) -> None:
    _script(tmp_path / "python3.13", '[ "$PYENV_VERSION" = 3.13.0 ] || exit 127', "echo /opt/python3.13")
    assert find_313({"PATH": str(tmp_path)}) == "/opt/python3.13"


def test_without_python_3_13_none_is_found(tmp_path: Path) -> None:
    assert find_313({"PATH": str(tmp_path)}) is None
    _script(tmp_path / "python3.13", "exit 127")
    assert find_313({"PATH": str(tmp_path)}) is None


def test_unit_tests_start_no_server_and_try_few_examples() -> None:
    chosen = unit(sys.executable)
    assert chosen.profile == "unit"
    assert "not azurite and not engine and not az and not postgres and not long" in chosen.arguments
    places = {file for share in chosen.shares for file in share}
    assert not [
        one for one in places if one.startswith(("tests/local/simulator/", "tests/engine/", "tests/e2e/"))
    ]
    assert "tests/guardrails/test_laws.py" in places


def test_every_file_is_dealt_once_and_nobody_goes_without() -> None:
    files = unit_files()
    shares = dealt(files, 3)
    assert sorted(one for share in shares for one in share) == [f.relative_to(ROOT).as_posix() for f in files]
    assert len(shares) == 3
    assert all(shares)


def test_the_whole_suite_leaves_nothing_out_but_what_is_run_as_long() -> None:
    chosen = everything(sys.executable)
    assert chosen.profile == "test"
    words = [one for one in chosen.arguments if one.startswith(("--ignore", "--deselect", "-m", "-k", "not"))]
    assert words == ["-m", "not long"]
    assert tuple(long_tests(sys.executable)[0].arguments[:2]) == ("-m", "long")


def test_the_engine_tests_are_places_that_exist() -> None:
    chosen = (engine_only(sys.executable), around_the_engine(sys.executable))
    places = [one for which in chosen for one in which.arguments if one.startswith("tests/")]
    assert places
    assert all((ROOT / place).exists() for place in places)
