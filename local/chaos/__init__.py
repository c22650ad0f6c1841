"""Everything goes wrong at once, and the end is judged: `python -m local.chaos`; README.md tells it.

`plan` says how much, `landscape` what stands there, `operators` who writes what, `faults` what Azure does to
us; `stack`, `grid` and `sink` run it, `play` tells the story and `recording` keeps it. `model` says how
everything must stand, `writes` what may be written, `counters` what is wrong with a recording: these are
pure, and believe none of the project's own judgements.
"""
