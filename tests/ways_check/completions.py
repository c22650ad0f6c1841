"""Every completion of what is unknown, tried one after the other.

A walk asks for a value only when it needs one, and always gets the same one for the same question. So what it
did not ask for made no difference, and one walk stands for all completions that differ only in that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import TypeAlias, TypeVar, cast

_T = TypeVar("_T", bound=Hashable)
Made: TypeAlias = tuple[tuple[str, object], ...]
"""What was asked and what was answered, in order: one completion, as far as it matters."""
MOST = 60_000
"""Completions of one world; one that has more is too large to be tried."""


class Chooser:
    """The values of one completion: the first ones as told, each further one the first that is possible."""

    def __init__(self, told: tuple[int, ...]) -> None:
        self._told = told
        self._made: dict[str, object] = {}
        self._sizes: list[int] = []

    def __call__(self, question: str, *options: _T) -> _T:
        """One of ``options``, the same whenever ``question`` is asked again."""
        if question not in self._made:
            number = len(self._sizes)
            self._sizes.append(len(options))
            self._made[question] = options[self._told[number] if number < len(self._told) else 0]
        return cast(_T, self._made[question])

    @property
    def made(self) -> Made:
        return tuple(self._made.items())

    def others(self) -> Iterator[tuple[int, ...]]:
        """What to tell so that each further question is once answered otherwise."""
        taken = [*self._told, *([0] * (len(self._sizes) - len(self._told)))]
        for number in range(len(self._told), len(self._sizes)):
            for option in range(1, self._sizes[number]):
                yield (*taken[:number], option)


def outcomes(walk: Callable[[Chooser], bool], most: int = MOST) -> dict[bool, Made]:
    """Whether the walk arrives, over all completions: what it may come to, each with one that shows it."""
    waiting: deque[tuple[int, ...]] = deque([()])
    found: dict[bool, Made] = {}
    tried = 0
    while waiting and len(found) < 2:
        chooser = Chooser(waiting.popleft())
        found.setdefault(walk(chooser), chooser.made)
        waiting.extend(chooser.others())
        tried += 1
        if tried > most:
            raise OverflowError(f"more than {most} completions")
    return found
