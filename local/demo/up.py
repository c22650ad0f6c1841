"""`python -m local up`: simulator, storage emulator and host until Ctrl-C, with calls to copy.

The subscription is the demonstration's, and Driftward has read it once, so that what is changed now is
drift. The host is `func start` where Core Tools that know this Python are on the PATH, and our emulation
elsewhere.
It listens on port 7071 and the simulator on 8100, where these are free. Audit mode holds unless
`ENFORCEMENT_MODE=enforce` is set; the few settings that make sense here are taken from the environment, every
other one has its default. The host's log follows on standard output, each look as a short card.

Exit codes: 0 ended by Ctrl-C or SIGTERM, 1 the host ended by itself, 2 the set-up failed.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from local.demo import world
from local.demo.core_tools import core_tools
from local.demo.log_cards import cards
from local.demo.stack import ALERT_TOPIC, Host, app_settings, core_tools_host, host, simulator
from local.demo.watching import DriftwardClient, DriftwardFailed, Watcher
from local.dev.emulator import azurite, install_azurite
from local.dev.npm import InstallFailed
from local.dev.processes import ProcessFailed, is_free
from local.simulator.client import ArmCallFailed, SimulatorClient
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.model.errors import ConfigurationError
from shared.wiring import Wiring

_TAKEN_OVER: Final = (
    "ENFORCEMENT_MODE",
    "POLICIES_FILE",
    "COALESCE_SECONDS",
    "SETTLE_SECONDS",
    "SWEEP_SCHEDULE",
    "ALERT_URLS",
)
_QUICK: Final = {"SCOPES": world.SCOPE, "COALESCE_SECONDS": "1", "SETTLE_SECONDS": "5"}
_FOLLOW_SECONDS: Final = 0.2
_EVENT: Final = "docs/examples/firewall-rule-written.json"
HOST_PORT: Final = 7071
SIMULATOR_PORT: Final = 8100


def up() -> int:
    """Run until Ctrl-C; returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's background jobs ignore it
        signal.signal(number, _interrupt)
    try:
        _ = Wiring(os.environ).configuration  # a mistake in policies.yaml is told before anything starts
        install_azurite()
        with tempfile.TemporaryDirectory(prefix="driftward-up-") as name:
            return _serve(Path(name))
    except KeyboardInterrupt:
        print("\nended: nothing listens any more")
        return 0
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    except (InstallFailed, ProcessFailed, DriftwardFailed, ArmCallFailed, OSError) as error:
        print(f"the set-up failed: {error}", file=sys.stderr)
        return 2


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _serve(folder: Path) -> int:
    with (
        azurite(folder / "azurite.log") as storage,
        simulator(folder, free_or_any(SIMULATOR_PORT, "simulator")) as azure,
    ):
        azure.switches(retry_after_seconds=1)
        azure.seed(world.resources(), replace=True)
        settings = app_settings(storage, azure, {**_QUICK, **chosen(os.environ)})
        with _host(folder, settings) as (running, key):
            azure.subscribe(running.webhook)
            seen = _first_reading(running, key, azure)
            print(guide(running, key, azure, storage, settings["ENFORCEMENT_MODE"]))
            print(
                f"\nDriftward has read {seen} servers and subnets. Its log follows; Ctrl-C ends everything.\n"
            )
            return _follow(running)


def free_or_any(port: int, who: str) -> int:
    """The port where it is free; otherwise 0, with which the system picks one, and that is said."""
    if is_free(port):
        return port
    print(f"{who}: port {port} is taken, the system picks another")
    return 0


def chosen(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings that are taken from the environment, as far as they are set."""
    return {name: environment[name] for name in _TAKEN_OVER if environment.get(name)}


@contextmanager
def _host(folder: Path, settings: Mapping[str, str]) -> Iterator[tuple[Host, str | None]]:
    """The host and its key: the Core Tools, which ask for none, where they are, else our emulation."""
    tools, port = core_tools(), free_or_any(HOST_PORT, "host")
    if tools.func is not None:
        print(f"host: the Core Tools ({tools.func})")
        with core_tools_host(folder, settings, tools.func, port) as running:
            yield running, None
        return
    print(f"host: an emulation of the Functions host, because {tools.why_not}")
    key = secrets.token_urlsafe(16)
    with host(folder, settings, f"--function-key={key}", port=port) as running:
        yield running, key


def _first_reading(running: Host, key: str | None, azure: SimulatorClient) -> int:
    client = DriftwardClient(url=running.url, key=key)
    watcher = Watcher(driftward=client, azure=azure, app_id=LOCAL_IDENTITY.app_id or "", audit=True)
    return len(watcher.run({"scope": world.SCOPE})["targets"])


def guide(running: Host, key: str | None, azure: SimulatorClient, storage: str, mode: str) -> str:
    """Addresses, keys and calls, each ready to be copied into a shell."""
    sections = [
        ("Addresses", _addresses(running, key, azure, storage, mode)),
        ("For a shell: the README's commands use these", exports(running, key, azure)),
        ("Driftward", _driftward_calls(running, key)),
        ("An operator (any name is a token)", _operator_calls(azure)),
        ("The simulator", _simulator_calls(azure)),
    ]
    return "\n".join(f"\n{title}\n" + "\n".join(f"  {line}" for line in lines) for title, lines in sections)


def _addresses(running: Host, key: str | None, azure: SimulatorClient, storage: str, mode: str) -> list[str]:
    return [
        f"host       {running.url} (mode {mode}; ENFORCEMENT_MODE=enforce make up writes)",
        f"key        {key or 'none: the Core Tools ask for none'}",
        f"webhook    {running.webhook}",
        f"simulator  {azure.url}",
        f"storage    {storage}",
        f"log        {running.process.log_path}",
    ]


def exports(running: Host, key: str | None, azure: SimulatorClient) -> list[str]:
    """What a shell must know for the README's commands, as lines to paste."""
    return [
        f"export HOST={running.url} KEY={key or ''}",
        f"export SIMULATOR={azure.url} ARM_ENDPOINT={azure.url} SUBSCRIPTION={world.SUBSCRIPTION}",
        f"export SERVER_ID={world.ORDERS}",
        f"export SUBNET_ID={world.SUBNET}",
        f"export NSG_ID={world.NSG}",
    ]


def _driftward_calls(running: Host, key: str | None) -> list[str]:
    header = f" -H 'x-functions-key: {key}'" if key else ""
    json_type = " -H 'Content-Type: application/json'"
    api = f"{running.url}/api"
    return [
        f"curl -s {api}/health",
        f"curl -s {api}/policies{header}",
        f"curl -s '{api}/alerts?status=open'{header}",
        f"curl -s {api}/changes{header}",
        f"""curl -s {api}/runs{header}{json_type} -d '{{"resourceId": "{world.ORDERS}"}}'""",
        f"""curl -s {api}/runs{header}{json_type} -d '{{"scope": "{world.SCOPE}"}}'""",
        f"curl -s -X POST {running.url}/admin/functions/sweep{header}{json_type} -d '{{}}'",
        f"{sys.executable} -m driftward replay {_EVENT} --to '{running.webhook}'",
    ]


def _operator_calls(azure: SimulatorClient) -> list[str]:
    headers = "-H 'Authorization: Bearer jane.doe' -H 'Content-Type: application/json'"
    server, rule = f"{azure.url}{world.ORDERS}", f"{azure.url}{world.BILLING}/firewallRules/anything"
    opened = '{"properties": {"network": {"publicNetworkAccess": "Enabled"}}}'
    all_azure = '{"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "0.0.0.0"}}'
    return [
        f"curl -s -X PATCH '{server}?api-version=2026-10-01' {headers} -d '{opened}'",
        f"curl -s -X PUT '{rule}?api-version=2026-10-01' {headers} -d '{all_azure}'",
        f"curl -s '{server}?api-version=2026-10-01' -H 'Authorization: Bearer jane.doe'",
    ]


def _simulator_calls(azure: SimulatorClient) -> list[str]:
    return [
        f"curl -s {azure.url}/_sim/",
        f"curl -s '{azure.url}/_sim/calls?appId={LOCAL_IDENTITY.app_id}'",
        f"curl -s {azure.url}/_sim/topics/{ALERT_TOPIC}",
    ]


def _follow(running: Host) -> int:
    """Show the host's log as it grows; returns when the host has ended by itself."""
    with running.process.log_path.open(encoding="utf-8", errors="replace") as log:
        log.seek(0, os.SEEK_END)
        rest = ""
        while os.waitid(os.P_PID, running.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            rest = _show(rest + log.read())
            time.sleep(_FOLLOW_SECONDS)
        _show(f"{rest}{log.read()}\n")
    print("the host has ended by itself", file=sys.stderr)
    return 1


def _show(text: str) -> str:
    """Print the whole lines of a text; returns what is left, the beginning of a line."""
    lines, _, rest = text.rpartition("\n")
    for shown in cards(lines.splitlines()):
        print(shown)
    sys.stdout.flush()
    return rest
