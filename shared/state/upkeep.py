"""What the sweep does for the store itself: indexes are filled with what is older than they are.

Each call does a bounded amount of work and can be interrupted."""

from __future__ import annotations

from shared.state.alert_rows import Alerts
from shared.state.change_rows import Changes
from shared.state.relation_rows import Relations


class Upkeep:
    """Over the parts of the store. Every method may raise ``StoreError``."""

    def __init__(self, relations: Relations, alerts: Alerts, changes: Changes) -> None:
        self._relations = relations
        self._alerts = alerts
        self._changes = changes

    def fill(self, subscription: str, most: int) -> None:
        """Enter up to ``most`` relations, targets, alerts and changes each into the indexes that are younger
        than they are, and look for what an older version has written since."""
        self._relations.fill(subscription.lower(), most)
        self._alerts.fill(most)
        self._changes.fill(most)
