"""Starting and stopping: nothing is left behind; the command line; keep-alive."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local.simulator import seeds
from local.simulator.client import ArmCallFailed, SimulatorClient
from local.simulator.server import SimulatorServer
from local.simulator.switches import Switches
from tests.local.simulator.conftest import Webhook

SERVER = seeds.flexible_server_id()


def simulator_threads() -> set[threading.Thread]:
    """Those of every simulator in this process: another test's may be running beside."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("simulator")}


def test_a_stopped_simulator_leaves_no_thread_and_no_listener(webhook: Webhook) -> None:
    others = simulator_threads()
    with SimulatorServer(switches=Switches(operation_seconds=30.0)) as server:
        client = SimulatorClient(server.url)
        client.seed([seeds.flexible_server()])
        client.subscribe(webhook.url)
        client.arm("PATCH", SERVER, {"tags": {"a": "b"}})
        parts = urlsplit(server.url)
        idle = socket.create_connection((parts.hostname, parts.port))
        client.get(SERVER)
        assert len(simulator_threads() - others) >= 3
    assert simulator_threads() <= others
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((parts.hostname, parts.port))
    assert idle.recv(1) == b""
    idle.close()


def test_a_stop_does_not_wait_for_a_call_that_hangs() -> None:
    with SimulatorServer() as server:
        client = SimulatorClient(server.url)
        client.fault({"hang": 60})
        hanging = threading.Thread(target=_ignoring_the_end, args=(client,))
        hanging.start()
        while not _hung(client):
            pass
    hanging.join(timeout=120)
    assert not hanging.is_alive()


def _hung(client: SimulatorClient) -> bool:
    _, _, answer = client.arm("GET", "/_sim/faults")
    return '"left": 0' in json.dumps(answer)


def _ignoring_the_end(client: SimulatorClient) -> None:
    try:
        client.arm("GET", SERVER)
    except (OSError, http.client.HTTPException):
        return


def test_one_connection_serves_many_calls() -> None:
    with SimulatorServer() as server:
        parts = urlsplit(server.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        connection.connect()
        first = connection.sock
        for _ in range(5):
            connection.request("GET", "/_sim/switches")
            connection.getresponse().read()
        assert connection.sock is first
        connection.close()


def test_a_body_that_is_not_json_is_refused() -> None:
    with SimulatorServer() as server:
        parts = urlsplit(server.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        connection.request("PUT", f"{SERVER}?api-version=1", body="{", headers={"Authorization": "Bearer x"})
        answer = connection.getresponse()
        assert answer.status == 400
        assert json.loads(answer.read())["error"]["code"] == "InvalidRequestContent"
        connection.close()


def test_lines_are_logged_for_arm_calls_alone() -> None:
    lines: list[str] = []
    with SimulatorServer(log=lines.append) as server:
        client = SimulatorClient(server.url)
        client.seed([seeds.flexible_server()])
        client.get(SERVER)
    assert len(lines) == 1
    assert lines[0].startswith(f"GET {SERVER} 200")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_its_url_first_and_ends_on_a_signal(
    tmp_path: Path, number: signal.Signals
) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"resources": [seeds.flexible_server()]}))
    command = [sys.executable, "-m", "local.simulator", "--port", "0", "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        client = SimulatorClient(process.stdout.readline().strip())
        assert client.get(SERVER)["name"] == seeds.SERVER
        process.send_signal(number)
        assert process.wait(timeout=120) == 0


def test_the_command_refuses_an_unusable_seed(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text("[]")
    done = subprocess.run(
        [sys.executable, "-m", "local.simulator", "--seed", str(seed)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2
    assert "resources" in done.stderr


def test_many_clients_at_once_are_served_without_losing_a_write() -> None:
    with SimulatorServer(switches=Switches(operation_seconds=0.0)) as server:
        SimulatorClient(server.url).seed([seeds.nsg()])

        def write(start: int) -> None:
            client = SimulatorClient(server.url)
            for number in range(start, start + 10):
                rule = seeds.security_rule(name=f"rule-{number}", priority=100 + number)
                try:
                    client.put(
                        f"{seeds.nsg_id()}/securityRules/rule-{number}", {"properties": rule["properties"]}
                    )
                except ArmCallFailed as error:
                    raise AssertionError(f"write {number} was refused: {error}") from error

        writers = [threading.Thread(target=write, args=(start,)) for start in range(0, 40, 10)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        rules = SimulatorClient(server.url).list_all(f"{seeds.nsg_id()}/securityRules")
        assert len(rules) == 40
