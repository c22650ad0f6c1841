"""Benchmark of the sweep: what a pass over a whole estate costs, and one in which little has changed.

The real gateway and clients before the simulator, on the simulator's own time: 50 ms for a call, ARM's
buckets (`local.simulator.buckets`), eight workers. 10,000 servers and 3,000 NSGs in `full`, a fiftieth of
that in `quick`. Shares are of the pass that looks at everything: of its calls to ARM, and of the processor
time of its messages, the simulator's own answers among them. The second pass comes when one server in a
hundred was written, half an hour later at the earliest. Whose turn had come by then is looked at as well,
written or not, and is a share of its own (`sweep.turns.share`): it depends on how long ago the pass before
was, and comes to a tenth for each half hour. Memory is what is still held of what the last tenth of the looks
allocated, less what the storage, the queue and the simulated Azure took of it; tracing all of them would take
three times as long as the pass. The processor time is that of the others.
"""

from __future__ import annotations

import gc
import tracemalloc
from time import process_time
from typing import Final

from local.simulator import seeds
from tests.sweeps.estate import BETWEEN, Estate, estate, server_name

_SIZES: Final = {"quick": (150, 50), "full": (10_000, 3_000)}
_MEGABYTE: Final = 1024 * 1024
_TRACED: Final = 10
"""Of so many looks one is traced."""


def measure(extent: str) -> dict[str, tuple[float, str]]:
    """Figures with their units."""
    servers, groups = _SIZES[extent]
    began = process_time()
    there = Estate(estate(servers, groups))
    grown, a_look = _whole_pass(there)
    whole_calls, throttled = there.azure.answered, there.azure.throttled
    whole_processor = a_look * there.looks
    figures: dict[str, tuple[float, str]] = {
        "sweep.targets": (there.looks, "targets"),
        "sweep.failed": (there.failed, "messages"),
        "sweep.armCallsPerTarget": (round(whole_calls / there.looks, 2), "calls"),
        "sweep.throttledShare": (round(throttled / whole_calls, 4), "1"),
        "sweep.simulatedHours": (round((there.clock.now() - there.began).total_seconds() / 3600, 2), "h"),
        "sweep.longestMessage": (round(there.longest, 1), "s"),
        "sweep.hostCpu": (round(a_look * 1000, 1), "ms"),
        "sweep.memory.grown": (round(grown, 1), "MB"),
    }
    whole_looks = there.looks
    calls, processor = _pass_with_changes(there, servers)
    turns = int(str(there.lines[-1]["due"])) / whole_looks
    figures |= {
        "sweep.turns.share": (round(turns, 4), "1"),
        "sweep.changed.share": (round(calls / whole_calls - turns, 4), "1"),
        "sweep.changed.processorShare": (round(processor / whole_processor - turns, 4), "1"),
    }
    for name, (amount, unit) in figures.items():
        print(f"{name:<30} {amount:>10} {unit}")
    print(f"in {process_time() - began:.0f} s of processor time")
    return figures


def _whole_pass(there: Estate) -> tuple[float, float]:
    """Everything is looked at; how many megabytes of the last tenth are still held after it, and how many
    seconds of processor time a look of the others took."""
    there.sweep()
    there.work(there.last_due() - (there.last_due() - there.clock.now()) / _TRACED)
    before, a_look = there.played(), there.processor / there.looks
    tracemalloc.start()
    there.work()
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (held - (there.played() - before)) / _MEGABYTE, a_look


def _pass_with_changes(there: Estate, servers: int) -> tuple[int, float]:
    """Calls and processor time of a pass half an hour later, of which one server in a hundred was written."""
    calls, processor = there.azure.answered, there.processor
    there.clock.set(max(there.clock.now(), there.began + BETWEEN))
    for number in range(0, servers, 100):
        server = seeds.flexible_server_id(name=server_name(number))
        there.azure.call("PATCH", server, {"tags": {"written": "yes"}})
    there.pass_over()
    return there.azure.answered - calls, there.processor - processor
