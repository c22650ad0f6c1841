"""Of which kind of server a control asks something: definitions of Azure Policy are of one kind each.

Pure; which controls there are stands in ``controls``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.model import TargetKind
from shared.posture.controls import AZURE_POLICY, CHECKOV, PSRULE, Control


def _named(suffix: str) -> Iterable[Control]:
    return (control for name, control in vars(AZURE_POLICY).items() if name.endswith(suffix))


_OF_ONE_KIND: Final = {
    **dict.fromkeys(_named("_FLEXIBLE"), TargetKind.FLEXIBLE_SERVER),
    **dict.fromkeys(_named("_SINGLE"), TargetKind.SINGLE_SERVER),
    CHECKOV.CKV_AZURE_130: TargetKind.SINGLE_SERVER,
    CHECKOV.CKV_AZURE_147: TargetKind.SINGLE_SERVER,
    CHECKOV.CKV2_AZURE_26: TargetKind.FLEXIBLE_SERVER,
    PSRULE.AZR_000434: TargetKind.FLEXIBLE_SERVER,
}
"""Controls that ask something of one kind of server only."""


def concerns(control: Control, kind: TargetKind) -> bool:
    """Whether a control asks anything of targets of this kind."""
    return _OF_ONE_KIND.get(control, kind) is kind
