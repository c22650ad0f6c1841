"""What must hold wherever a worker dies and whoever comes in between.

Every I/O operation of a scenario is numbered by a tape while it is played: the gaps between two operations
are enumerated from the code, and in each of them the worker dies, or the store fails. Whatever was in the
way, the world has to end as if nothing had been. ``python -m tests.steady`` tells of every gap.
"""
