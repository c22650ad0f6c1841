"""The commands that people run: policies, explain-nsg, explain-flows, diagnose, replay.

A command's module stands at the top and holds its options, its words and its exit codes; it is imported when
the command is called (``driftward.cli``). What the commands do has rooms of its own: ``catalogue/``
(policies), ``traffic/`` (explain-nsg), ``flows/`` and ``diagnosis/``.
"""

__version__ = "0.1.0"
