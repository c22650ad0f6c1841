"""Data files are checked as strictly as `policies.yaml`: every mistake is told with its line."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from local.pages.coverage_rows import Queries
from local.pages.events_page import Words, nameless
from local.pages.loading import DATA, CannotGenerate, load
from local.pages.reasons_page import Sentences, sentences, unexplained
from local.pages.roles import Roles, no_single_reader
from local.pages.transcript import LeftOut
from shared.model import Outcome, Reason

LOADED: Final[dict[str, Callable[[Path], object]]] = {
    "reasons.yaml": lambda file: load(file, Sentences, unexplained),
    "events.yaml": lambda file: load(file, Words, nameless),
    "roles.yaml": lambda file: load(file, Roles, no_single_reader),
    "queries.yaml": lambda file: load(file, Queries),
    "transcript.yaml": lambda file: load(file, LeftOut),
}
"""How each file is read."""

CHANGED: Final = {
    "a reason given twice": (
        ("reasons.yaml", "  flapping:\n", "  drift:\n"),
        "reasons.yaml:{line}: not YAML: the key 'drift' is given twice",
        "  drift:",
    ),
    "a reason without a sentence": (
        (
            "reasons.yaml",
            "  effect-off:\n    means: '`policies.yaml` switches this policy off for this target.'\n",
            "",
        ),
        "reasons.yaml:{line}: reasons: has no sentence for effect-off",
        "reasons:",
    ),
    "a reason that there is none of": (
        ("reasons.yaml", "  flapping:\n", "  fluttering:\n"),
        "reasons.yaml:{line}: reasons.fluttering.[key]: input should be 'break-glass'",
        "  flapping:",
    ),
    "a sentence of nothing": (
        ("reasons.yaml", "  Reverted: Written, read again, and compliant.\n", "  Reverted: ''\n"),
        "reasons.yaml:{line}: outcomes.Reverted: string should have at least 1 character",
        "  Reverted:",
    ),
    "a key of a reason that is not known": (
        ("reasons.yaml", "    then: Use the alert's", "    than: Use the alert's"),
        "reasons.yaml:{line}: reasons.manual.than: there is no such key",
        "    then: Use the alert's",
    ),
    "a locator without what is read": (
        ("events.yaml", "    read: 'nothing: a zone names no server'\n", ""),
        "events.yaml:{line}: locators.zone.read: is required",
        "  zone:",
    ),
    "a target that is called nothing": (
        ("events.yaml", "  subnet: the subnet\n", ""),
        "events.yaml:{line}: targets: has no words for subnet",
        "targets:",
    ),
    "a role without a name": (
        ("roles.yaml", "  - name: Driftward Reader\n    file", "  - file"),
        "roles.yaml:{line}: roles.0.name: is required",
        "  - name: Driftward Reader",
    ),
    "two readers": (
        ("roles.yaml", "    prefix: Microsoft.Network/\n", ""),
        "roles.yaml:{line}: roles: one role has no prefix, the reader; "
        "here: Driftward Reader, Driftward Network Remediator",
        "roles:",
    ),
    "no reader": (
        ("roles.yaml", "    file: reader.json\n", "    file: reader.json\n    prefix: Microsoft.X/\n"),
        "roles.yaml:{line}: roles: one role has no prefix, the reader; here: none",
        "roles:",
    ),
    "a further action for nothing": (
        ("roles.yaml", "  Microsoft.Resources/subscriptions/read: the sweep\n", "  a/read:\n"),
        "roles.yaml:{line}: furtherActions.a/read: input should be a valid string",
        "  Microsoft.Resources/subscriptions/read: the sweep",
    ),
    "a query that is no text": (
        ("queries.yaml", "flush-name-cache: resolvectl flush-caches\n", "flush-name-cache: [resolvectl]\n"),
        "queries.yaml:{line}: flush-name-cache: input should be a valid string",
        "flush-name-cache",
    ),
    "an unknown section of what is left out": (
        ("transcript.yaml", "parts:\n", "pieces: {}\nparts:\n"),
        "transcript.yaml:{line}: pieces: there is no such key",
        "parts:",
    ),
}
"""File, what stands in it, what instead; what is told first; the text of whose line it names."""


def changed(tmp_path: Path, name: str, old: str, new: str) -> str:
    """What is told when `old` stands as `new` in a data file."""
    text = (DATA / name).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CannotGenerate) as refused:
        LOADED[name](tmp_path / name)
    return str(refused.value)


def line_of(name: str, text: str) -> int:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if line.startswith(text))


@pytest.mark.parametrize("name", LOADED)
def test_every_file_as_it_is_is_accepted(name: str) -> None:
    LOADED[name](DATA / name)


@pytest.mark.parametrize("name", sorted(CHANGED))
def test_what_is_wrong_in_a_file_is_told_with_its_line(name: str, tmp_path: Path) -> None:
    (file, old, new), said, at = CHANGED[name]
    told = changed(tmp_path, file, old, new)
    assert said.format(line=line_of(file, at)) in told.splitlines()[0]


def test_all_mistakes_of_a_file_are_told_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "roles.yaml").write_text("roles: {}\nbeyondAzureResourceManager: []\nmore: 1\n", "utf-8")
    with pytest.raises(CannotGenerate) as refused:
        LOADED["roles.yaml"](tmp_path / "roles.yaml")
    told = [line.partition(": ")[2].partition(":")[0] for line in str(refused.value).splitlines()]
    assert told == ["furtherActions", "roles", "more"]


@pytest.mark.parametrize("text", ["", "- a list\n", "a: [\n"])
def test_what_is_no_file_of_data_is_refused_with_its_name(text: str, tmp_path: Path) -> None:
    (tmp_path / "reasons.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(CannotGenerate, match=r"^reasons\.yaml:\d+: "):
        LOADED["reasons.yaml"](tmp_path / "reasons.yaml")


def test_a_reason_or_outcome_without_a_sentence_is_found() -> None:
    held = sentences()
    assert list(unexplained(held)) == []
    reasons, outcomes = dict(held.reasons), dict(held.outcomes)
    del reasons[Reason.FLAPPING]
    del outcomes[Outcome.CONFLICTED]
    fewer = Sentences(reasons=reasons, outcomes=outcomes)
    told = [(mistake.path, mistake.reason) for mistake in unexplained(fewer)]
    assert told == [
        (("reasons",), "has no sentence for flapping"),
        (("outcomes",), "has no sentence for Conflicted"),
    ]


def test_a_file_of_the_project_is_named_by_its_path() -> None:
    with pytest.raises(CannotGenerate, match=r"^local/pages/data/roles\.yaml:7: outcomes: is required\n"):
        load(DATA / "roles.yaml", Sentences)
