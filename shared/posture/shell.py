"""One command as a line for a POSIX shell: ``az`` with options, or ``az rest`` with a method and a body.

``az rest`` gets the path alone: azure-cli puts the endpoint of its active cloud before it (azure-cli 2.91.0,
``send_raw_request``), and ``shared.alerts.commands`` that of the settings, which nothing here knows.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from shared.model import Json
from shared.model.resource_id import ResourceId

SINGLE_API: Final = "2017-12-01"
FLEXIBLE_API: Final = "2024-08-01"


def az(command: str, chosen: Mapping[str, str | Sequence[str]]) -> str:
    """``az <command> --name value …``; several values follow one name."""
    return f"az {command} {options(chosen)}"


def options(chosen: Mapping[str, str | Sequence[str]]) -> str:
    """``--name value …`` of a command, quoted."""
    return " ".join(_option(name, value) for name, value in chosen.items())


def _option(name: str, chosen: str | Sequence[str]) -> str:
    """``--name value``; with ``=`` where the value would be taken for an option of its own."""
    if not isinstance(chosen, str):
        return " ".join([name, *(shlex.quote(item) for item in chosen)])
    separator = "=" if chosen.startswith("-") else " "
    return f"{name}{separator}{shlex.quote(chosen)}"


def place(resource: ResourceId) -> dict[str, str]:
    """Where a command finds the resource; the name of a group may begin with a hyphen."""
    return {"--subscription": resource.subscription, "--resource-group": resource.resource_group}


def rest(method: str, resource: ResourceId, child: str, api: str, body: Json = None) -> str:
    """``az rest`` on a resource of ARM or its ``child``."""
    url = f"{path_of(resource)}{child}?api-version={api}"
    said = {"--method": method, "--url": url}
    if body is not None:
        said["--body"] = json.dumps(body)
    return az("rest", said)


def with_blanks(command: str) -> str:
    """The command with what only a person knows, ``<…>`` within a quoted text, quoted by itself."""
    return re.sub(r"<[^<>']+>", lambda found: f"''{found[0]}''", command)


def path_of(resource: ResourceId) -> str:
    return quote(str(resource), safe="/()!~*,;:@")
