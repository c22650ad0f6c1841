"""The policy code of Driftward: what is read, judged, proved, decided and written.

Nothing here imports ``azure.functions``; triggers live in ``functions/``. Azure SDKs are imported
in ``shared/adapters`` only. The pure core (``model``, ``edits``, ``events``, ``nsg``, ``policies``,
``prove``, ``decide``) has no clock, environment, network or logging; import-linter checks it.
"""
