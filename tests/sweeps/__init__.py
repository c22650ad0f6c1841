"""Passes of the sweep over a whole estate: the real gateway and clients before the simulator, on a time of
their own.
"""
