"""An emulation of the Azure Functions host for a laptop: `python -m local.host --app-root DIR --port N`.

The app itself runs in the engine that Azure runs (`local/host/engine.py`). What is emulated is the documented
outside of the host: HTTP routes and function keys (`local/host/front.py`), the Event Grid webhook
(`local/host/webhook.py`), queue listeners with their poison queues (`local/host/queues.py`), timers
(`local/host/timers.py`), `host.json` and `local.settings.json` (`local/host/settings.py`). It is not the Core
Tools and not Azure: no scaling, no extension bundles, no missed-run monitor for timers, no
`functionTimeout`, and output bindings are not delivered.

The first line on standard output is `host ready http://127.0.0.1:PORT functions=N`; logs go to standard
error. It ends on SIGTERM or SIGINT within two seconds, running functions or not: a queue message that was
being worked on comes back when its lease ends. Exit codes: 0 ended by a signal, 2 cannot start.
"""

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from werkzeug import Request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from local.host.engine import (
    Engine,
    EngineError,
    FunctionInfo,
    IndexingFailed,
    InvocationResult,
    Metadata,
    Payload,
)
from local.host.front import EMULATION, HTTP_LIMIT_SECONDS, Front, build_front, timer_payload
from local.host.queues import LEASE_SECONDS, QueueListener, QueueSource
from local.host.settings import (
    HostOptions,
    Settings,
    SettingsError,
    app_settings,
    connection_string,
    host_options,
    is_disabled,
    resolve,
)
from local.host.timers import parse_schedule, run_timer

UNUSABLE = 2
_GRACE_SECONDS = 1.0
_log = logging.getLogger("local.host")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The command line."""

    app_root: Path
    port: int
    function_key: str | None
    quiet: bool
    http_limit: float
    queue_lease: int


@dataclass(slots=True, kw_only=True)
class Executions:
    """Begins executions, writes a line when one ends, and knows how many run."""

    engine: Engine
    _running: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def begin(
        self, function: FunctionInfo, payload: Payload, metadata: Metadata
    ) -> "Future[InvocationResult]":
        with self._changed:
            self._running += 1
        running = self.engine.submit(function.name, {function.trigger_parameter: payload}, metadata)
        running.add_done_callback(lambda ended: self._end(function.name, ended.result()))
        return running

    def wait_idle(self, seconds: float) -> bool:
        """Wait for running executions; False when some still run afterwards."""
        with self._changed:
            return self._changed.wait_for(lambda: self._running == 0, timeout=seconds)

    def _end(self, name: str, result: InvocationResult) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify_all()
        line = f"{name} {result.invocation_id} {'ok' if result.ok else 'failed'} {result.milliseconds:.0f} ms"
        if result.ok:
            _log.info(line)
        else:
            _log.warning("%s\n%s", line, result.stack or result.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A loaded app and what serving it needs; `functions` are the enabled ones."""

    functions: tuple[FunctionInfo, ...]
    settings: Settings
    options: HostOptions
    executions: Executions
    stop: threading.Event


class _Handler(WSGIRequestHandler):
    """One log line per execution is enough: none per request."""

    def log_request(self, *_: int | str, **__: int | str) -> None:
        return


def main(argv: list[str] | None = None) -> int:
    """Serve until a signal comes. Returns the exit code when the app cannot be served."""
    arguments = _parse_arguments(argv)
    _configure_logging(quiet=arguments.quiet)
    print(f"this is {EMULATION}", file=sys.stderr, flush=True)
    try:
        serve(load(arguments), arguments)
    except IndexingFailed as error:
        print(f"{error.stack}the engine refused the app: {error}", file=sys.stderr, flush=True)
    except (EngineError, SettingsError, OSError) as error:
        print(f"the host cannot start: {error}", file=sys.stderr, flush=True)
    return UNUSABLE


def load(arguments: Arguments) -> Host:
    """Read the settings, then index the app. EngineError, SettingsError or OSError when it cannot be."""
    app_root = arguments.app_root.resolve()
    os.chdir(app_root)  # the worker's working directory is the app root
    settings = app_settings(app_root, os.environ)
    options = host_options(app_root)
    os.environ.update(settings)
    engine = Engine(app_root)
    return Host(
        functions=tuple(held for held in engine.functions if not is_disabled(held.name, settings)),
        settings=settings,
        options=options,
        executions=Executions(engine=engine),
        stop=threading.Event(),
    )


def serve(host: Host, arguments: Arguments) -> None:
    """Serve until SIGTERM or SIGINT, then end this process with exit code 0."""
    front = build_front(
        host.functions,
        host.executions.begin,
        host.options,
        key=arguments.function_key,
        limit_seconds=arguments.http_limit,
    )
    loops = [loop for function in host.functions for loop in _loops(function, host, arguments.queue_lease)]
    server = _http_server(front, arguments.port)
    os.environ.setdefault("WEBSITE_HOSTNAME", f"127.0.0.1:{server.port}")  # as the Core Tools do
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: host.stop.set())
    for loop in (*loops, lambda: server.serve_forever(poll_interval=0.1)):
        threading.Thread(target=loop, daemon=True).start()
    print(f"host ready http://127.0.0.1:{server.port} functions={len(host.functions)}", flush=True)
    host.stop.wait()
    server.shutdown()
    host.executions.wait_idle(_GRACE_SECONDS)
    logging.shutdown()
    # The engine's pool threads are joined at a normal exit, and a running function may take minutes.
    os._exit(0)


def _http_server(front: Front, port: int) -> BaseWSGIServer:
    # Werkzeug's own bind ends the process with 1 when the port is taken; ours raises OSError.
    with socket.create_server(("127.0.0.1", port), backlog=128) as bound:
        return make_server(
            "127.0.0.1",
            bound.getsockname()[1],
            Request.application(front.answer),
            threaded=True,
            request_handler=_Handler,
            fd=bound.fileno(),
        )


def _loops(function: FunctionInfo, host: Host, queue_lease: int) -> Iterator[Callable[[], None]]:
    """What has to run beside the HTTP server for this function: nothing, a queue listener or a timer."""
    trigger = function.trigger
    match function.trigger_type:
        case "queueTrigger":
            source = QueueSource(
                connection=connection_string(str(trigger.get("connection") or ""), host.settings),
                queue=resolve(str(trigger["queueName"]), host.settings),
                options=host.options.queues,
                lease_seconds=queue_lease,
            )
            start = partial(host.executions.begin, function)
            yield QueueListener(source=source, start=start, stop=host.stop).run
        case "timerTrigger":
            schedule = parse_schedule(resolve(str(trigger["schedule"]), host.settings))

            def fire() -> None:
                host.executions.begin(function, timer_payload(), {}).result()

            yield partial(run_timer, schedule, fire, host.stop, at_once=trigger.get("runOnStartup") is True)
        case "httpTrigger" | "eventGridTrigger":
            return
        case other:
            _log.warning("%s: a %s is not emulated and fires by hand only", function.name, other)


def _parse_arguments(argv: list[str] | None) -> Arguments:
    parser = argparse.ArgumentParser(prog="python -m local.host", description=EMULATION)
    parser.add_argument("--app-root", type=Path, required=True, help="the folder with function_app.py")
    parser.add_argument("--port", type=int, default=7071, help="0 lets the system choose (default 7071)")
    parser.add_argument("--function-key", help="ask for this key where a function is not anonymous")
    parser.add_argument("--quiet", action="store_true", help="log only warnings and failed executions")
    parser.add_argument("--http-limit", type=float, default=HTTP_LIMIT_SECONDS, metavar="SECONDS")
    parser.add_argument("--queue-lease", type=int, default=LEASE_SECONDS, metavar="SECONDS")
    given = parser.parse_args(argv)
    return Arguments(
        app_root=given.app_root,
        port=given.port,
        function_key=given.function_key,
        quiet=given.quiet,
        http_limit=given.http_limit,
        queue_lease=given.queue_lease,
    )


def _configure_logging(*, quiet: bool) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.WARNING if quiet else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    # The engine and the SDKs' pipelines write several lines per execution or request at INFO.
    for name in ("azure", "azure.functions", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
