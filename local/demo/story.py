"""`python -m local demo`: all of Driftward on this machine, people who cause drift, and proof of the end.

Starts the storage emulator, the simulator and the host; seeds a subscription; lets Driftward learn what is
compliant; then people change things through the simulated ARM. First in audit mode, in which nothing may be
written, then in enforce mode, then one change is rolled back. The last table compares what was expected with
what the simulator holds; Driftward's own word is not asked for it.

Exit codes: 0 every end state is the expected one, 1 one is not, 2 the set-up failed, 130 interrupted. Nothing
listens and no process is left afterwards, whichever way it ends.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from local.demo import world
from local.demo.printing import Check, Printer, told_calls
from local.demo.stack import ALERT_TOPIC, Host, app_settings, host, simulator
from local.demo.watching import DriftwardClient, DriftwardFailed, Episode, Started, Watcher
from local.demo.world import Deed
from local.dev.emulator import azurite, install_azurite
from local.dev.environments import ROOT
from local.dev.npm import InstallFailed
from local.dev.processes import ProcessFailed
from local.pages.roles import actions_of, reader, roles
from local.simulator.client import ArmCallFailed, SimulatorClient
from shared.adapters.arm.session.tokens import LOCAL_IDENTITY
from shared.model import EnforcementMode, Json
from shared.model.values import value

INTERRUPTED: Final = 130
_WRONG: Final = 1
_SETUP_FAILED: Final = 2
_EXEMPT_DAYS: Final = 7
_ROLLBACK_REASON: Final = "Fabric mirroring needs it until its private link is built"


@value
class Stage:
    """What the acts work with; `storage` is the emulator's connection string."""

    printer: Printer
    folder: Path
    azure: SimulatorClient
    storage: str


def demo() -> int:
    """Run the demonstration; returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's background jobs ignore it
        signal.signal(number, _interrupt)
    printer = Printer()
    with tempfile.TemporaryDirectory(prefix="driftward-demo-") as name:
        code = _told(printer, Path(name))
        if code in (_WRONG, _SETUP_FAILED):
            printer.say(f"logs: {_keep_logs(Path(name))}")
    return code


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _told(printer: Printer, folder: Path) -> int:
    """Play, and say how it ended."""
    started = time.monotonic()
    try:
        checks = _play(printer, folder)
    except KeyboardInterrupt:
        printer.say("\ninterrupted: everything that was started has been ended", style="bold red")
        return INTERRUPTED
    except (InstallFailed, ProcessFailed, OSError) as error:
        print(f"the set-up failed: {error}", file=sys.stderr)
        return _SETUP_FAILED
    except (DriftwardFailed, ArmCallFailed) as error:
        print(f"the demonstration broke off: {error}", file=sys.stderr)
        return _WRONG
    wrong = count_wrong(checks)
    printer.heading("How it ended: read from the simulator, not from Driftward")
    printer.table(checks)
    said = f"{wrong} of {len(checks)} are wrong" if wrong else f"all {len(checks)} as expected"
    printer.say(
        f"\n{said}, in {time.monotonic() - started:.0f} s", style="bold red" if wrong else "bold green"
    )
    return _WRONG if wrong else 0


def count_wrong(checks: Sequence[Check]) -> int:
    """How many lines of the last table do not hold; any makes the exit code 1."""
    return sum(not check.holds for check in checks)


def _keep_logs(folder: Path) -> Path:
    kept = ROOT / ".driftward" / "demo-logs"
    kept.mkdir(parents=True, exist_ok=True)
    for log in folder.glob("*.log"):
        shutil.copy(log, kept)
    return kept.relative_to(ROOT)


def _play(printer: Printer, folder: Path) -> list[Check]:
    """All acts in order; what they showed."""
    printer.heading("Setting up, on free ports of 127.0.0.1")
    printer.note(
        "Azure is simulated, the Functions host is emulated; the app, its engine and its SDKs are real."
    )
    started = time.monotonic()
    install_azurite()
    with azurite(folder / "azurite.log") as storage, simulator(folder) as azure:
        printer.step(f"storage emulator and simulated ARM ({azure.url})", time.monotonic() - started)
        azure.switches(retry_after_seconds=1)
        azure.seed(world.resources(), replace=True)
        stage = Stage(printer=printer, folder=folder, azure=azure, storage=storage)
        with _driftward(stage, EnforcementMode.AUDIT) as watcher:
            checks = [*_learn(stage, watcher), *_audit(stage, watcher)]
        with _driftward(stage, EnforcementMode.ENFORCE) as watcher:
            checks += [*_enforce(stage, watcher), *_roll_back(stage, watcher)]
            azure.wait_idle()
            _tell_topic(stage)
        return checks + _end_states(azure)


# --- the acts --------------------------------------------------------------------------------------


def _learn(stage: Stage, watcher: Watcher) -> list[Check]:
    """Driftward reads everything once: what is compliant now can drift, what is not was inherited."""
    printer = stage.printer
    printer.heading("Before anything happens: Driftward reads the subscription once")
    with printer.waiting("reading …"):
        run = watcher.run({"scope": world.SCOPE})
        alerts = watcher.driftward.get("alerts", status="open")
    printer.note(f"{len(run['targets'])} servers and subnets read. Not compliant, and never seen otherwise:")
    printer.inherited(alerts)
    printer.note("That is inherited and not drift: it alerts, and its owner decides.", style="dim")
    return [
        Check(
            what="first reading",
            why="servers and the subnet",
            expected=f"{world.TARGETS} targets",
            actual=f"{len(run['targets'])} targets",
        )
    ]


def _audit(stage: Stage, watcher: Watcher) -> list[Check]:
    """The same decisions as in enforce mode, and not one write."""
    printer, deeds = stage.printer, world.first_deeds()
    printer.heading("Audit mode: people change things, Driftward says what it would do")
    before = watcher.last_call()
    episodes = _deeds(stage, watcher, deeds)
    with printer.waiting("the changes are taken back, the alerts resolve themselves …"):
        for deed in deeds:
            deed.undo(SimulatorClient(stage.azure.url, deed.actor))
        left = watcher.until_resolved(deeds)
    writes = watcher.writes_since(before)
    printer.note(f"Driftward's ARM calls in audit mode: {told_calls(watcher.calls_since(before))}.", gap=True)
    printer.note("Everybody has taken the change back, and a compliant reading has resolved the alerts.")
    would = sum(_decided(episode) == "Revert" for episode in episodes)
    return [
        Check(
            what="audit: writes to ARM",
            why="from the log of calls",
            expected="0",
            actual=str(writes),
        ),
        Check(
            what="audit: decisions",
            why="as in enforce mode",
            expected="3 Revert, 1 Alert",
            actual=f"{would} Revert, {len(episodes) - would} Alert",
        ),
        Check(
            what="audit: alerts left open",
            why="resolved by a reading",
            expected="0",
            actual=str(left),
        ),
    ]


def _enforce(stage: Stage, watcher: Watcher) -> list[Check]:
    """The same deeds again, and two drifts of one server at once."""
    stage.printer.heading("Enforce mode: the host is started again, and the same people do it again")
    before = watcher.last_call()
    _deeds(stage, watcher, (*world.first_deeds(), world.both_at_once()))
    order = watcher.write_order_since(before, "/flexibleServers/pg-ledger")
    calls = told_calls(watcher.calls_since(before))
    stage.printer.note(f"Driftward's ARM calls in this act: {calls}.", gap=True)
    return [
        Check(
            what="pg-ledger: order of writes",
            why="the only possible one",
            expected="DELETE, PATCH",
            actual=order,
        )
    ]


def _roll_back(stage: Stage, watcher: Watcher) -> list[Check]:
    """Ravi needed that rule after all: with a reason, and until a day that he names."""
    stage.printer.heading("Rollback: one change is undone, with a reason and an end")
    asked_at = datetime.now(UTC)
    found = watcher.driftward.get("changes", resourceId=world.BILLING, outcome="Reverted")
    if not found:
        return [Check(what="rollback", why="", expected="RolledBack", actual="there is no change to undo")]
    as_ravi = Watcher(
        driftward=DriftwardClient(url=watcher.driftward.url, name=world.RAVI.upn),
        azure=watcher.azure,
        app_id=watcher.app_id,
        audit=False,
    )
    with stage.printer.waiting("rolling back …"):
        until = asked_at + timedelta(days=_EXEMPT_DAYS)
        change = as_ravi.roll_back(found[0]["id"], _ROLLBACK_REASON, until)
        stage.azure.wait_idle()
        again = as_ravi.decision(world.BILLING, world.ALL_AZURE)
    words = f"rolls back the change on pg-billing for {_EXEMPT_DAYS} days: “{_ROLLBACK_REASON}”"
    stage.printer.rollback(asked_at, world.RAVI.name, words, change, again)
    return [
        Check(
            what="pg-billing: next decision",
            why="exempt until its end",
            expected="Skip (exempt)",
            actual=again,
        )
    ]


def _tell_topic(stage: Stage) -> None:
    """How often people were told, by type of event."""
    types = Counter(
        str(event["type"]).removeprefix("Driftward.") for event in stage.azure.topic_events(ALERT_TOPIC)
    )
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(types.items()))
    stage.printer.note(f"Told on the alert topic meanwhile: {told}.", gap=True)


def _end_states(azure: SimulatorClient) -> list[Check]:
    held = world.by_id(azure)
    return [
        Check(what=state.what, why=state.why, expected=state.expected, actual=state.actual(held))
        for state in world.end_states()
    ]


# --- how an act is played --------------------------------------------------------------------------


def _deeds(stage: Stage, watcher: Watcher, deeds: Sequence[Deed]) -> list[Episode]:
    """Have everything done, one after the other; then print what became of each, in that order."""
    started = [_do(deed, stage.azure, watcher) for deed in deeds]
    episodes = []
    for one in started:
        with stage.printer.waiting(f"{one.deed.actor.name} {one.deed.words}: Driftward is on it …"):
            episodes.append(watcher.follow(one))
        stage.printer.card(episodes[-1])
    return episodes


def _do(deed: Deed, azure: SimulatorClient, watcher: Watcher) -> Started:
    started = Started(deed=deed, at=datetime.now(UTC), after_call=watcher.last_call())
    deed.perform(SimulatorClient(azure.url, deed.actor))
    return started


def _decided(episode: Episode) -> Json:
    """The action of the last decision that was told."""
    return episode.alerts[-1]["decision"]["action"] if episode.alerts else None


@contextmanager
def _driftward(stage: Stage, mode: EnforcementMode) -> Iterator[Watcher]:
    """A host in this mode, subscribed to the simulator's events while it runs.

    Its identity may do what the role definitions of the docs allow, and nothing else.
    """
    chosen = {
        "ENFORCEMENT_MODE": str(mode),
        "SCOPES": world.SCOPE,
        "COALESCE_SECONDS": "1",
        "SETTLE_SECONDS": "1",
    }
    settings = app_settings(stage.storage, stage.azure, chosen)
    granted = roles() if mode is EnforcementMode.ENFORCE else (reader(),)
    stage.azure.roles({LOCAL_IDENTITY.app_id or "": [act for role in granted for act in actions_of(role)]})
    started = time.monotonic()
    with host(stage.folder, settings) as running:
        subscription = stage.azure.subscribe(running.webhook)
        rights = "its reader role alone" if len(granted) == 1 else "its remediator roles as well"
        seconds = time.monotonic() - started
        stage.printer.step(f"host in {mode} mode, with {rights}, subscribed to the events", seconds)
        yield _watcher(stage, running, mode)
        stage.azure.unsubscribe(str(subscription["id"]))


def _watcher(stage: Stage, running: Host, mode: EnforcementMode) -> Watcher:
    return Watcher(
        driftward=DriftwardClient(url=running.url),
        azure=stage.azure,
        app_id=LOCAL_IDENTITY.app_id or "",
        audit=mode is EnforcementMode.AUDIT,
    )
