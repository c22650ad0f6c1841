"""One run, from nothing to its recording: what is started, when what goes wrong, what is waited for.

Everything that starts or kills a process happens in the main thread, along a list of times; operators,
Event Grid and the sink have threads of their own. Nothing is judged here.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Final

from local.chaos import faults, landscape
from local.chaos.asking import Account, AskingFailed, Kept, command, listed, sweep
from local.chaos.endpoint import endpoint
from local.chaos.grid import Grid
from local.chaos.landscape import SCOPE
from local.chaos.operators import Deed, Done, Operators, deeds
from local.chaos.plan import Plan
from local.chaos.recording import Recording
from local.chaos.sink import Sink
from local.chaos.stack import Storage, Worker
from local.demo.stack import app_settings, simulator
from local.simulator.client import SimulatorClient
from local.simulator.values import JsonObject, as_list, as_object, as_text
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.model.values import value

_NEVER: Final = "0 0 0 1 1 *"
"""The sweep's schedule: a run asks for its sweeps itself."""
_KILL: Final = "kill"
_IDLE: Final = 10.0
"""So many seconds a kill waits for somebody to work."""
_LOOK_EVERY: Final = 1.0
_SOON: Final = 60.0
"""A look that is due within so many seconds is waited for."""
_LATER_TOO: Final = "reconcile"
"""The queue in which messages wait for what is due much later."""
_WRITES: Final = ("write", "delete", "action")


@value
class _Trouble:
    """Something that goes wrong after so many writes; what it ends with comes ``lasts`` seconds later."""

    what: str
    do: Callable[[], None]
    after: int = 0
    lasts: float = 0.0
    end: _Trouble | None = None


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
        self._seen_call = 0
        self._idle_until = 0.0
        self._hits: tuple[JsonObject, ...] = ()
        self._grid = Grid(self._webhooks, plan.seed)

    def run(self) -> Recording:
        """Raises ProcessFailed, InstallFailed, ArmCallFailed, AskingFailed or OSError: nothing was judged."""
        began = time.time()
        with ExitStack() as stack:
            azure = self._start(stack)
            self._tell(
                f"{len(self._workers)} hosts; {len(self._standing)} servers and subnets are read first"
            )
            sweep(self._any_host())
            self._wait_until_quiet(azure, "the first pass", len(self._standing))
            self._subscribe(stack, azure)
            operators = self._write(azure)
            self._wait_until_quiet(azure, "the writes")
            self._hits = tuple(azure.faults())
            azure.clear_faults()
            early: JsonObject = {
                "resources": azure.state()["resources"],
                "alerts": list(listed(self._any_host(), "alerts")),
            }
            sweep(self._any_host())
            kept = self._wait_until_quiet(azure, "the sweep")
            return self._recorded(azure, operators, kept, early, began)

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
        operators = Operators(azure.url, planned, self.plan.rate)
        began = time.monotonic()
        operators.start()
        try:
            self._make_trouble(azure, operators)
        finally:
            operators.stop()
        self._note("last write")
        self._tell(f"{len(operators.done)} writes in {time.monotonic() - began:.0f} s")
        return operators

    def _make_trouble(self, azure: SimulatorClient, operators: Operators) -> None:
        """What is to go wrong, each after so many writes; what has an end ends after its time."""
        coming = sorted(self._troubles(), key=lambda trouble: trouble.after)
        ending: list[tuple[float, _Trouble]] = []
        while operators.left or coming or ending:
            now = time.monotonic()
            if ending and min(ending, key=lambda one: one[0])[0] <= now:
                due = min(ending, key=lambda one: one[0])
                ending.remove(due)
                self._happen(due[1])
            elif coming and len(operators.done) >= coming[0].after and self._is_met(coming[0], azure):
                trouble = coming.pop(0)
                self._happen(trouble)
                ending += [(time.monotonic() + trouble.lasts, trouble.end)] if trouble.end else []
            else:
                time.sleep(0.1)

    def _is_met(self, trouble: _Trouble, azure: SimulatorClient) -> bool:
        """A kill waits until somebody works again: hosts that do nothing are no trouble to kill."""
        if trouble.what != _KILL:
            return True
        before, now = self._seen_call, time.monotonic()
        if self._last_call(azure) > before or now > self._idle_until:
            self._idle_until = now + _IDLE
            return True
        return False

    def _happen(self, trouble: _Trouble) -> None:
        self._note(trouble.what)
        trouble.do()

    def _troubles(self) -> Iterator[_Trouble]:
        plan, storage = self.plan, self._storage
        for number in range(plan.kills):
            part = (number + 0.3 + 0.6 * self._chance.random()) / plan.kills
            yield _Trouble(after=int(plan.events * part), what=_KILL, do=self._kill)
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

    def _set_sink(self, *, is_down: bool) -> None:
        self._sink.is_down = is_down

    # --- waiting -----------------------------------------------------------------------------------

    def _wait_until_quiet(self, azure: SimulatorClient, what: str, known: int = 0) -> Kept:
        """Wait until nothing is under way and so many targets are known, or until what is under way no longer
        moves; what is kept then."""
        account = Account(self._storage.connection)
        began = changed = time.monotonic()
        seen: object = None
        try:
            while True:
                now = time.monotonic()
                try:
                    kept = account.kept()
                except AskingFailed:
                    kept = None
                moving = ["the storage"] if kept is None else list(unrest(kept, time.time()))
                if kept is not None and len(kept.targets) < known:
                    moving.append(f"{len(kept.targets)} of {known} targets")
                moving += [f"{self._grid.waiting} deliveries"] if self._grid.waiting else []
                marks = (self._last_call(azure), len(self._sink.taken), tuple(moving))
                if marks != seen:
                    seen, changed = marks, now
                still = now - changed
                enough = self.plan.calm if not moving else self.plan.queue_lease + 45 + self.plan.calm
                if kept is not None and (still > enough or now - began > self.plan.patience):
                    self._tell(f"quiet after {what}: {now - began:.0f} s{_told(moving)}")
                    return kept
                time.sleep(_LOOK_EVERY)
        finally:
            account.close()

    def _last_call(self, azure: SimulatorClient) -> int:
        made = azure.calls(app_id=LOCAL_IDENTITY.app_id or "", since=self._seen_call)
        numbers = [call["seq"] for call in made]
        self._seen_call = max((n for n in numbers if isinstance(n, int)), default=self._seen_call)
        return self._seen_call

    # --- what is kept ------------------------------------------------------------------------------

    def _recorded(
        self, azure: SimulatorClient, operators: Operators, kept: Kept, early: JsonObject, began: float
    ) -> Recording:
        url = self._any_host()
        exit_code, said = command(self._settings, "verify-journal")
        calls = [call for kind in _WRITES for call in azure.calls(kind=kind)]
        return Recording(
            seed=self.plan.seed,
            scope=SCOPE,
            began=began,
            seconds=time.time() - began,
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


def _told(moving: list[str]) -> str:
    more = f" and {len(moving) - 3} more" if len(moving) > 3 else ""
    return f", but for {'; '.join(moving[:3])}{more}" if moving else ""


def unrest(kept: Kept, now: float) -> Iterator[str]:
    """What is under way, as a text each."""
    for name, count in kept.visible.items():
        if count:
            yield f"{count} messages in {name}"
    for name, count in kept.messages.items():
        if count and name != _LATER_TOO:
            yield f"{count} messages wait in {name}"
    for row in kept.coalesced:
        yield f"a reading of {row['row']}"
    for record in kept.targets:
        yield from _under_way(record, now)


def _under_way(record: JsonObject, now: float) -> Iterator[str]:
    """A change that is on its way, and a look that is due soon."""
    target = as_text(as_object(record.get("target")).get("id"))
    if record.get("activeChange") or record.get("change") or record.get("leaseUntil"):
        yield f"a change of {target}"
    due = as_text(record.get("recheckAt"))
    if due and 0 < datetime.fromisoformat(due).timestamp() - now < _SOON:
        yield f"a look at {target}"
