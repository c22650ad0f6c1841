"""Blobs of the store: addressed by what they hold, and dead letters."""

import json

import pytest

from shared.model.errors import StoreError
from shared.state.store import Store
from tests.adapters.storage.examples import NOW, PROOF, snapshot
from tests.state.store.bench import EVERYWHERE, LATER, Bench


@EVERYWHERE
def test_equal_values_share_a_reference_and_are_read_back(bench: Bench) -> None:
    first = bench.store.keep(snapshot())
    assert bench.store.keep(snapshot()) == first
    assert bench.store.keep(snapshot(read_at=LATER)) != first
    assert bench.store.snapshot(first) == snapshot()
    assert len(list(bench.blobs.names("snapshots"))) == 2
    assert bench.store.proof(bench.store.keep(PROOF)) == PROOF


def test_an_unknown_reference_is_none(store: Store) -> None:
    assert store.snapshot("0" * 64) is None
    assert store.proof("0" * 64) is None


def test_a_blob_that_was_tampered_with_is_a_store_error(bench: Bench) -> None:
    reference = bench.store.keep(PROOF)
    bench.blobs.put("snapshots", reference, b'{"steps":[]}')
    with pytest.raises(StoreError, match=reference):
        bench.store.proof(reference)


@EVERYWHERE
@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("{not json", {"body": "{not json"}),
        ('{"é":1}'.encode(), {"body": '{"é":1}'}),
        (b"\xff\x00", {"bodyBase64": "/wA="}),
    ],
)
def test_a_dead_letter_holds_reason_and_original(
    bench: Bench, body: str | bytes, kept: dict[str, str]
) -> None:
    name = bench.store.dead_letter("no such type", body, NOW)
    assert name.startswith("2026/01/01/120000.000000Z-")
    letter = bench.blobs.get("deadletters", name)
    assert letter is not None
    assert json.loads(letter) == {"reason": "no such type", "time": "2026-01-01T12:00:00Z", **kept}


def test_dead_letters_of_one_moment_do_not_overwrite_each_other(bench: Bench) -> None:
    names = {bench.store.dead_letter("r", body, NOW) for body in ("a", "b")}
    assert set(bench.blobs.names("deadletters")) == names
    assert len(names) == 2
