"""The command `driftward`: which commands there are, and what a call of any of them has in common.

A command's module is imported when the command is called, so that one does not pay for another's
dependencies; what the list of commands says of each stands here. Every command returns its exit code.
What a caller can bring about (a wrong option, an absent file, a reader who left) is told in a line and
never with a traceback, unless ``--debug`` asks for it. Exit codes everywhere: 0 answered, and what was
wanted holds; 1 it does not hold; 2 the input cannot be used, or nothing could be read; 3 not known, where a
question was asked that stays open.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from driftward import __version__
from driftward.options import debug, tell_all
from driftward.refusing import complain

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_STOPPED: Final = 130
"""As a shell has it for a process that Ctrl-C ended: 128 and the number of the signal."""
SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Place(NamedTuple):
    """Where a command is found, and what the list of commands says of it."""

    module: str
    name: str
    summary: str


class LazyGroup(click.Group):
    """A group that knows its commands by name and summary, and imports only the one that is called."""

    def __init__(self, *arguments: Any, places: Mapping[str, Place], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.places, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = self.places.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        found: click.Command = getattr(import_module(place.module), place.name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._summary(ctx, name)) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        commands = [CompletionItem(name, help=self._summary(ctx, name)) for name in names]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> int:
        """The exit code of the command that was called."""
        try:
            code: int | None = super().invoke(ctx)
        except BrokenPipeError:
            raise
        except OSError as error:
            complain(f"{ctx.command_path}: {_reason(error)}")
            tell_all(error)
            return 2
        return code or 0

    def _summary(self, ctx: click.Context, name: str) -> str:
        if name in self.places:
            return self.places[name].summary
        command = self.get_command(ctx, name)
        return command.get_short_help_str(limit=70) if command is not None else ""


COMMANDS: Final[Mapping[str, Place]] = {
    "policies": Place(
        "driftward.policies", "policies", "the catalogue: what is found, and what is done about it"
    ),
    "explain-nsg": Place("driftward.explain_nsg", "explain_nsg", "what an NSG does to some traffic, and why"),
    "explain-flows": Place(
        "driftward.explain_flows",
        "explain_flows",
        "which denied flows of a flow log PostgreSQL needs, and the rules for them",
    ),
    "propose-nsg": Place(
        "driftward.propose_nsg",
        "propose_nsg",
        "the tightest rules that keep the legitimate flows of a flow log, proved",
    ),
    "diagnose": Place(
        "driftward.diagnose",
        "diagnose",
        "who can connect to a server, and what is in the way: address, NSG, routes, DNS, firewall",
    ),
    "scan": Place("driftward.scan", "scan", "what is wrong in a subscription, without deploying anything"),
    "audit-roles": Place(
        "driftward.audit_roles",
        "audit_roles",
        "what is wrong inside a server: roles, rights, passwords, sessions, settings",
    ),
    "use": Place("driftward.use", "use", "remember which app is asked, and sign in to it as yourself"),
    "status": Place(
        "driftward.status", "status", "how an app is set, and which targets nobody can judge now"
    ),
    "alerts": Place("driftward.alerts", "alerts", "what an app has found"),
    "alert": Place("driftward.alerts", "alert", "show an alert, look after it, or approve its change"),
    "changes": Place("driftward.changes", "changes", "what an app has written"),
    "change": Place("driftward.changes", "change", "show a change with its proof"),
    "rollback": Place("driftward.changes", "rollback", "undo a change"),
    "run": Place("driftward.run", "run", "look at a resource or a scope now"),
    "added": Place("driftward.added", "added", "the rules that an app has added, and what removes them"),
    "break-glass": Place("driftward.break_glass", "break_glass", "stop every write, or let them go on"),
    "freeze": Place("driftward.break_glass", "freeze", "stop every write for a while"),
    "exemptions": Place(
        "driftward.exemptions", "exemptions", "which exemptions stand and their end; give one, or revoke it"
    ),
    "doctor": Place(
        "driftward.doctor", "doctor", "whether an installation has what it needs, and what mends it"
    ),
    "verify-journal": Place(
        "driftward.verify_journal",
        "verify_journal",
        "whether the journal is the one that was written, and accounts for every write in Azure's log",
    ),
    "export-journal": Place(
        "driftward.export_journal", "export_journal", "the whole journal in a file, to be checked later"
    ),
    "replay": Place("driftward.replay", "replay", "post recorded events to a webhook, as Event Grid would"),
}

_HELP: Final = """\
Keeps the network posture of Azure Database for PostgreSQL where its owners want it.

These commands show, explain, and ask an app; none of them writes to Azure itself.

\b
  driftward policies --severity Critical
  driftward explain-nsg --nsg nsg.json --direction Inbound --source 10.0.1.0/24 \\
      --destination 10.0.1.0/24 --ports 5432,6432
"""
_EPILOG: Final = """\
Exit codes: 0 answered, and what was wanted holds; 1 it does not hold; 2 the input cannot be used, or
nothing could be read; 3 not known, where a question was asked that stays open.

\b
Completion in your shell, for this session or as a line of its start-up file:
  bash: eval "$(_DRIFTWARD_COMPLETE=bash_source driftward)"
  zsh:  eval "$(_DRIFTWARD_COMPLETE=zsh_source driftward)"
  fish: _DRIFTWARD_COMPLETE=fish_source driftward | source

NO_COLOR in the environment switches colours off.
"""


@click.group(cls=LazyGroup, places=COMMANDS, help=_HELP, epilog=_EPILOG, context_settings=SETTINGS)
@click.version_option(__version__, message="driftward %(version)s")
@debug
def driftward() -> None:
    """Nothing: every option stands with its command."""


def main(argv: Sequence[str] | None = None) -> int:
    """`driftward …`; returns the exit code."""
    return run(driftward, argv)


def run(group: click.Group, argv: Sequence[str] | None, name: str | None = None) -> int:
    """Call a command of ``group``; ``name`` is how the group was called, where that cannot be seen."""
    _ready()
    try:
        code: int = group.main(args=argv, prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        return _complain(error, name or str(group.name))
    except (click.Abort, KeyboardInterrupt):
        return _STOPPED
    except BrokenPipeError:
        # Whoever read the answer has left (`| head`). Python would fail once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        complain(_reason(error))
        return 2
    return code or 0


def _ready() -> None:
    """Whoever closed an output wants nothing of it; a sign that an encoding lacks becomes a question mark."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _complain(error: click.ClickException, name: str) -> int:
    """One message, and where more is said."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError) or not isinstance(error, click.UsageError):
        complain(error.format_message())
        return error.exit_code
    called = error.ctx.command_path if error.ctx is not None else name
    complain(f"{called}: {error.format_message()}", f"`{called} --help` says what there is.")
    return error.exit_code


def _reason(error: OSError) -> str:
    """`nsg.json: No such file or directory`, without the number."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename is not None else reason
