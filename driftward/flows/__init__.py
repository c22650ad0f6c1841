"""What `explain-flows` is made of: from a flow log to an answer, in steps that each know one thing.

``tuples`` reads one flow, ``stream`` a file in bounded memory, ``services`` says whose an address is,
``labels`` what a denied flow is, ``tallies`` counts, ``advice`` asks the NSG engine for rules, ``inputs``
and ``azure`` bring what the caller knows besides, ``report`` is the answer as JSON and ``show`` as text.
Only ``stream``, ``inputs``, ``azure`` and ``show`` touch the world. The command itself is
``driftward.explain_flows``.
"""
