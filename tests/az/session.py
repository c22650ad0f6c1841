"""One long-lived azure-cli that is signed in at the simulator, for tests that run what is printed.

The process is started once and takes commands one at a time. Its configuration is a folder of its own, which
holds a signed-in account for every subscription that a scenario knows and the simulator as a registered
cloud, so that it neither waits for nor disturbs the processes that only parse.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from local.dev.azure_cli import ensure_azure_cli, variables
from local.simulator.client import Actor, fake_token
from local.simulator.values import TENANT
from shared.model.values import value

ENDPOINT = "https://arm.simulated.example"
"""ARM of the cloud in which everything here takes place: not the public one, so that a command which names
that is found out."""
CLOUD = "Simulated"
PERSON = Actor(app_id="azure-cli", object_id="petra-object", name="Petra", upn="petra@example.com")
_SCRIPT = Path(__file__).with_name("run_commands.py")


@value
class Said:
    """How a command ended: its exit code, what it printed, and its warnings and errors."""

    code: int
    out: str
    errors: str


class AzureCli:
    """The running process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, command: str) -> Said:
        """What ``az …`` does and says; what fails is an answer too."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"command": command}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"azure-cli ended over: {command}"
        return Said(**json.loads(answer))


@contextmanager
def signed_in(simulator: str, subscriptions: Sequence[str]) -> Iterator[AzureCli]:
    """azure-cli with the simulator as its cloud and an account for each subscription."""
    python = ensure_azure_cli()
    with TemporaryDirectory(prefix="azure-cli-") as folder:
        config = Path(folder)
        _write_accounts(config, subscriptions)
        process = subprocess.Popen(
            [str(python), str(_SCRIPT), *_arguments(simulator)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(config / "stderr").open("w"),
            env={**variables(), "AZURE_CONFIG_DIR": folder},
            text=True,
        )
        try:
            cli = AzureCli(process)
            _enter_cloud(cli)
            yield cli
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()


def _arguments(simulator: str) -> list[str]:
    token = fake_token(PERSON.app_id, PERSON.object_id, PERSON.name, PERSON.upn)
    return ["--endpoint", ENDPOINT, "--simulator", simulator, "--token", token]


def _enter_cloud(cli: AzureCli) -> None:
    """As a user of a cloud of one's own does it."""
    for command in (
        f"az cloud register --name {CLOUD} --endpoint-resource-manager {ENDPOINT}",
        f"az cloud set --name {CLOUD}",
        "az account show",
    ):
        said = cli.run(command)
        assert said.code == 0, f"{command}: {said.errors}"


def _write_accounts(config: Path, subscriptions: Sequence[str]) -> None:
    """What ``az login`` leaves behind."""
    accounts = [
        {
            "id": one,
            "name": f"Subscription {number}",
            "state": "Enabled",
            "user": {"name": PERSON.upn, "type": "user"},
            "isDefault": number == 1,
            "tenantId": TENANT,
            "environmentName": CLOUD,
            "homeTenantId": TENANT,
            "managedByTenants": [],
        }
        for number, one in enumerate(subscriptions, start=1)
    ]
    text = json.dumps({"installationId": "00000000-0000-4000-8000-000000000000", "subscriptions": accounts})
    (config / "azureProfile.json").write_text(text, encoding="utf-8-sig")
