"""Starting and ending the host: its lines, settings, timers, signals, and refusing what cannot be served."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from local.dev.emulator import PROJECT_ROOT
from tests.fixtures_local import StartHost
from tests.local.host.support import SAMPLE_APP, eventually, records, sample_env

pytestmark = pytest.mark.engine

HELLO = """
import os
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="hello")
def hello(req: func.HttpRequest) -> str:
    return os.environ["GREETING"]
"""


def write_app(folder: Path, function_app: str | None = HELLO, **files: object) -> Path:
    if function_app is not None:
        (folder / "function_app.py").write_text(function_app, encoding="utf-8")
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name.replace('_', '.')}.json").write_text(text, encoding="utf-8")
    return folder


def refused(app_root: Path, env: Mapping[str, str]) -> str:
    """What the host says on standard error when it exits with 2."""
    done = subprocess.run(
        [sys.executable, "-m", "local.host", "--app-root", str(app_root), "--port", "0"],
        cwd=PROJECT_ROOT,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def test_the_first_line_tells_address_and_number_and_the_log_says_emulation(
    start_host: StartHost, tmp_path: Path
) -> None:
    host = start_host(SAMPLE_APP, sample_env(tmp_path / "record"))
    assert host.process.announced is not None
    assert host.process.announced[2] == "8"
    assert "this is an emulation of the Azure Functions host, not the Core Tools" in host.log()


def test_every_execution_is_a_line_with_name_id_outcome_and_milliseconds(
    start_host: StartHost, tmp_path: Path
) -> None:
    host = start_host(SAMPLE_APP, sample_env(tmp_path / "record"))
    assert host.call("GET", "/api/text").status == 200
    assert host.call("GET", "/api/boom").status == 500
    lines = eventually(lambda: log if "boom" in (log := host.log()) else None, "both lines").splitlines()
    [good] = [line for line in lines if "local.host text " in line]
    [bad] = [line for line in lines if "local.host boom " in line]
    assert good.split()[-3:-1][0] == "ok"
    assert bad.split()[-3:-1][0] == "failed"


def test_quiet_logs_failures_only(start_host: StartHost, tmp_path: Path) -> None:
    host = start_host(SAMPLE_APP, sample_env(tmp_path / "record"), "--quiet")
    assert host.call("GET", "/api/text").status == 200
    assert host.call("GET", "/api/boom").status == 500
    log = eventually(lambda: log if "local.host boom " in (log := host.log()) else None, "the failure")
    assert "local.host text " not in log


def test_local_settings_reach_the_app_and_the_environment_wins(start_host: StartHost, tmp_path: Path) -> None:
    values = {"IsEncrypted": False, "Values": {"GREETING": "from the file"}}
    app = write_app(tmp_path, local_settings=values)
    assert start_host(app, {}).call("GET", "/api/hello").body == b"from the file"
    assert start_host(app, {"GREETING": "from outside"}).call("GET", "/api/hello").body == b"from outside"


def test_the_route_prefix_of_host_json_is_used(start_host: StartHost, tmp_path: Path) -> None:
    options = {"version": "2.0", "extensions": {"http": {"routePrefix": "v1"}}}
    host = start_host(write_app(tmp_path, host=options), {"GREETING": "hi"})
    assert host.call("GET", "/v1/hello").body == b"hi"
    assert host.call("GET", "/api/hello").status == 404


def test_a_timer_runs_at_start_up_and_at_the_times_of_its_schedule(
    start_host: StartHost, tmp_path: Path
) -> None:
    record = tmp_path / "record"
    start_host(SAMPLE_APP, sample_env(record, TICK="* * * * * *"))
    ticks = eventually(lambda: t if len(t := records(record, "tick")) >= 3 else None, "three ticks")
    assert {tick["pastDue"] for tick in ticks} == {False}


def test_a_disabled_function_is_not_served(start_host: StartHost, tmp_path: Path) -> None:
    env = sample_env(tmp_path / "record", **{"AzureWebJobs.text.Disabled": "true"})
    host = start_host(SAMPLE_APP, env)
    assert host.call("GET", "/api/text").status == 404
    assert host.process.announced is not None
    assert host.process.announced[2] == "7"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0_even_while_a_function_runs(tmp_path: Path, number: signal.Signals) -> None:
    record = tmp_path / "record"
    env = {"PATH": os.environ["PATH"], **sample_env(record)}
    argv = [sys.executable, "-m", "local.host", "--app-root", str(SAMPLE_APP), "--port", "0"]
    with subprocess.Popen(argv, cwd=PROJECT_ROOT, env=env, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        url = host.stdout.readline().split()[2]
        event = {"input": json.dumps({"id": "endless", "data": {"seconds": 600}})}
        run = urllib.request.Request(f"{url}/admin/functions/events", data=json.dumps(event).encode())
        with urllib.request.urlopen(run, timeout=120) as reply:
            assert reply.status == 202
        eventually(lambda: records(record, "event"), "the endless run")
        host.send_signal(number)
        assert host.wait(timeout=120) == 0


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "host.json"),
        ({"version": "3.0"}, "version"),
        ({"version": "2.0", "extensions": {"queues": {"batchSize": 99}}}, "batchSize"),
    ],
)
def test_an_unusable_host_json_ends_with_2_and_its_reason(
    tmp_path: Path, content: object, named: str
) -> None:
    told = refused(write_app(tmp_path, host=content), {"GREETING": "hi"})
    assert named in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("function_app", "named"),
    [
        (None, "no functions found"),
        ("import azure.functions as func\napp = func.FunctionApp()\n", "no functions found"),
        ("import no_such_module\n", "no_such_module"),
        (
            HELLO.replace('"hello"', '"{id:datetime}"'),
            "the constraint 'datetime' is not emulated",
        ),
    ],
    ids=["no file", "no function", "import error", "route"],
)
def test_an_app_that_cannot_be_served_ends_with_2_and_its_reason(
    tmp_path: Path, function_app: str | None, named: str
) -> None:
    assert named in refused(write_app(tmp_path, function_app), {})


def test_a_queue_trigger_without_storage_and_a_schedule_without_its_setting_end_with_2(
    tmp_path: Path,
) -> None:
    env = sample_env(tmp_path / "record")
    assert "setting AzureWebJobsStorage is not set" in refused(
        SAMPLE_APP, env | {"AzureWebJobs.jobs.Disabled": "false"}
    )
    del env["TICK"]
    assert "setting TICK is not set" in refused(SAMPLE_APP, env)


def test_a_port_in_use_ends_with_2(start_host: StartHost, tmp_path: Path) -> None:
    env = {"GREETING": "hi"}
    app = write_app(tmp_path)
    port = start_host(app, env).url.rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "local.host", "--app-root", str(app), "--port", port],
        cwd=PROJECT_ROOT,
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "use" in done.stderr
