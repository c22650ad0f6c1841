"""One file per policy, found by listing this folder; how to write one is told in ``tests/catalogue``."""
