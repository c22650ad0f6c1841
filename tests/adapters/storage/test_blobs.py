"""What every ``Blobs`` promises."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.model.errors import EntityChanged
from shared.model.interfaces import Blobs

CONTAINER = "kept"


def test_a_container_that_nobody_wrote_reads_as_empty(blobs: Blobs) -> None:
    assert blobs.get(CONTAINER, "a") is None
    assert list(blobs.names(CONTAINER)) == []
    blobs.delete(CONTAINER, "a")


@pytest.mark.parametrize("data", [b"", b"{}", bytes(range(256)), b"x" * 2_000_000])
def test_a_blob_is_read_as_it_was_written(blobs: Blobs, data: bytes) -> None:
    blobs.put(CONTAINER, "a", data)
    assert blobs.get(CONTAINER, "a") == data


def test_writing_again_overwrites(blobs: Blobs) -> None:
    blobs.put(CONTAINER, "a", b"first and longer")
    blobs.put(CONTAINER, "a", b"second")
    assert blobs.get(CONTAINER, "a") == b"second"


def test_names_are_listed_by_prefix_in_order(blobs: Blobs) -> None:
    for name in ("break-glass/b", "break-glass", "other", "break-glass/a"):
        blobs.put(CONTAINER, name, b"x")
    assert list(blobs.names(CONTAINER, "break-glass")) == ["break-glass", "break-glass/a", "break-glass/b"]
    assert list(blobs.names(CONTAINER, "break-glass/")) == ["break-glass/a", "break-glass/b"]
    assert "other" in list(blobs.names(CONTAINER))


def test_a_deleted_blob_is_gone_and_deleting_it_again_succeeds(blobs: Blobs) -> None:
    blobs.put(CONTAINER, "a", b"x")
    for _ in range(2):
        blobs.delete(CONTAINER, "a")
    assert blobs.get(CONTAINER, "a") is None
    assert list(blobs.names(CONTAINER)) == []


def test_what_is_written_is_listed_with_its_time_and_written_anew_is_younger(blobs: Blobs) -> None:
    for name in ("b1", "a2", "a1"):
        blobs.put(CONTAINER, name, b"x")
    assert list(blobs.written("nobodys")) == []
    assert [one.name for one in blobs.written(CONTAINER)] == ["a1", "a2", "b1"]
    first = next(blobs.written(CONTAINER, "a"))
    blobs.put(CONTAINER, "a1", b"x")
    again = next(blobs.written(CONTAINER, "a"))
    assert again.at >= first.at
    assert again.at.tzinfo is not None
    assert again.etag != first.etag, "the same bytes, written again"


def test_a_blob_that_was_written_since_it_was_listed_is_not_deleted(blobs: Blobs) -> None:
    blobs.put(CONTAINER, "a", b"x")
    (listed,) = blobs.written(CONTAINER)
    blobs.put(CONTAINER, "a", b"x")
    with pytest.raises(EntityChanged):
        blobs.delete(CONTAINER, "a", listed.etag)
    assert blobs.get(CONTAINER, "a") == b"x"
    (listed,) = blobs.written(CONTAINER)
    blobs.delete(CONTAINER, "a", listed.etag)
    assert blobs.get(CONTAINER, "a") is None


def test_many_may_meet_a_missing_container_at_once(blobs: Blobs) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: blobs.put(CONTAINER, f"{n:02}", b"x"), range(16)))
    assert len(list(blobs.names(CONTAINER))) == 16
