"""What the NSG engine is compared with: a second engine (z3), a plain loop, and instances to compare on.

None of it may import ``shared``: it would agree with the engine because it is the engine. Tests and
``local.bench.nsg`` bring the two together.

``reading``        a line of ``explain-nsg --batch`` as ranges and sets of addresses
``plain``          one packet, given memberships, the rules in order
``second_engine``  the same question as formulas, decided by z3
``instances``      seeded random lines; ``adversarial`` lines on which box engines are slow
"""
