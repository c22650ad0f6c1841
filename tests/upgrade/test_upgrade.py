"""What an earlier version stored is read: every kind of record, of every version whose set is kept here.

A set is written by `python -m tests.upgrade.writing` when a version is released, and never again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

import driftward
from local.dev.environments import ROOT
from shared.guardrails.budget import Budget
from shared.model import Change, Json, Proof, ServerSnapshot, Snapshot, SubnetSnapshot, Target, codec
from shared.model.alert_records import AlertRecord
from shared.model.anchors import Anchor, AnchorMark, Inherited
from shared.model.chain import Head, Link
from shared.model.change_records import ChangeRecord
from shared.model.drifting import Drift
from shared.model.interfaces import Relation
from shared.model.letters import Letter
from shared.model.memory import NameRecord, TargetRecord
from shared.model.messages import Message
from shared.model.results import RunRecord, TargetResult
from shared.model.retention import RetentionPass
from shared.model.scope_exemptions import ScopeExemption
from shared.model.sweeping import PassRecord
from shared.state.coalescing import Coalesced
from shared.state.filled import Filled
from shared.state.heard_rows import LastEvent
from shared.state.journal import Standing
from tests.upgrade.writing import HERE

FORMS: Final[Mapping[str, Any]] = {
    **{
        form.__name__: form
        for form in (
            *(AlertRecord, Anchor, AnchorMark, Budget, Change, ChangeRecord, Coalesced, Drift, Filled, Head),
            *(Inherited, LastEvent, Letter, Link, Message, NameRecord, PassRecord, Proof, Relation),
            *(RetentionPass, RunRecord, ScopeExemption, Standing, Target, TargetRecord, TargetResult),
        )
    },
    ServerSnapshot.__name__: Snapshot,
    SubnetSnapshot.__name__: Snapshot,
}
"""The kinds of records, by the name under which a set holds them, and what each is read as."""
GONE: Final[Mapping[str, frozenset[str]]] = {}
"""Fields of a kind that a later version reads no more, on purpose."""
SETS: Final = sorted(HERE.glob("records-*.json"))
_READ: Final = re.compile(r"(?:codec\.load|\.value|\.find|\.record|\.text_value)\(\s*([A-Z]\w+),")


def records(path: Path) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))["records"]
    return kept


CASES: Final = [
    pytest.param(kind, text, id=f"{path.stem}-{kind}-{number}")
    for path in SETS
    for kind, texts in sorted(records(path).items())
    if kind in FORMS
    for number, text in enumerate(texts)
]


@pytest.mark.parametrize(("kind", "text"), CASES)
def test_what_an_earlier_version_stored_is_read_and_says_the_same(kind: str, text: str) -> None:
    read = codec.load(FORMS[kind], text)
    lost = sorted(missing(json.loads(text), json.loads(codec.dump(read)), GONE.get(kind, frozenset())))
    assert lost == []


def missing(old: Json, new: Json, gone: frozenset[str], where: str = "") -> Iterator[str]:
    """What was said and is not said any more; what is said besides is news."""
    match old, new:
        case dict(), dict():
            for name in old.keys() - gone:
                yield from missing(old[name], new.get(name, "nothing"), gone, f"{where}.{name}")
        case list(), list() if len(old) == len(new):
            for number, (before, now) in enumerate(zip(old, new, strict=True)):
                yield from missing(before, now, gone, f"{where}[{number}]")
        case _ if old != new:
            yield where


def test_a_set_holds_every_kind_that_is_stored() -> None:
    """A kind that is new belongs to the next version's set; until then it is in this one's."""
    held = records(HERE / f"records-{driftward.__version__}.json")
    assert sorted(FORMS.keys() - held.keys()) == []


def test_every_kind_that_the_source_reads_is_one_of_the_kinds() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "shared").rglob("*.py"))]
    read = {name for text in texts for name in _READ.findall(text) if not name.isupper()}
    assert read - {"Snapshot"} <= FORMS.keys()
    assert read >= {"AlertRecord", "ChangeRecord", "TargetRecord", "Message", "Link", "Snapshot"}


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 1}, {"b": 1}, [".a"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, [".a[0].b"]),
        ({"a": [1]}, {"a": []}, [".a"]),
        ({"a": None}, {}, [".a"]),
    ],
    ids=["a field more", "renamed", "another value", "shorter", "null"],
)
def test_what_is_lost_is_seen(old: Json, new: Json, lost: list[str]) -> None:
    assert list(missing(old, new, frozenset())) == lost


def test_every_edit_that_a_change_may_hold_is_in_the_set() -> None:
    from typing import get_args

    from shared.model import Edit

    kinds = {form.__dataclass_fields__["kind"].default for form in get_args(Edit)}
    held = "".join(text for path in SETS[-1:] for text in records(path)["Change"])
    assert {kind for kind in kinds if f'"kind":"{kind}"' in held} == kinds
