"""Benchmark of the brakes: what attacks on them come to, over simulated hours, in enforce mode.

For every attack on something High or Critical: the share of the time in which the database was really
exposed, 0 to 1, and the seconds of exposure before the first message about it; all of them where there was
none. Where what must not happen is no exposure (a write into somebody else's NSG) both are of that. A day
in `full`, four hours in `quick`.
"""

from __future__ import annotations

from typing import Final

from shared.model import EnforcementMode, Severity
from tests.adversary.attack import Attack
from tests.adversary.attacks import ATTACKS
from tests.adversary.stage import attacked

_HOURS: Final = {"quick": 4.0, "full": 24.0}


def measure(extent: str) -> dict[str, tuple[float, str]]:
    """Figures with their units."""
    figures: dict[str, tuple[float, str]] = {}
    for attack in ATTACKS:
        if attack.severity.rank >= Severity.HIGH.rank:
            figures |= _of(attack, _HOURS[extent])
    return figures


def _of(attack: Attack, hours: float) -> dict[str, tuple[float, str]]:
    came = attacked(attack, EnforcementMode.ENFORCE, hours)
    share, first = round(came.exposed_share, 4), round(came.untold, 1)
    print(f"attack {attack.name:<22} exposed {share:8.2%}, first message after {first:8.1f} s of exposure")
    name = f"adversary.{attack.name}"
    return {f"{name}.exposedShare": (share, "1"), f"{name}.firstMessage": (first, "s")}
