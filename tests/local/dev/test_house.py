"""What `python -m local.dev.house` measures, and that it sees where a small tree goes beyond a limit."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from local.dev import house
from local.dev.cycles import cycles_of
from local.dev.environments import ROOT
from local.dev.house import Figure, Module

_NUMBERS = itertools.count()


def module(text: str, path: str = "shared/model/words.py") -> Module:
    return Module(path=path, text=dedent(text))


def of_lines(count: int, path: str = "shared/model/words.py") -> Module:
    return Module(path=path, text="\n" * count)


# --- modules ---------------------------------------------------------------------------------------


def test_a_module_of_more_than_400_lines_is_told_at_its_first_line_too_many() -> None:
    kept, beyond = of_lines(400, "shared/kept.py"), of_lines(401, "shared/beyond.py")
    assert house.longest_module([kept]) == Figure(
        name="lines of the longest module", found="400", limit="at most 400", problems=[]
    )
    assert house.longest_module([kept, beyond]).problems == [
        "shared/beyond.py:401: a module of 401 lines",
    ]


def test_more_than_five_long_modules_are_all_told() -> None:
    long = [of_lines(301 + n, f"shared/long_{n}.py") for n in range(6)]
    kept = house.long_modules([*long[:5], of_lines(300)])
    assert (kept.found, kept.problems) == ("5", [])
    assert kept.listed[0] == "shared/long_4.py 305"
    assert house.long_modules(long).problems == [
        f"shared/long_{n}.py:301: one of 6 modules over 300 lines ({301 + n})" for n in reversed(range(6))
    ]


# --- functions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("def f():\n    return 1", 1),
        ('def f():\n    """Says.\n\n    More.\n    """\n    return 1', 1),
        ('def f():\n    """Only says."""', 0),
        ("def f():\n    a = 1\n\n    # why\n    return a  # here", 2),
        ("def f(\n    a,\n    b,\n):\n    return g(\n        a,\n        b,\n    )", 3),
        ("def f():\n    return [\n        {\n            1: 2,\n        },\n    ]", 3),
        ("def f():\n    @wraps\n    def g():\n        pass\n    return g", 4),
        ("async def f():\n    await g()", 1),
        ("class A:\n    @property\n    def f(self):\n        return 1", 1),
    ],
    ids=[
        "one",
        "docstring",
        "no-body",
        "blank-and-comment",
        "closing",
        "nested",
        "decorated",
        "async",
        "method",
    ],
)
def test_a_function_is_as_long_as_the_lines_of_its_body_that_say_something(text: str, length: int) -> None:
    found = module(text)
    first, *_ = house.functions_of(found)
    assert house.function_length(first, found) == length


def test_functions_inside_functions_and_classes_are_measured_too() -> None:
    text = "def f():\n    def g():\n        pass\nclass A:\n    async def h(self): ..."
    assert {found.name for found in house.functions_of(module(text))} == {"f", "g", "h"}


def functions(*lengths: int) -> Module:
    bodies = (["    pass"] * length for length in lengths)
    return module("\n".join(f"def f{n}():\n" + "\n".join(body) for n, body in enumerate(bodies)))


def test_long_functions_are_told_when_the_median_is_missed() -> None:
    kept, _ = house.function_lengths([functions(1, 4, 20)])
    missed, _ = house.function_lengths([functions(1, 5, 6)])
    assert (kept.found, kept.problems) == ("4", ())
    assert (missed.found, missed.problems[0]) == ("5", "shared/model/words.py:9: f2 has 6 lines")


def test_long_functions_are_told_when_more_than_one_in_ten_is() -> None:
    _, kept = house.function_lengths([functions(*[1] * 8, 12, 30)])
    _, missed = house.function_lengths([functions(*[1] * 8, 13, 30)])
    assert (kept.found, kept.problems) == ("12", ())
    assert (missed.found, len(missed.problems)) == ("13", 10)
    assert missed.problems[0] == "shared/model/words.py:31: f9 has 30 lines"


# --- policies --------------------------------------------------------------------------------------

POLICY = """\
\"\"\"A policy.\"\"\"

from shared.model import A
from shared.model import B

LIMIT = 3
TITLE = "t"
NAMES = (
    TITLE,
)


def evaluate(snapshot):
    return snapshot.size < LIMIT


POLICY: Policy = Policy(
    names=NAMES,
    limit=LIMIT,
    evaluate=evaluate,
)
"""
IN_CATALOGUE = "shared/policies/network/postgres_small.py"


def test_a_policy_is_a_file_of_the_catalogue_that_exports_one() -> None:
    assert house.is_policy(module(POLICY, IN_CATALOGUE))
    assert house.is_policy(module("POLICY = 1", IN_CATALOGUE))
    assert not house.is_policy(module(POLICY, "shared/posture/policy.py"))
    assert not house.is_policy(module("def f():\n    POLICY = 1", IN_CATALOGUE))


def test_metadata_is_imports_the_policy_and_constants_that_serve_it_alone() -> None:
    """Two imports, TITLE and NAMES with four lines, POLICY with five; LIMIT decides and is no metadata."""
    assert house.metadata_share(module(POLICY, IN_CATALOGUE)) == pytest.approx(100 * 11 / 21)


def test_policies_that_are_mostly_metadata_are_told() -> None:
    large, small = module(POLICY, IN_CATALOGUE), module(POLICY + "\n" * 20, IN_CATALOGUE)
    assert house.policy_metadata([small, small]).problems == ()
    figure = house.policy_metadata([large])
    assert figure.found == "52 %"
    assert figure.problems == [f"{IN_CATALOGUE}:17: 52 % imports and metadata"]


def test_a_share_of_exactly_the_limit_is_too_much() -> None:
    at_limit = module("import a\nimport b\nimport c\nPOLICY = 1" + "\n" * 7, IN_CATALOGUE)
    assert house.metadata_share(at_limit) == 40
    assert house.policy_metadata([at_limit]).problems


def test_policies_whose_median_is_long_are_told_longest_first() -> None:
    files = [of_lines(count, f"shared/policies/network/p{count}.py") for count in (10, 90, 200)]
    assert house.policy_length(files).problems == ()
    figure = house.policy_length([*files, of_lines(100, "shared/policies/network/p100.py")])
    assert figure.found == "95"
    assert figure.problems[0] == "shared/policies/network/p200.py:91: a policy of 200 lines"


# --- layers ----------------------------------------------------------------------------------------


def contract(count: int) -> str:
    layers = ", ".join(f'"l{n}"' for n in range(count))
    return (
        '[[tool.importlinter.contracts]]\nname = "Above"\ntype = "layers"\nlayers = ["a", "b"]\n'
        '[[tool.importlinter.contracts]]\nname = "Floors"\ntype = "layers"\n'
        f'containers = ["shared"]\nlayers = [{layers}]\n'
    )


def test_more_than_nine_layers_of_shared_are_told_where_the_contract_stands() -> None:
    assert house.layers(contract(9)).problems == ()
    figure = house.layers(contract(10))
    assert (figure.found, figure.problems) == ("10", ["pyproject.toml:6: 10 layers"])


def test_a_project_without_the_contract_has_no_layers_to_be_proud_of() -> None:
    without = contract(1).replace('["shared"]', '["other"]')
    assert house.layers(without).problems == ["pyproject.toml:1: no contract has the layers of shared"]


# --- cycles ----------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], str]:
    """Makes a package of modules that Python finds, under a name that no other test's has."""

    def made(modules: dict[str, str]) -> str:
        name = f"house_of_a_test_{next(_NUMBERS)}"
        for path, text in {"__init__.py": "", **modules}.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text).replace("HOUSE", name))
        return name

    monkeypatch.syspath_prepend(tmp_path)
    return made


@pytest.mark.parametrize(
    "back",
    [
        "import HOUSE.first",
        "from HOUSE import first",
        "from HOUSE.first import X",
        "from . import first",
        "def late():\n    from HOUSE.first import X",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from HOUSE.first import X",
    ],
    ids=["module", "from-package", "name", "relative", "deferred", "type-checking"],
)
def test_two_files_that_import_each_other_are_told_however_they_do(
    package: Callable[[dict[str, str]], str], tmp_path: Path, back: str
) -> None:
    name = package({"first.py": "X = 1\n\n\ndef late():\n    from HOUSE import second\n", "second.py": back})
    figure = house.import_cycles(tmp_path, [name])
    assert figure.found == "1"
    assert figure.problems == [
        f"{name}/first.py:5: imports in a circle: {name}.first > {name}.second > {name}.first"
    ]


def test_a_package_and_its_module_that_import_each_other_are_told(
    package: Callable[[dict[str, str]], str], tmp_path: Path
) -> None:
    name = package(
        {"room/__init__.py": "from HOUSE.room.inner import X", "room/inner.py": "import HOUSE.room"}
    )
    (problem,) = house.import_cycles(tmp_path, [name]).problems
    assert problem.startswith(f"{name}/room/__init__.py:1: ")


def test_a_cycle_between_packages_is_told(package: Callable[[dict[str, str]], str], tmp_path: Path) -> None:
    one = package({"a.py": ""})
    other = package({"b.py": f"import {one}.a"})
    (tmp_path / one / "a.py").write_text(f"import {other}.b")
    assert house.import_cycles(tmp_path, [one, other]).found == "1"


def test_files_that_import_downwards_make_no_cycle(
    package: Callable[[dict[str, str]], str], tmp_path: Path
) -> None:
    name = package(
        {
            "top.py": "from HOUSE import left, right",
            "left.py": "import HOUSE.base",
            "right.py": "import HOUSE.base",
            "base.py": "",
        }
    )
    assert house.import_cycles(tmp_path, [name]).problems == []


def test_every_cycle_is_found_and_told_from_its_first_module() -> None:
    imports = {"d": {"b"}, "b": {"c"}, "c": {"d", "e"}, "e": {"c", "x"}, "x": set[str]()}
    assert [*cycles_of(imports)] == [["b", "c", "d", "b"], ["c", "e", "c"]]
    assert [*cycles_of({"a": {"b"}, "b": {"c"}, "c": set()})] == []


# --- the whole -------------------------------------------------------------------------------------


def test_problems_go_to_stderr_and_decide_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = [Figure(name="modules", found="1", limit="at most 5", listed=["shared/a.py 301"])]
    monkeypatch.setattr(house, "measure", lambda root: iter(figures))
    assert house.main() == 0
    figures.append(
        Figure(name="layers", found="10", limit="at most 9", problems=["pyproject.toml:6: 10 layers"])
    )
    kept = capsys.readouterr()
    assert house.main() == 1
    missed = capsys.readouterr()
    assert (kept.err, missed.err) == ("", "pyproject.toml:6: 10 layers\n")
    assert "    shared/a.py 301" in missed.out.splitlines()
    assert missed.out.splitlines()[-1].split() == ["layers", "10", "at", "most", "9"]


def test_the_figures_of_the_project_are_read_from_it() -> None:
    figures = {figure.name: figure for figure in house.measure(ROOT)}
    assert len(figures) == 8
    assert int(figures["lines of the longest module"].found) > 100
    assert float(figures["lines of a policy, median"].found) > 20
    assert 0 < int(figures["lines of a function, median"].found) <= 4
