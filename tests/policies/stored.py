"""The snapshots stored beside the policies' tests: ``snapshots/<policy>/<target kind>/<state>.json``.

Each is a whole reading in the journal's own JSON, indented for reading. ``compliant``, ``drifted`` and
``unknown`` are what the policy says of them; ``after`` is what its change makes of ``drifted``;
a policy that only alerts (safety ``MANUAL``) has none.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from shared.model import Safety, ServerSnapshot, Snapshot, SubnetSnapshot, TargetKind
from shared.model.codec import load
from shared.posture.policy import AnyPolicy

FOLDER = Path(__file__).parent / "snapshots"


@cache
def stored(policy_id: str, kind: TargetKind, state: str) -> Snapshot:
    """One stored reading; a missing file names its path, a wrong one the place in it."""
    snapshot: Snapshot = load(ServerSnapshot | SubnetSnapshot, path(policy_id, kind, state).read_bytes())
    return snapshot


def states_of(policy: AnyPolicy) -> tuple[str, ...]:
    """The readings that a policy must bring for each kind of target."""
    found = ("compliant", "drifted", "unknown")
    return found if policy.safety is Safety.MANUAL else (*found, "after")


def is_complete(policy: AnyPolicy) -> bool:
    """Whether the policy brought every reading that it must; ``test_conformance`` names what is missing."""
    return all(
        path(policy.id, kind, state).is_file() for kind in policy.targets for state in states_of(policy)
    )


def path(policy_id: str, kind: TargetKind, state: str) -> Path:
    return FOLDER / policy_id / kind / f"{state}.json"


@cache
def all_stored(kind: TargetKind) -> tuple[Snapshot, ...]:
    """The stored readings of this kind of target, whichever policy brought them."""
    return tuple(
        load(ServerSnapshot | SubnetSnapshot, found.read_bytes())
        for found in sorted(FOLDER.glob(f"*/{kind}/*.json"))
    )
