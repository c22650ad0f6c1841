"""The policy code of Driftward: what is read, judged, proved, decided and written.

Nothing here imports ``azure.functions``; triggers live in ``functions/``. Azure SDKs are imported
in ``shared/adapters`` only. The pure core (``model``, ``nsg``, ``posture``, ``policies``, ``guardrails``,
``alerts``) has no clock, environment, network or logging; import-linter checks it.
"""
