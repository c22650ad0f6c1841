"""`python -m local.simulator --port N [--seed FILE]`: a simulator until SIGTERM or SIGINT.

The first line on stdout is its URL. A seed file holds `{"resources": [ARM bodies]}`.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from local.simulator import seeding
from local.simulator.server import SimulatorServer
from local.simulator.switches import BadInput
from local.simulator.values import as_object


def main() -> int:
    """Exit 0 after a signal, 2 for an unusable seed."""
    parser = argparse.ArgumentParser(
        prog="python -m local.simulator", description="A simulated Azure subscription."
    )
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose")
    parser.add_argument("--seed", type=Path, help='JSON file: {"resources": [...]}')
    arguments = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with SimulatorServer(
        port=arguments.port, log=lambda line: print(line, file=sys.stderr, flush=True)
    ) as server:
        if arguments.seed is not None:
            try:
                source = as_object(json.loads(arguments.seed.read_text(encoding="utf-8")))
                with server.world.lock:
                    seeding.seed(server.world, source)
            except (OSError, ValueError, BadInput) as error:
                print(f"unusable seed: {error}", file=sys.stderr)
                return 2
        print(server.url, flush=True)
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
