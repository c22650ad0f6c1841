"""What every ``Tables`` promises."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.model.errors import EntityChanged, EntityExists, StoreError
from shared.model.interfaces import Insert, Put, Replace, Row, Tables

TABLE = "things"


def insert(row: str, properties: Row | None = None, partition: str = "p") -> Insert:
    return Insert(partition=partition, row=row, properties=properties or {"n": 1})


def replace(row: str, etag: str, properties: Row | None = None) -> Replace:
    return Replace(partition="p", row=row, properties=properties or {"n": 2}, etag=etag)


def rows(tables: Tables, partition: str | None = "p", prefix: str = "") -> list[str]:
    return [entity.row for entity in tables.query(TABLE, partition, prefix)]


def test_a_table_that_nobody_wrote_reads_as_empty(tables: Tables) -> None:
    assert tables.get(TABLE, "p", "r") is None
    assert rows(tables) == []
    tables.delete(TABLE, "p", "r")


def test_an_entity_is_read_as_it_was_written(tables: Tables) -> None:
    properties: Row = {
        "text": "Grüße, 世界 🐘 'quoted' \"and\" <marked>",
        "empty": "",
        "looksLikeTime": "2026-01-01T00:00:00Z",
        "small": 7,
        "large": 2**40,
        "negative": -1,
        "yes": True,
        "no": False,
    }
    (etag,) = tables.write(TABLE, insert("r", properties))
    entity = tables.get(TABLE, "p", "r")
    assert entity is not None
    assert dict(entity.properties) == properties
    assert [type(entity.properties[name]) for name in ("large", "yes")] == [int, bool]
    assert (entity.partition, entity.row, entity.etag) == ("p", "r", etag)


def test_a_listing_may_read_some_properties_only(tables: Tables) -> None:
    (etag,) = tables.write(TABLE, insert("a", {"n": 1, "long": "x" * 1000, "yes": True}))
    tables.write(TABLE, insert("b", {"long": "y"}))
    found = list(tables.query(TABLE, "p", "", ("n", "yes", "absent")))
    assert [(entity.row, dict(entity.properties)) for entity in found] == [
        ("a", {"n": 1, "yes": True}),
        ("b", {}),
    ]
    assert found[0].etag == etag


def test_inserting_twice_raises_and_keeps_the_first(tables: Tables) -> None:
    tables.write(TABLE, insert("r", {"n": 1}))
    with pytest.raises(EntityExists):
        tables.write(TABLE, insert("r", {"n": 2}))
    entity = tables.get(TABLE, "p", "r")
    assert entity is not None
    assert entity.properties["n"] == 1


def test_replacing_takes_the_etag_of_the_last_write(tables: Tables) -> None:
    (first,) = tables.write(TABLE, insert("r", {"n": 1, "old": "x"}))
    (second,) = tables.write(TABLE, replace("r", first))
    with pytest.raises(EntityChanged):
        tables.write(TABLE, replace("r", first, {"n": 3}))
    entity = tables.get(TABLE, "p", "r")
    assert entity is not None
    assert dict(entity.properties) == {"n": 2}
    assert entity.etag == second != first


def test_replacing_what_was_deleted_is_a_lost_race(tables: Tables) -> None:
    (etag,) = tables.write(TABLE, insert("r"))
    tables.delete(TABLE, "p", "r")
    with pytest.raises(EntityChanged):
        tables.write(TABLE, replace("r", etag))
    assert tables.get(TABLE, "p", "r") is None


def test_an_etag_does_not_survive_deleting_and_inserting_again(tables: Tables) -> None:
    (etag,) = tables.write(TABLE, insert("r"))
    tables.delete(TABLE, "p", "r")
    tables.write(TABLE, insert("r"))
    with pytest.raises(EntityChanged):
        tables.write(TABLE, replace("r", etag))


def test_a_transaction_applies_as_a_whole_and_answers_in_order(tables: Tables) -> None:
    (a,) = tables.write(TABLE, insert("a"))
    etags = tables.write(TABLE, replace("a", a), insert("b"), insert("c"))
    found = {entity.row: entity.etag for entity in tables.query(TABLE, "p")}
    assert found == dict(zip(("a", "b", "c"), etags, strict=True))


@pytest.mark.parametrize("stale_first", [True, False])
def test_a_transaction_with_a_stale_etag_changes_nothing(tables: Tables, stale_first: bool) -> None:
    (stale,) = tables.write(TABLE, insert("a", {"n": 1}))
    tables.write(TABLE, replace("a", stale, {"n": 5}))
    writes = [replace("a", stale, {"n": 9}), insert("b")]
    with pytest.raises(EntityChanged):
        tables.write(TABLE, *(writes if stale_first else reversed(writes)))
    assert [(entity.row, entity.properties["n"]) for entity in tables.query(TABLE, "p")] == [("a", 5)]


def test_a_transaction_with_an_existing_row_changes_nothing(tables: Tables) -> None:
    tables.write(TABLE, insert("b", {"n": 1}))
    with pytest.raises(EntityExists):
        tables.write(TABLE, insert("a"), insert("b", {"n": 2}), insert("c"))
    assert rows(tables) == ["b"]


def test_a_transaction_stays_in_one_partition(tables: Tables) -> None:
    with pytest.raises(ValueError, match="partition"):
        tables.write(TABLE, insert("a", partition="p"), insert("b", partition="q"))


def test_a_transaction_has_at_most_100_writes(tables: Tables) -> None:
    tables.write(TABLE, *(insert(f"{n:03}") for n in range(100)))
    with pytest.raises(ValueError, match="100"):
        tables.write(TABLE, *(insert(f"x{n:03}") for n in range(101)))
    assert len(rows(tables)) == 100


def test_deleting_with_a_stale_etag_raises_and_keeps_the_entity(tables: Tables) -> None:
    (stale,) = tables.write(TABLE, insert("r"))
    (fresh,) = tables.write(TABLE, replace("r", stale))
    with pytest.raises(EntityChanged):
        tables.delete(TABLE, "p", "r", stale)
    assert rows(tables) == ["r"]
    tables.delete(TABLE, "p", "r", fresh)
    assert rows(tables) == []


def test_deleting_what_is_absent_succeeds_with_and_without_etag(tables: Tables) -> None:
    (etag,) = tables.write(TABLE, insert("r"))
    for _ in range(2):
        tables.delete(TABLE, "p", "r", etag)
        tables.delete(TABLE, "p", "r")


def test_a_prefix_selects_rows_of_one_partition_in_key_order(tables: Tables) -> None:
    for row in ("t-2", "t-10", "q-1", "t-1", "t", "u-1"):
        tables.write(TABLE, insert(row))
    tables.write(TABLE, insert("t-0", partition="other"))
    assert rows(tables, prefix="t-") == ["t-1", "t-10", "t-2"]
    assert rows(tables, prefix="nothing") == []
    assert rows(tables) == ["q-1", "t", "t-1", "t-10", "t-2", "u-1"]


def test_without_a_partition_all_are_listed_in_key_order(tables: Tables) -> None:
    for partition, row in (("b", "1"), ("a", "2"), ("a", "1")):
        tables.write(TABLE, insert(row, partition=partition))
    assert [(entity.partition, entity.row) for entity in tables.query(TABLE)] == [
        ("a", "1"),
        ("a", "2"),
        ("b", "1"),
    ]
    assert rows(tables, partition=None, prefix="1") == ["1", "1"]


def test_a_listing_of_more_than_a_page_is_complete_and_ordered(tables: Tables) -> None:
    expected = [f"r-{n:05}" for n in range(1250)]
    for at in range(0, len(expected), 100):
        tables.write(TABLE, *(insert(row) for row in expected[at : at + 100]))
    assert rows(tables, prefix="r-") == expected


AWKWARD = [
    "a/b",
    "a\\b",
    "a#b",
    "a?b",
    "a\tb",
    "a\x7fb",
    "a%2Fb",
    "a~2fb",
    "it's",
    "ä b",
    "世界",
    "🐘",
    "a+b=c&d",
]


@pytest.mark.parametrize("text", AWKWARD)
def test_keys_hold_any_text(tables: Tables, text: str) -> None:
    (etag,) = tables.write(TABLE, insert(text, partition=text))
    assert [(entity.partition, entity.row) for entity in tables.query(TABLE, text, text)] == [(text, text)]
    (etag,) = tables.write(TABLE, Replace(partition=text, row=text, properties={"n": 3}, etag=etag))
    found = tables.get(TABLE, text, text)
    assert found is not None
    assert found.etag == etag
    tables.delete(TABLE, text, text, etag)
    assert tables.get(TABLE, text, text) is None


def test_awkward_keys_are_listed_in_one_order_everywhere(tables: Tables) -> None:
    for text in AWKWARD:
        tables.write(TABLE, insert(text))
    by_bytes = ["a\tb", "a#b", "a%2Fb", "a+b=c&d", "a/b", "a?b", "a\\b", "a~2fb", "a\x7fb"]
    assert rows(tables) == [*by_bytes, "it's", "ä b", "世界", "🐘"]


def test_keys_differ_by_letter_case(tables: Tables) -> None:
    tables.write(TABLE, insert("Row"), insert("row"))
    assert rows(tables) == ["Row", "row"]


def test_an_entity_holds_many_long_texts(tables: Tables) -> None:
    properties = {f"json{n}": chr(ord("a") + n) * 30_000 for n in range(12)}
    tables.write(TABLE, insert("r", properties))
    entity = tables.get(TABLE, "p", "r")
    assert entity is not None
    assert dict(entity.properties) == properties


@pytest.mark.parametrize(
    "properties",
    [{"text": "x" * 40_000}, {f"json{n}": "x" * 30_000 for n in range(20)}],
    ids=["property over 64 KiB", "entity over 1 MiB"],
)
def test_what_is_too_large_is_refused(tables: Tables, properties: Row) -> None:
    with pytest.raises(StoreError):
        tables.write(TABLE, insert("r", properties))
    assert tables.get(TABLE, "p", "r") is None


def test_of_many_writers_with_one_etag_exactly_one_wins(tables: Tables) -> None:
    (etag,) = tables.write(TABLE, insert("r", {"n": 0}))

    def attempt(n: int) -> bool:
        try:
            tables.write(TABLE, replace("r", etag, {"n": n}))
        except EntityChanged:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(attempt, range(1, 17)))
    assert won.count(True) == 1
    entity = tables.get(TABLE, "p", "r")
    assert entity is not None
    assert entity.properties["n"] == won.index(True) + 1


def test_many_may_meet_a_missing_table_at_once(tables: Tables) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: tables.write(TABLE, insert(f"{n:02}")), range(16)))
    assert len(rows(tables)) == 16


def test_what_is_put_is_there_whatever_was_there_before(tables: Tables) -> None:
    tables.write(TABLE, Put(partition="p", row="a", properties={"n": "1"}))
    (etag,) = tables.write(TABLE, Put(partition="p", row="a", properties={"m": "2"}))
    tables.write(TABLE, replace("a", etag, {"o": "3"}), Put(partition="p", row="b", properties={"n": "4"}))
    assert [entity.properties for entity in tables.query(TABLE, "p")] == [{"o": "3"}, {"n": "4"}]


def test_a_listing_goes_on_behind_a_row_that_need_not_be_there(tables: Tables) -> None:
    tables.write(TABLE, *(insert(row) for row in ("x-1", "x-2", "x-4", "y-1")))
    for behind, left in (("x-1", ["x-2", "x-4"]), ("x-3", ["x-4"]), ("x-4", [])):
        assert [one.row for one in tables.query(TABLE, "p", "x-", behind=behind, page=1)] == left


def test_a_listing_of_all_partitions_goes_on_behind_one(tables: Tables) -> None:
    for partition in ("a", "b/1", "c"):
        tables.write(TABLE, Insert(partition=partition, row="1", properties={}))
        tables.write(TABLE, Insert(partition=partition, row="2", properties={}))
    found = tables.query(TABLE, None, behind="a")
    assert [(one.partition, one.row) for one in found] == [("b/1", "1"), ("b/1", "2"), ("c", "1"), ("c", "2")]
    assert [one.partition for one in tables.query(TABLE, None, "1", behind="b/1", page=1)] == ["c"]


def test_rows_are_removed_also_where_some_are_not_there(tables: Tables) -> None:
    tables.remove(TABLE, "p", ["a"])
    tables.write(TABLE, *(insert(f"r{number:03d}") for number in range(100)))
    tables.write(TABLE, *(insert(f"s{number:03d}") for number in range(5)))
    tables.remove(TABLE, "p", [f"r{number:03d}" for number in range(100)])
    assert rows(tables) == [f"s{number:03d}" for number in range(5)]
    tables.remove(TABLE, "p", ["s000", "absent", "s001", "s000"])
    assert rows(tables) == ["s002", "s003", "s004"]
