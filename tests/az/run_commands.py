"""Has azure-cli run commands for real, one after the other, against the simulator. Runs in azure-cli's
environment.

Lines of JSON in, lines of JSON out: ``{"command": "az …"}`` is answered with ``{"code", "out", "errors"}``
once the command has ended. Everything of a real invocation happens: parser, validators, the command's own
code, its SDK client, the requests and the polling of what takes long. Three things are stood in for:

- *signing in*: every account has a credential whose token is made up (``--token``);
- *the way to Azure*: what goes to the cloud's own ARM (``--endpoint``, where TLS would be spoken) is carried
  to the simulator (``--simulator``) as a TLS gateway would; any other address is an error, so that nothing
  leaves the machine and a command that names another cloud's endpoint is found out;
- *waiting*: sleeping between two polls takes no time.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import shlex
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

SHORTEST_SLEEP = 0.004


def main() -> None:
    options = _options()
    _sign_in(options.token)
    _carry(options.endpoint, options.simulator)
    _wait_no_longer()
    answers, sys.stdin = os.fdopen(os.dup(1), "w"), io.StringIO()
    os.dup2(2, 1)  # nothing that a library prints may come between the answers
    for line in os.fdopen(os.dup(0), "r"):
        answers.write(json.dumps(_run(json.loads(line)["command"])) + "\n")
        answers.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("--endpoint", "--simulator", "--token"):
        parser.add_argument(name, required=True)
    return parser.parse_args()


# --- what is stood in for --------------------------------------------------------------------------


class _Credential:
    """What MSAL would give a user who is signed in."""

    def __init__(self, token: str) -> None:
        self._token = token

    def acquire_token(self, scopes: Any, **_: Any) -> dict[str, Any]:
        return {"access_token": self._token, "expires_in": 3600, "token_type": "Bearer"}


def _sign_in(token: str) -> None:
    profile = import_module("azure.cli.core._profile").Profile
    profile._create_credential = lambda *_, **__: _Credential(token)


def _carry(endpoint: str, simulator: str) -> None:
    """Requests to the cloud's ARM go to the simulator; a request to anybody else is an error."""
    adapter = import_module("requests.adapters").HTTPAdapter
    real, host, there = adapter.send, urlsplit(endpoint).netloc, urlsplit(simulator)

    def send(self: Any, request: Any, *arguments: Any, **more: Any) -> Any:
        asked = urlsplit(request.url)
        if (asked.scheme, asked.netloc) != ("https", host):
            raise RuntimeError(f"a request left the cloud: {request.method} {request.url}")
        request.url = asked._replace(scheme=there.scheme, netloc=there.netloc).geturl()
        request.headers.update({"Host": host, "X-Forwarded-Proto": "https"})
        answer = real(self, request, *arguments, **more)
        answer.url = request.url = asked.geturl()
        return answer

    adapter.send = send


def _wait_no_longer() -> None:
    real = time.sleep
    time.sleep = lambda seconds: real(SHORTEST_SLEEP if seconds else 0)


# --- one command -----------------------------------------------------------------------------------


def _run(command: str) -> Mapping[str, Any]:
    program, *words = shlex.split(command)
    if program != "az":
        return {"code": 127, "out": "", "errors": f"not an az command: {program}"}
    out, errors, log = io.StringIO(), io.StringIO(), _Log()
    with contextlib.redirect_stderr(errors):
        code = _invoke(words, out, log)
    said = "\n".join([*log.messages, errors.getvalue().strip()]).strip()
    return {"code": code, "out": out.getvalue(), "errors": said}


class _Log(logging.Handler):
    """What azure-cli would have shown as warnings and errors: it reports through its logger ``cli``."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(f"{record.levelname}: {record.getMessage()}")


def _invoke(words: list[str], out: io.StringIO, log: _Log) -> int:
    cli = import_module("azure.cli.core").get_default_cli()
    logger = logging.getLogger("cli")
    logger.addHandler(log)
    try:
        return int(cli.invoke(words, out_file=out) or 0)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    finally:
        logger.removeHandler(log)


if __name__ == "__main__":
    main()
