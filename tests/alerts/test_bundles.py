"""A message of several things: whatever else there is to tell, the gravest is told by name."""

from __future__ import annotations

import pytest

from shared.alerts.bundles import bundle
from shared.model import Severity
from shared.model.alert_records import Notification, NotificationType
from tests.builders import SERVER
from tests.fakes import START

LONG = "a" * 190
KINDS = list(NotificationType)
STANDING = [
    NotificationType.ALERT_OPENED,
    NotificationType.ALERT_UPDATED,
    NotificationType.CHANGE_ROLLED_BACK,
]


def news(name: str, severity: Severity, kind: NotificationType) -> Notification:
    return Notification(
        id=name,
        type=kind,
        subject=str(SERVER),
        time=START,
        title=f"[{severity}] {name} {LONG}",
        body="body",
        severity=severity,
        data={"id": name, "target": {"kind": "flexibleServer", "id": str(SERVER)}},
    )


@pytest.mark.field(
    "steady",
    "whatever else is told with it, what is gravest and stands is told by its title and id, first of all",
    source="docs/adr/0024-waiting-is-a-field-of-the-letter.md",
    date="2026-11-30",
)
@pytest.mark.parametrize("kind", STANDING)
@pytest.mark.parametrize("others", [KINDS, *([one] for one in KINDS)], ids=["all kinds", *KINDS])
def test_noise_hides_nothing_that_is_grave(kind: NotificationType, others: list[NotificationType]) -> None:
    noise = [news(f"noise-{n}", Severity.LOW, others[n % len(others)]) for n in range(39)]
    told = bundle([[one] for one in (*noise, news("grave", Severity.HIGH, kind))])
    assert told.title.startswith("[High] 40 together")
    assert "`grave`" in told.body
    assert told.body.index("grave") < told.body.index("noise")
