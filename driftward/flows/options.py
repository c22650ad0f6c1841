"""Options by which commands about flow logs learn what is known besides: ``known.Sources`` holds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import click

_OPTIONS: Final = (
    click.option(
        "--subnet",
        multiple=True,
        metavar="PREFIX",
        help="The PostgreSQL subnet, several separated by commas; flows of other subnets are left out.",
    ),
    click.option(
        "--dns-server",
        multiple=True,
        metavar="ADDRESS",
        help="The network's DNS servers, several separated by commas; 168.63.129.16 where it has none.",
    ),
    click.option(
        "--tags",
        metavar="FILE",
        help="The prefixes of service tags: {name: [prefixes]}, or Azure's service tag file.",
    ),
    click.option(
        "--subscription", metavar="ID", help="Read the service tags from Azure, as this subscription."
    ),
    click.option(
        "--location", metavar="REGION", help="Whose copy of the service tags; the server's when absent."
    ),
    click.option(
        "--nsg",
        metavar="FILE",
        help="The subnet's NSG as ARM, az, the portal or a template has it: says what it does now, and makes "
        "the rules exact.",
    ),
    click.option("--nsg-name", metavar="NAME", help="Which NSG, where the file holds several."),
    click.option(
        "--server",
        metavar="SERVER",
        help="A flexible server, as an id to read from Azure or a file of az or ARM: its features say which "
        "traffic is required.",
    ),
)


def of_the_subnet(command: Callable[..., int]) -> Callable[..., Any]:
    """Add the options, in their order."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
