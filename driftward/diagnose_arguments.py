"""The arguments of `python -m local diagnose`; the command itself is imported when it is asked for."""

from __future__ import annotations

import argparse


def add_diagnose(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command's arguments."""
    parser = commands.add_parser(
        "diagnose", help="why nobody can connect to a server: address, NSG, routes, DNS, firewall"
    )
    parser.add_argument("server", metavar="SERVER", help="resource id of a PostgreSQL server")
    parser.add_argument(
        "--from",
        dest="client",
        metavar="WHO",
        help="who wants to connect: resource id of a subnet, or a public IPv4 address",
    )
    parser.add_argument("--json", action="store_true", help="for machines")
