"""Exact answers about NSG rules, as a pure package: verdict, the rules that decide, a fix, a difference.

``decide`` answers a ``Question``, ``fix`` proposes the allow rules that make it hold, ``changed``
gives the packets that two readings treat differently, and ``outside`` compares them with declared
boxes. It uses the standard library and the project's values, knows no policy, and does no I/O.
Unreadable rules raise ``NsgError``, which names rule and field.
"""

from shared.nsg.addresses import Family, networks_of, parse_addresses, spans_of
from shared.nsg.change import Changed, Difference, changed, outside
from shared.nsg.fixes import Fix, NoFix, fix, with_rules
from shared.nsg.rules import NsgError, Protocol, Rule, effective_rules
from shared.nsg.spans import Spans, common, union
from shared.nsg.sweep import Outcome, Piece, Where
from shared.nsg.verdict import Question, State, Verdict, Witness, decide, traffic_boxes

__all__ = [
    "Changed",
    "Difference",
    "Family",
    "Fix",
    "NoFix",
    "NsgError",
    "Outcome",
    "Piece",
    "Protocol",
    "Question",
    "Rule",
    "Spans",
    "State",
    "Verdict",
    "Where",
    "Witness",
    "changed",
    "common",
    "decide",
    "effective_rules",
    "fix",
    "networks_of",
    "outside",
    "parse_addresses",
    "spans_of",
    "traffic_boxes",
    "union",
    "with_rules",
]
