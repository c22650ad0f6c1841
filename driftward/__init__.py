"""The commands that people run: questions that need no app, and those that ask one.

A command's module stands at the top and holds its options, its words and its exit codes; it is imported when
the command is called (``driftward.cli``). What the commands do has rooms of its own: ``catalogue/``
(policies), ``traffic/`` (explain-nsg), ``flows/``, ``diagnosis/``, ``journal/`` (verify-journal) and ``day/``
(what an app answers). Which app is asked, and as whom, is ``addressing``'s.
"""

__version__ = "0.1.0"
