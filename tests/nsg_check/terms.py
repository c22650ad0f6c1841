"""The little of z3 that the second engine uses, with types.

z3-solver is published without type information. This is the one module that imports it; what comes out
is a ``Term`` (a formula or a bit vector), a ``Seeker`` (a solver) or a plain number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NewType

import z3  # type: ignore[import-untyped]  # z3-solver ships neither stubs nor a py.typed marker

Term = NewType("Term", object)

TRUE: Final = Term(z3.BoolVal(True))
FALSE: Final = Term(z3.BoolVal(False))


def truth(name: str) -> Term:
    return Term(z3.Bool(name))


def bits(name: str, width: int) -> Term:
    return Term(z3.BitVec(name, width))


def number(value: int, width: int) -> Term:
    return Term(z3.BitVecVal(value, width))


def every(terms: Sequence[Term]) -> Term:
    """All of them hold."""
    return terms[0] if len(terms) == 1 else Term(z3.And(*terms)) if terms else TRUE


def some(terms: Sequence[Term]) -> Term:
    """At least one holds."""
    return terms[0] if len(terms) == 1 else Term(z3.Or(*terms)) if terms else FALSE


def no(term: Term) -> Term:
    return Term(z3.Not(term))


def implies(left: Term, right: Term) -> Term:
    return Term(z3.Implies(left, right))


def equal(left: Term, right: Term) -> Term:
    return Term(left == right)


def differ(left: Term, right: Term) -> Term:
    return Term(z3.Xor(left, right))


def between(term: Term, width: int, first: int, last: int) -> Term:
    """The number lies in the range; a range that is a block of addresses is one comparison of bits."""
    size = last - first + 1
    if size == 1 << width:
        return TRUE
    if size & (size - 1) == 0 and first % size == 0:
        low = size.bit_length() - 1
        return Term(z3.Extract(width - 1, low, term) == z3.BitVecVal(first >> low, width - low))
    return every([Term(z3.UGE(term, first)), Term(z3.ULE(term, last))])


def replace(term: Term, others: Iterable[tuple[Term, Term]]) -> Term:
    """``term`` with each first of a pair replaced by its second."""
    return Term(z3.substitute(term, *others))


class Seeker:
    """Looks for values that make all that was added true."""

    __slots__ = ("_solver",)

    def __init__(self, *terms: Term) -> None:
        self._solver = z3.SolverFor("QF_FD")
        self._solver.add(*terms)

    def add(self, *terms: Term) -> None:
        self._solver.add(*terms)

    def finds(self, *assumed: Term) -> bool:
        """Whether there are such values; ``assumed`` holds for this call only. Raises when z3 gives up."""
        answer = self._solver.check(*assumed)
        if answer == z3.unknown:
            raise RuntimeError(f"z3 gave up: {self._solver.reason_unknown()}")
        return bool(answer == z3.sat)

    def found(self, terms: Iterable[Term]) -> Mapping[Term, Term]:
        """The value of each term in what the last call found."""
        model = self._solver.model()
        return {term: Term(model.eval(term, model_completion=True)) for term in terms}
