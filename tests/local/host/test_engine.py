"""The real engine: what it reports of an app, how it executes, and what it refuses."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from local.dev.emulator import PROJECT_ROOT
from tests.local.host.support import SAMPLE_APP, records, sample_env

pytestmark = pytest.mark.engine

TWICE = """
from pathlib import Path
import sys
from local.host.engine import Engine, EngineInUse
Engine(Path(sys.argv[1]))
try:
    Engine(Path(sys.argv[1]))
except EngineInUse:
    print("refused")
"""


def probe(app_root: Path, env: Mapping[str, str], *wanted: Mapping[str, object]) -> Mapping[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.local.host.probe", str(app_root)],
        cwd=PROJECT_ROOT,
        env={**os.environ, **env},
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        check=True,
    )
    found: Mapping[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def write_app(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def results(found: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    held = found["results"]
    assert isinstance(held, list)
    return held


def test_functions_are_reported_with_their_triggers_and_all_bindings(tmp_path: Path) -> None:
    functions = probe(SAMPLE_APP, sample_env(tmp_path / "record"))["functions"]
    assert isinstance(functions, list)
    table = {function["name"]: function for function in functions}
    assert {name: function["type"] for name, function in table.items()} == {
        **dict.fromkeys(("echo", "reverse", "text", "boom", "slow", "guarded"), "httpTrigger"),
        "events": "eventGridTrigger",
        "jobs": "queueTrigger",
        "tick": "timerTrigger",
    }
    assert table["echo"]["bindings"] == [
        {
            "direction": "IN",
            "type": "httpTrigger",
            "name": "req",
            "methods": ["GET", "POST"],
            "authLevel": "ANONYMOUS",
            "route": "items/{id:int}/{*rest}",
        },
        {"direction": "OUT", "type": "http", "name": "$return"},
    ]


def test_a_queue_function_gets_its_text_and_metadata_and_an_event_function_its_event(tmp_path: Path) -> None:
    record = tmp_path / "record"
    job = {"function": "jobs", "kind": "text", "text": "work"}
    event = {"function": "events", "kind": "json", "text": json.dumps({"id": "e", "data": {"a": 1}})}
    found = probe(SAMPLE_APP, sample_env(record), job, event)
    assert [result["ok"] for result in results(found)] == [True, True]
    [started] = records(record, "job")
    assert (started["body"], started["tries"], started["id"]) == ("work", 4, "m-1")
    assert records(record, "event") == [
        {"kind": "event", "id": "e", "class": "EventGridEvent", "data": {"a": 1}}
    ]


def test_a_function_that_raises_is_a_result_with_message_and_stack(tmp_path: Path) -> None:
    event = {"function": "events", "kind": "json", "text": '{"id": "e", "data": {"fail": true}}'}
    [result] = results(probe(SAMPLE_APP, sample_env(tmp_path / "record"), event))
    assert (result["ok"], result["error"]) == (False, "RuntimeError: event e was told to fail")
    assert "function_app.py" in str(result["stack"])


def test_a_payload_kind_that_the_converter_rejects_fails_the_invocation(tmp_path: Path) -> None:
    event = {"function": "events", "kind": "text", "text": '{"id": "e"}'}
    [result] = results(probe(SAMPLE_APP, sample_env(tmp_path / "record"), event))
    assert not result["ok"]
    assert "unsupported combination of TypedData field" in str(result["error"])


def test_functions_of_a_blueprint_in_a_module_of_the_app_are_found(tmp_path: Path) -> None:
    blueprint = (
        "import azure.functions as func\n\nbp = func.Blueprint()\n\n\n@bp.route(route='b')\n"
        "def from_blueprint(req: func.HttpRequest) -> str:\n    return 'b'\n"
    )
    app = (
        "import azure.functions as func\nfrom parts import bp\n\napp = func.FunctionApp()\n"
        "app.register_functions(bp)\n"
    )
    functions = probe(write_app(tmp_path, {"parts.py": blueprint, "function_app.py": app}), {})["functions"]
    assert isinstance(functions, list)
    assert [function["name"] for function in functions] == ["from_blueprint"]


APP = "import azure.functions as func\n\napp = func.FunctionApp()\n"


@pytest.mark.parametrize(
    ("source", "error", "named"),
    [
        (APP, "NoFunctions", "no functions found"),
        (None, "NoFunctions", "function_app.py"),
        ("import no_such_module\n", "IndexingFailed", "no_such_module"),
        ("def broken(:\n", "IndexingFailed", "SyntaxError"),
        ("x = 1 / 0\n", "IndexingFailed", "division by zero"),
        ("", "IndexingFailed", "Could not find top level function app"),
        (f"{APP}other = func.FunctionApp()\n", "IndexingFailed", "More than one"),
        (
            f"{APP}@app.route(route='x')\ndef x(other: func.HttpRequest) -> str:\n    return ''\n",
            "IndexingFailed",
            "cannot load the x function",
        ),
    ],
    ids=["no function", "no file", "import", "syntax", "raises", "no app", "two apps", "parameter"],
)
def test_an_app_that_cannot_be_served_is_a_typed_error_with_the_engines_words(
    tmp_path: Path, source: str | None, error: str, named: str
) -> None:
    found = probe(write_app(tmp_path, {} if source is None else {"function_app.py": source}), {})
    assert found["error"] == error
    assert named in str(found["text"])


def test_a_second_app_in_one_process_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TWICE, str(SAMPLE_APP)],
        cwd=PROJECT_ROOT,
        env={**os.environ, **sample_env(tmp_path / "record")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "refused\n"
