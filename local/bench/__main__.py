"""`python -m local.bench [quick|full]`: what the app, the command and a verdict cost, how fast logs are read,
what attacks on the brakes come to, what a sweep and a scan of a whole estate take.

A table for people, then one JSON line per figure, ``{"figure", "value", "unit"}``. Exit code 1 where the app
starts more slowly than it may, 0 otherwise.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from local.bench import (
    adversary,
    app_start,
    commands,
    flow_logs,
    growth,
    looks,
    proposals,
    report,
    scanning,
    sweep,
    ways,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m local.bench", description=__doc__)
    parser.add_argument("extent", nargs="?", choices=["quick", "full"], default="full")
    extent = parser.parse_args(arguments).extent
    figures = app_start.measure(runs=3 if extent == "quick" else 9)
    figures |= commands.measure(extent)
    figures |= flow_logs.measure(megabytes=20 if extent == "quick" else 300)
    figures |= proposals.measure(extent)
    figures |= ways.measure(extent)
    figures |= looks.measure(extent)
    figures |= growth.measure()
    figures |= adversary.measure(extent)
    figures |= sweep.measure(extent)
    figures |= scanning.measure(extent)
    figures |= report.measure(extent)
    for name, (amount, unit) in figures.items():
        print(json.dumps({"figure": name, "value": amount, "unit": unit}))
    ratio, _ = figures["initRatio"]
    return 0 if ratio <= app_start.LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
