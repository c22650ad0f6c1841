"""The loop: events in, reconcile, remediate, roll back, sweep. No rule of any policy lives here."""
