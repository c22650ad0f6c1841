"""What the tests of the local host share: the sample app, its records, and waiting for things to happen."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

SAMPLE_APP = Path(__file__).parent / "apps" / "sample"
T = TypeVar("T")
NEVER = "0 0 0 29 2 1"


def sample_env(record: Path, **more: str) -> dict[str, str]:
    """The settings of the sample app, with its queue function off and its timer far away."""
    settings = {
        "RECORD": str(record),
        "TICK": NEVER,
        "JOBS_QUEUE": "jobs",
        "AzureWebJobs.jobs.Disabled": "true",
    }
    return {**settings, **more}


def records(path: Path, kind: str) -> list[Mapping[str, object]]:
    """What the sample app's functions of that kind wrote down so far."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [content for content in map(json.loads, lines) if content["kind"] == kind]


def eventually(look: Callable[[], T | None], what: str, seconds: float = 300.0) -> T:
    """The first truthy value of `look`, or a failure that names what never came."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.03)
    raise AssertionError(f"{what}: not within {seconds:g} s")
