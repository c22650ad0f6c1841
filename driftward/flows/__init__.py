"""What `explain-flows` is made of: from a flow log to an answer, in steps that each know one thing.

``tuples`` reads one flow, ``stream`` a file in bounded memory, ``services`` says whose an address is,
``deniers`` who denied it and ``labels`` what it is, ``tallies`` counts, ``sight`` says whether anything was
looked at, ``advice`` asks the NSG engine for rules, ``younger`` compares them with the log, ``inputs`` and
``azure`` bring what the caller knows besides, ``report`` (with ``told`` and ``notes``) is the answer as JSON
and ``show`` as text.
Only ``stream``, ``inputs``, ``azure`` and ``show`` touch the world. The command itself is
``driftward.explain_flows``.
"""
