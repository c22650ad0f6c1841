"""The deployment's command subscribes with the filter that is made from the table of events."""

from __future__ import annotations

import shlex

from local.dev.environments import ROOT
from local.pages.events_page import event_filter
from shared.model import Json


def test_the_deployment_subscribes_with_the_derived_filter() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    lines = page.replace("\\\n", " ").splitlines()
    (command,) = [
        line for line in lines if line.startswith("az eventgrid system-topic event-subscription create")
    ]
    words = shlex.split(command)
    derived: Json = event_filter()
    (advanced,) = derived["advancedFilters"]
    assert _after(words, "--included-event-types") == derived["includedEventTypes"]
    expected = [advanced["key"], advanced["operatorType"], *advanced["values"]]
    assert _after(words, "--advanced-filter") == expected


def _after(words: list[str], option: str) -> list[str]:
    rest = words[words.index(option) + 1 :]
    ends = [at for at, word in enumerate(rest) if word.startswith("--")]
    return rest[: ends[0]] if ends else rest
