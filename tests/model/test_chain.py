"""A chain of hashes by itself: whatever is done to its links, the check says so, and a whole one is quiet."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.model.chain import Entry, FaultKind, Head, after, beginning, check_chain
from shared.model.deeds import Deed, DeedKind

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def chain(length: int, name: str = "/subscriptions/a/server") -> list[Entry]:
    head, made = beginning(name), []
    for number in range(length):
        deed = Deed(kind=DeedKind.SWITCH_ON, time=NOW, what={"switch": f"number {number}"})
        entry = after(head, deed)
        made.append(entry)
        head = head_of(name, entry)
    return made


def head_of(name: str, entry: Entry) -> Head:
    return Head(chain=name, sequence=entry.sequence, hash=entry.hash)


def kinds(entries: list[Entry], head: Head | None = None) -> list[FaultKind]:
    return [fault.kind for fault in check_chain(entries, head)]


def test_a_whole_chain_is_quiet_in_whatever_order_it_is_read() -> None:
    whole = chain(5)
    assert check_chain(whole) == ()
    assert check_chain(whole[::-1], head_of("/subscriptions/a/server", whole[-1])) == ()
    assert check_chain([]) == ()


def test_a_chain_that_grew_while_it_was_read_is_quiet() -> None:
    whole = chain(5)
    assert check_chain(whole, head_of("/subscriptions/a/server", whole[2])) == ()


def test_links_that_are_not_there_are_named() -> None:
    whole = chain(6)
    assert kinds([*whole[:1], *whole[3:]]) == [FaultKind.LINK_MISSING]
    assert "links 2 to 3" in check_chain([*whole[:1], *whole[3:]])[0].detail
    assert kinds(whole[1:]) == [FaultKind.LINK_MISSING]
    assert kinds(whole[:4], head_of("/subscriptions/a/server", whole[5])) == [FaultKind.LINK_MISSING]


def test_a_link_in_anothers_place_is_found() -> None:
    whole, other = chain(3), chain(3, "/subscriptions/b/server")
    assert FaultKind.LINK_MISPLACED in kinds([whole[0], other[1], whole[2]])
    moved = Entry(sequence=2, text=whole[2].text)
    assert FaultKind.LINK_MISPLACED in kinds([whole[0], moved])


def test_the_last_link_is_checked_by_its_head_alone() -> None:
    whole = chain(2)
    changed = Entry(sequence=2, text=whole[1].text.replace("number 1", "number 7"))
    assert kinds([whole[0], changed]) == []
    assert kinds([whole[0], changed], head_of("/subscriptions/a/server", whole[1])) == [
        FaultKind.LINK_CHANGED
    ]


@given(data=st.data(), length=st.integers(2, 8))
def test_any_other_character_anywhere_is_found(data: st.DataObject, length: int) -> None:
    whole = chain(length)
    number = data.draw(st.integers(0, length - 1))
    text = whole[number].text
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from('0aZ" {}:,').filter(lambda sign: sign != text[at]))
    changed = Entry(sequence=number + 1, text=text[:at] + other + text[at + 1 :])
    touched = [*whole[:number], changed, *whole[number + 1 :]]
    assert kinds(touched, head_of("/subscriptions/a/server", whole[-1]))
