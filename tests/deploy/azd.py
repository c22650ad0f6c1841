"""What `azd` does with the commands of the pages: `azure.yaml`, its hooks in order, `infra/`, the package.

It knows its own environment and nothing else of the cloud than anybody does. What it asks a person for is
answered with names (`NAMES`).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from local.dev.bicep.deploying import Scope, deploy
from tests.deploy.cloud import SITE, Cloud, Refused
from tests.deploy.programs import Call, Said
from tests.infra.one_set import azure_yaml

NAMES: Final = {"AZURE_LOCATION": "canadacentral"}
"""What azd asks for when it is first needed."""
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?:=([^}]*))?\}")


class Azd:
    """The command over a cloud, in a project's folder."""

    def __init__(self, cloud: Cloud, publish: Callable[[str, Path], None]) -> None:
        self.cloud = cloud
        self.environment: dict[str, str] = {}
        self.did: list[str] = []
        self._publish = publish

    def __call__(self, call: Call) -> Said:
        try:
            return Said(out=self._done(call))
        except Refused as refused:
            return Said(code=1, errors=f"ERROR: {call}: {refused}\n")

    def _done(self, call: Call) -> str:
        match call.words:
            case ("auth", "login"):
                return ""
            case ("env", "new", name):
                self.environment |= {"AZURE_ENV_NAME": name, "AZURE_SUBSCRIPTION_ID": self.cloud.subscription}
                return ""
            case ("env", "set", name, text):
                self._known()[name] = text
                return ""
            case ("env", "get-value", name):
                return f"{self._value(name)}\n"
            case ("up",):
                return self._around("up", call, lambda: self._steps(call))
            case ("hooks", "run", point):
                self._hook(point, call)
                return ""
        return self._step(" ".join(call.words), call)

    def _known(self) -> dict[str, str]:
        if "AZURE_ENV_NAME" not in self.environment:
            raise Refused("no environment exists: azd env new")
        return self.environment

    def _value(self, name: str) -> str:
        if name not in self._known():
            raise Refused(f"key '{name}' not found in the environment values")
        return self.environment[name]

    def _steps(self, call: Call) -> None:
        for step in azure_yaml(call.folder)["workflows"]["up"]["steps"]:
            self._step(step["azd"], call)

    def _step(self, words: str, call: Call) -> str:
        what, *rest = words.split()
        match what:
            case "provision" if not rest:
                return self._around("provision", call, lambda: self._provision(call.folder))
            case "deploy":
                return self._around("deploy", call, lambda: self._deploy(rest, call.folder))
        raise Refused(f"azd {words} is not known here")

    def _around(self, what: str, call: Call, do: Callable[[], None]) -> str:
        self._hook(f"pre{what}", call)
        do()
        self.did.append(what)
        self._hook(f"post{what}", call)
        return ""

    def _provision(self, project: Path) -> None:
        yaml = azure_yaml(project)
        infra = project / yaml["infra"]["path"]
        for name, text in NAMES.items():
            self._known().setdefault(name, text)
        template = infra / f"{yaml['infra']['module']}.bicep"
        outputs = deploy(
            template, Scope(subscription=self.cloud.subscription), dict(self._parameters(infra)), self.cloud
        )
        self.environment |= {name: str(text) for name, text in outputs.items()}

    def _parameters(self, infra: Path) -> Iterator[tuple[str, str]]:
        told = json.loads((infra / "main.parameters.json").read_text("utf-8"))["parameters"]
        for name, given in told.items():
            yield (
                name,
                _VARIABLE.sub(lambda found: self.environment.get(found[1], found[2] or ""), given["value"]),
            )

    def _deploy(self, words: Sequence[str], project: Path) -> None:
        """What is built is nothing that a check of hashes has seen, so a package must be named."""
        if len(words) != 3 or words[1] != "--from-package":
            raise Refused("azd deploy would send the sources without what they import")
        name, _, package = words
        if azure_yaml(project)["services"][name]["remoteBuild"] is not False:
            raise Refused("azd would have Azure build the package anew")
        sites = [
            one["id"]
            for one in self.cloud.all_of(SITE)
            if (one.get("tags") or {}).get("azd-service-name") == name
        ]
        if len(sites) != 1:
            raise Refused(
                f"unable to find a resource tagged with 'azd-service-name: {name}'. Provision first."
            )
        self._publish(sites[0], project / package)

    def _hook(self, point: str, call: Call) -> None:
        hook = azure_yaml(call.folder)["hooks"].get(point)
        if hook is None:
            return
        done = subprocess.run(
            _command(hook, call.folder),
            cwd=call.folder,
            env={**call.environment, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        self.did.append(point)
        if done.returncode:
            raise Refused(f"the hook {point} ended with {done.returncode}: {done.stdout}{done.stderr}")


def _command(hook: Mapping[str, Any], project: Path) -> list[str]:
    if hook.get("kind") == "python":
        return [sys.executable, "-I", "-S", os.fspath(project / hook["run"])]
    return [hook["shell"], "-c", hook["run"]]
