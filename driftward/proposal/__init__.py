"""What `propose-nsg` is made of: from flows to the tightest rules that keep the legitimate ones, proved.

``asking`` turns options into what is known; ``gathering`` counts a log's flows in bounded memory
(``traffic``), ``sifting`` sets apart what no rule should make legitimate by itself, ``needs`` says what the
service and declared clients need, ``packing`` turns what is left into as few rules as name exactly that
(``wants``, ``rules``), ``fitting`` keeps ARM's limits, ``placing`` finds names, priorities and a safe order
on the NSG that stands, ``proving`` asks the exact engine, and ``proposing`` goes through these in turn: a
pure function of flows, needs and NSG, whose result is one value. ``view`` (with ``digest`` and ``notes``) is
that value as JSON, ``show`` as text, ``commands``, ``bicep`` and ``terraform`` as what performs it.

Flow logs are read by ``driftward.flows``; only ``asking`` and ``show`` touch the world. The command itself
is ``driftward.propose_nsg``.
"""
