"""Has azure-cli parse and validate commands without running them. Runs in azure-cli's environment.

Reads a JSON list of command lines from standard input and writes a JSON list of the same length:
``{"ok": true, "command": …, "arguments": {…}}`` with what arrived after parsing, or
``{"ok": false, "error": …}``. Everything of a real invocation happens (the command table, the parser,
argument and command validators, ``--ids``, the schema of generated commands) except the call of the
command's own function: no request is sent, and a socket that is opened is an error.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import shlex
import socket
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NoReturn

Reply = dict[str, Any]


def main() -> None:
    commands: list[str] = json.load(sys.stdin)
    _forbid_network()
    replies = [_parse(command) for command in commands]
    json.dump(replies, sys.stdout, default=str)  # some parsed values are objects of the CLI


def _forbid_network() -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("a parsed command tried to use the network")

    socket.socket.connect = refuse  # type: ignore[method-assign]  # the guard replaces it on purpose


def _parse(command: str) -> Reply:
    program, *words = shlex.split(command)
    if program != "az":
        return {"ok": False, "error": f"not an az command: {program}"}
    seen: list[Reply] = []
    errors = _Errors()
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        code = _invoke(words, seen, errors)
    if code == 0 and len(seen) == 1:
        return {"ok": True, **seen[0]}
    return {"ok": False, "error": "; ".join(errors.messages) or f"exit code {code}, parsed {len(seen)} times"}


class _Errors(logging.Handler):
    """What azure-cli would have shown as an error: it reports through its logger ``cli``."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def _invoke(words: Sequence[str], seen: list[Reply], errors: _Errors) -> int:
    """azure-cli's own invocation of ``words``; its jobs are noted in ``seen`` instead of being run."""

    def note(invoker: Any, expanded_arg: Any, command: Any) -> None:
        parameters = invoker._filter_params(expanded_arg)
        parameters.pop("cmd", None)
        arguments = _schema_arguments(command, parameters) or parameters
        subscription = command.cli_ctx.data.get("subscription_id")
        seen.append({"command": command.name, "subscription": subscription, "arguments": _plain(arguments)})

    real = import_module("azure.cli.core.commands").AzCliCommandInvoker
    cli = import_module("azure.cli.core").get_default_cli()
    cli.invocation_cls = type("NotingInvoker", (real,), {"_run_job": note})
    logging.getLogger("cli").addHandler(errors)
    try:
        return int(cli.invoke(list(words)))
    except SystemExit as ended:
        return int(ended.code or 0)
    finally:
        logging.getLogger("cli").removeHandler(errors)


def _schema_arguments(command: Any, parameters: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a generated command's own schema makes of the parameters; None for other commands."""
    aaz = import_module("azure.cli.core.aaz")
    if not isinstance(command, aaz.AAZCommand):
        return None
    context = import_module("azure.cli.core.aaz._command_ctx").AAZCommandCtx(
        cli_ctx=command.cli_ctx,
        schema=command.get_arguments_schema(),
        command_args=parameters,
        no_wait_arg=None,
    )
    # Formats and checks every argument; names of other resources are completed with this subscription.
    context.format_args()
    formatted: Mapping[str, Any] = context.args.to_serialized_data()
    return formatted


def _plain(arguments: Mapping[str, Any]) -> Reply:
    return {
        name: value
        for name, value in arguments.items()
        if value is not None and isinstance(value, str | int | float | bool | list | tuple | dict)
    }


if __name__ == "__main__":
    main()
