"""What `make up` listens on: the ports that everybody expects, unless somebody has them already."""

from __future__ import annotations

import socket

import pytest

from local.demo.up import free_or_any
from local.dev.processes import free_port


def test_a_port_that_is_free_is_taken_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    assert free_or_any(port, "host") == port
    assert capsys.readouterr().out == ""


def test_a_port_that_is_taken_is_told_and_the_system_picks_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert free_or_any(port, "host") == 0
    assert capsys.readouterr().out == f"host: port {port} is taken, the system picks another\n"
