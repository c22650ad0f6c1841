"""One run, from nothing to its recording: what is started, when what goes wrong, what is waited for.

Everything that starts or kills a process happens in the main thread, along a list of times; operators,
Event Grid and the sink have threads of their own. Nothing is judged here.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from local.chaos import faults, landscape
from local.chaos.asking import Account, AskingFailed, Kept, command, listed, roll_back, sweep
from local.chaos.backlog import Backlog
from local.chaos.endpoint import endpoint
from local.chaos.grid import Grid
from local.chaos.landscape import SCOPE
from local.chaos.operators import Deed, Done, Operators, deeds
from local.chaos.plan import Plan
from local.chaos.quiet import WRITES, Calls, Watch
from local.chaos.recording import Recording
from local.chaos.sink import Sink
from local.chaos.stack import Storage, Worker
from local.demo.stack import app_settings, simulator
from local.simulator.client import SimulatorClient
from local.simulator.values import JsonObject, as_list, as_object, as_text
from shared.model.values import value

_NEVER: Final = "0 0 0 1 1 *"
"""The sweep's schedule: a run asks for its sweeps itself."""
_IDLE: Final = 40.0
"""So many seconds a kill waits for somebody to work."""


@value
class _Trouble:
    """Something that goes wrong after so many writes; what it ends with comes ``lasts`` seconds later."""

    what: str
    do: Callable[[], None]
    is_met: Callable[[], bool] = lambda: True
    """What it waits for beside the writes."""
    after: int = 0
    lasts: float = 0.0
    end: _Trouble | None = None


class _Moment:
    """When to kill: as soon as one of ours has written, every other time as soon as one works. Hosts that
    do nothing are no trouble to kill; it comes all the same after a while."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._kills = 0
        self._before: int | None = None
        self._until = 0.0

    def has_come(self) -> bool:
        """Asked again and again until it has; then for the next."""
        newest = self._calls.last() if self._kills % 2 else self._calls.last_write()
        if self._before is None:
            self._before, self._until = newest, time.monotonic() + _IDLE
        if newest == self._before and time.monotonic() < self._until:
            return False
        self._before = None
        self._kills += 1
        return True


class Play:
    """One run of a plan in a folder."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self._chance = Random(plan.seed)
        self._folder = folder
        self._standing = landscape.places(plan.servers, plan.groups)
        self._happened: list[JsonObject] = []
        self._storage = Storage(folder)
        self._workers: list[Worker] = []
        self._settings: dict[str, str] = {}
        self._sink = Sink()
        self._calls: Calls | None = None
        self._hits: tuple[JsonObject, ...] = ()
        self._grid = Grid(self._webhooks, plan.seed)

    def run(self) -> Recording:
        """Raises ProcessFailed, InstallFailed, ArmCallFailed, AskingFailed or OSError: nothing was judged."""
        began = time.time()
        with ExitStack() as stack:
            azure = self._start(stack)
            self._calls = Calls(azure)
            self._tell(
                f"{len(self._workers)} hosts; {len(self._standing)} servers and subnets are read first"
            )
            self._sweep()
            self._wait_until_quiet("the first pass", len(self._standing))
            self._subscribe(stack, azure)
            operators = self._write(azure)
            self._wait_until_quiet("the writes")
            self._hits = tuple(azure.faults())
            azure.clear_faults()
            early: JsonObject = {
                "resources": azure.state()["resources"],
                "alerts": list(listed(self._any_host(), "alerts")),
            }
            self._sweep()
            kept = self._wait_until_quiet("the sweep")
            recorded = self._recorded(azure, operators, kept, early, began)
        return replace(recorded, cpu_seconds=_cpu_seconds())

    # --- setting up --------------------------------------------------------------------------------

    def _start(self, stack: ExitStack) -> SimulatorClient:
        self._storage.start()
        stack.callback(self._storage.stop)
        azure = stack.enter_context(simulator(self._folder))
        topic = stack.enter_context(endpoint(self._sink.take))
        azure.switches(operation_seconds=self.plan.operation_seconds, retry_after_seconds=1)
        azure.seed(landscape.resources(self._standing), replace=True)
        policies = self._folder / "policies.yaml"
        policies.write_text(landscape.policies_yaml(), encoding="utf-8")
        chosen = {
            "ALERT_TOPIC_ENDPOINT": f"{topic}/api/events",
            "COALESCE_SECONDS": "1",
            "ENFORCEMENT_MODE": "enforce",
            "POLICIES_FILE": str(policies),
            "SCOPES": SCOPE,
            "SETTLE_SECONDS": "1",
            "SWEEP_SCHEDULE": _NEVER,
        }
        self._settings = app_settings(self._storage.connection, azure, chosen)
        for number in range(self.plan.hosts):
            worker = Worker(number, self._folder, self._settings, self.plan.queue_lease)
            stack.callback(worker.stop)
            self._workers.append(worker)
            worker.start()
        return azure

    def _subscribe(self, stack: ExitStack, azure: SimulatorClient) -> None:
        self._grid.start()
        stack.callback(self._grid.stop)
        azure.subscribe(f"{stack.enter_context(endpoint(self._grid.take))}/events")

    # --- the writes, and what goes wrong -----------------------------------------------------------

    def _write(self, azure: SimulatorClient) -> Operators:
        """All of it: returns when everything is written and everything runs again."""
        faults.inject(azure, faults.faults(self._standing, self.plan.seed))
        planned = deeds(self._standing, self.plan.events, self.plan.seed)
        backlog = Backlog(self._storage.connection)
        operators = Operators(azure.url, planned, self.plan.rate, backlog.is_long)
        began = time.monotonic()
        operators.start()
        try:
            self._make_trouble(operators, Calls(azure))
        finally:
            operators.stop()
            backlog.close()
        self._note("last write")
        self._tell(f"{len(operators.done)} writes in {time.monotonic() - began:.0f} s")
        return operators

    def _make_trouble(self, operators: Operators, calls: Calls) -> None:
        """What is to go wrong, each after so many writes; what has an end ends after its time."""
        coming = sorted(self._troubles(_Moment(calls)), key=lambda trouble: trouble.after)
        ending: list[tuple[float, _Trouble]] = []
        while operators.left or coming or ending:
            now = time.monotonic()
            if ending and min(ending, key=lambda one: one[0])[0] <= now:
                due = min(ending, key=lambda one: one[0])
                ending.remove(due)
                self._happen(due[1])
            elif coming and len(operators.done) >= coming[0].after and coming[0].is_met():
                trouble = coming.pop(0)
                self._happen(trouble)
                ending += [(time.monotonic() + trouble.lasts, trouble.end)] if trouble.end else []
            else:
                time.sleep(0.1)

    def _happen(self, trouble: _Trouble) -> None:
        self._note(trouble.what)
        trouble.do()

    def _troubles(self, moment: _Moment) -> Iterator[_Trouble]:
        plan, storage = self.plan, self._storage
        for number in range(plan.kills):
            part = (number + 0.3 + 0.6 * self._chance.random()) / plan.kills
            yield _Trouble(after=int(plan.events * part), what="kill", do=self._kill, is_met=moment.has_come)
        for number in range(plan.rollbacks):
            after = int(plan.events * (number + 1) / (plan.rollbacks + 1))
            yield _Trouble(after=after, what="rollback", do=self._roll_back)
        if plan.storage_stop:
            starts = _Trouble(what="storage starts", do=storage.start)
            stops = _Trouble(after=plan.events // 2, what="storage stops", do=storage.stop)
            yield replace(stops, lasts=plan.storage_stop, end=starts)
        if plan.storage_pause:
            answers = _Trouble(what="storage answers", do=storage.resume)
            hangs = _Trouble(after=plan.events * 3 // 4, what="storage hangs", do=storage.pause)
            yield replace(hangs, lasts=plan.storage_pause, end=answers)
        if plan.sink_outage:
            up = _Trouble(what="sink up", do=lambda: self._set_sink(is_down=False))
            down = _Trouble(after=plan.events // 5, what="sink down", do=lambda: self._set_sink(is_down=True))
            yield replace(down, lasts=plan.sink_outage, end=up)

    def _kill(self) -> None:
        worker = self._chance.choice(self._workers)
        self._happened[-1]["at"] = worker.kill()
        worker.start()

    def _roll_back(self) -> None:
        """Undo one of our changes, where one can be found; nobody asks while the storage does not answer."""
        url, told = self._any_host(), self._happened[-1]
        try:
            known = listed(url, "changes") if self._storage.answers else []
        except AskingFailed:
            known = []
        if made := [change for change in known if _can_be_undone(change)]:
            told["change"] = self._chance.choice(made)["id"]
            expires = datetime.now(UTC) + timedelta(days=1)
            told["status"] = roll_back(url, as_text(told["change"]), expires.isoformat())

    def _set_sink(self, *, is_down: bool) -> None:
        self._sink.is_down = is_down

    # --- waiting -----------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """One sweep, to the end of its own work: the looks that it asks for are waited for elsewhere."""
        worker = self._workers[0]
        before = worker.sweeps()
        sweep(worker.url)
        patience = time.monotonic() + self.plan.patience
        while worker.sweeps() == before and time.monotonic() < patience:
            time.sleep(0.2)

    def _wait_until_quiet(self, what: str, known: int = 0) -> Kept:
        assert self._calls is not None
        account = Account(self._storage.connection)
        try:
            watch = Watch(plan=self.plan, account=account, calls=self._calls, elsewhere=self._in_the_grid)
            quiet = watch.until_quiet(known)
        finally:
            account.close()
        self._tell(f"quiet after {what}: {quiet.told()}")
        return quiet.kept

    def _in_the_grid(self) -> tuple[str, ...]:
        return (f"{self._grid.waiting} deliveries",) if self._grid.waiting else ()

    # --- what is kept ------------------------------------------------------------------------------

    def _recorded(
        self, azure: SimulatorClient, operators: Operators, kept: Kept, early: JsonObject, began: float
    ) -> Recording:
        url = self._any_host()
        exit_code, said = command(self._settings, "verify-journal")
        calls = [call for kind in WRITES for call in azure.calls(kind=kind)]
        return Recording(
            seed=self.plan.seed,
            scope=SCOPE,
            began=began,
            seconds=time.time() - began,
            cpu_seconds=0.0,
            last_deed=max((done.at for done in operators.done), default=began),
            places=tuple(self._standing),
            deeds=tuple(map(_shown, operators.done)),
            calls=tuple(sorted(calls, key=lambda call: int(str(call["seq"])))),
            raised=tuple(self._grid.raised),
            grid={
                "delivered": self._grid.delivered,
                "refused": self._grid.refused,
                "waiting": self._grid.waiting,
            },
            faults=self._hits,
            happened=tuple(self._happened),
            early=early,
            resources=tuple(as_object(one) for one in as_list(azure.state()["resources"])),
            alerts=tuple(listed(url, "alerts")),
            changes=tuple(listed(url, "changes")),
            exemptions=tuple(listed(url, "exemptions")),
            kept=asdict(kept),
            deliveries=tuple(self._sink.taken),
            journal={"exit": exit_code, "said": said},
            policies=tuple(listed(url, "policies", paged=False)),
        )

    def _webhooks(self) -> list[str]:
        return [webhook for worker in self._workers if (webhook := worker.webhook)]

    def _any_host(self) -> str:
        return next(worker.url for worker in self._workers if worker.url)

    def _note(self, what: str) -> None:
        self._happened.append({"what": what, "at": time.time()})
        self._tell(what)

    def _tell(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def _can_be_undone(change: JsonObject) -> bool:
    is_ours = change.get("kind") == "remediation" and change.get("outcome") == "Reverted"
    return is_ours and not change.get("rolledBackBy")


def _shown(done: Done) -> JsonObject:
    deed: Deed = done.deed
    return {
        "target": deed.target,
        "method": deed.method,
        "path": deed.path,
        "by": deed.actor.name,
        "at": done.at,
        "status": done.status,
    }


def _cpu_seconds() -> float:
    """What this process and all that it has waited for took of the processors."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
