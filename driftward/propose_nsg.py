"""`driftward propose-nsg`: from the flow logs of a PostgreSQL subnet to the tightest rules that keep what is
legitimate, proved.

The steps are in ``driftward.proposal``; here options become values, logs are read with their progress shown,
and the answer is written in one of its forms. Exit codes: 0 proposed and proved; 1 no rules keep all that is
legitimate and deny the rest; 2 the input is unusable, or holds nothing of the subnet; 3 not all of the log
is known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from driftward.flows.faults import BadLog, Faults
from driftward.flows.files import logs_in, read_log
from driftward.flows.known import Known, Sources, known_of
from driftward.flows.options import of_the_subnet
from driftward.options import debug
from driftward.proposal.asking import Wishes, clients_of, given_of, place_of
from driftward.proposal.bicep import bicep
from driftward.proposal.commands import script
from driftward.proposal.fitting import NoRoom
from driftward.proposal.gathering import Gathering
from driftward.proposal.notes import notes_on
from driftward.proposal.proposing import Given, Proposal, propose
from driftward.proposal.terraform import terraform
from driftward.proposal.traffic import Observed
from driftward.proposal.view import Answer, view
from driftward.refusing import complain, refuse
from shared.model import Json
from shared.model.errors import ConfigurationError, GatewayError
from shared.model.values import value
from shared.nsg import NsgError
from shared.nsg.asking import BadInput

_EXITS: Final = {Answer.PROVED: 0, Answer.NOT_KEPT: 1, Answer.UNKNOWN: 3}
_UNUSABLE: Final = (BadInput, BadLog, NsgError, GatewayError, ConfigurationError)
_FORMS: Final = ("table", "json", "az", "bicep", "terraform")
_HELP: Final = """\
Proposes the tightest NSG rules for a PostgreSQL subnet from its flow logs: they keep every legitimate flow
that was seen, what the service needs and what declared clients need, and deny the rest. The exact engine
proves it. What was denied, came from the Internet or looks like a scan is set apart, and only kept when
--keep names it.
Reads flow logs of NSGs (version 1 and 2) and of virtual networks (version 4). Nothing is written to Azure.

\b
  driftward propose-nsg --flows logs/ --subnet 10.0.1.0/28 --nsg nsg.json \\
      --tags ServiceTags_Public.json --location westeurope
  driftward propose-nsg --flows logs/ --server /subscriptions/.../flexibleServers/pg -o az
"""
_EPILOG: Final = """\
Only --subscription with --location, and --server with an id, ask Azure, as for explain-flows. Declared
clients are those of --client and of --file, else POLICIES_FILE, else policies.yaml of this folder.

A service tag is named only where the service is needed as a whole. A rule for Internet is never proposed.

Exit codes: 0 proposed and proved; 1 no rules keep all that is legitimate and deny the rest; 2 the input
cannot be used, or holds no flow of the subnet; 3 Unknown: not all of the log is known, or no client is.
"""


@value
class Call:
    """What is asked for."""

    flows: tuple[str, ...]
    is_partial: bool
    form: str
    sources: Sources
    wishes: Wishes


@value
class Answered:
    """The proposal, what it was made from, and what is said of it."""

    proposal: Proposal
    given: Given
    out: Mapping[str, Json]

    @property
    def answer(self) -> Answer:
        return Answer(self.out["answer"])


@click.command("propose-nsg", help=_HELP, epilog=_EPILOG)
@click.option(
    "--flows",
    multiple=True,
    required=True,
    metavar="DIR",
    help="A folder of flow logs, or a log; may be repeated; - reads standard input.",
)
@of_the_subnet
@click.option(
    "--client",
    "clients",
    multiple=True,
    metavar="PREFIX",
    help="A network whose clients must reach PostgreSQL, seen or not; several separated by commas.",
)
@click.option(
    "--replica",
    "replicas",
    multiple=True,
    metavar="PREFIX",
    help="The subnet of a server that replicates with those of this one; several separated by commas.",
)
@click.option(
    "--keep",
    "keeps",
    multiple=True,
    metavar="PREFIX[:PORT]",
    help="Keep what was set apart of these addresses; several separated by commas.",
)
@click.option("--file", type=click.Path(path_type=Path), metavar="FILE", help="Another policies.yaml.")
@click.option(
    "--partial",
    "is_partial",
    is_flag=True,
    help="Answer for what can be read of a broken log; what cannot is told and counted.",
)
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(_FORMS, case_sensitive=False),
    help="For people (the default), for machines, as commands, or as the whole NSG.",
)
@click.option("--json", "is_json", is_flag=True, help="The same as -o json.")
@debug
def propose_nsg(**given: Any) -> int:
    """Answer what the command line asks."""
    form = _form(given.pop("form"), given.pop("is_json"))
    wishes = Wishes(**{name: given.pop(name) for name in ("clients", "replicas", "keeps", "file")})
    flows, is_partial = given.pop("flows"), given.pop("is_partial")
    call = Call(flows=flows, is_partial=is_partial, form=form, sources=Sources(**given), wishes=wishes)
    try:
        answered = _answered(call)
    except _UNUSABLE as error:
        return refuse(error)
    except NoRoom as error:
        complain(str(error))
        return _EXITS[Answer.NOT_KEPT]
    return _write(answered, call.form)


def _form(form: str | None, is_json: bool) -> str:
    if is_json and form not in {None, "json"}:
        raise click.UsageError(f"--json and -o {form} contradict each other", click.get_current_context())
    return "json" if is_json else (form or "table").lower()


def _answered(call: Call) -> Answered:
    known = known_of(call.sources)
    clients = clients_of(call.wishes, known, _environment())
    faults = Faults(strict=not call.is_partial)
    files = logs_in(call.flows)
    observed = _observed(files, known, faults)
    given = given_of(known, call.sources, call.wishes, clients, observed)
    proposal = propose(given)
    _refuse_unmet(proposal)
    notes = (*known.notes, *notes_on(proposal, given, known, clients, faults))
    out = {**view(proposal, given, files, faults.count), "notes": list(notes)}
    return Answered(proposal=proposal, given=given, out=out)


def _environment() -> dict[str, str]:
    """What an app is set to beside that is no concern of this command."""
    return {"POLICIES_FILE": os.environ.get("POLICIES_FILE", "")}


def _observed(files: Sequence[str], known: Known, faults: Faults) -> Observed:
    gathering = Gathering(place_of(known))
    for path in files:
        read_log(path, gathering.take, faults, every=True)
    observed = gathering.observed()
    if not observed.traffic:
        what = "no flow in it" if not observed.flows else "no flow of the log is of the subnet"
        raise BadInput(f"{files[0] if len(files) == 1 else f'{len(files)} logs'}: {what}", field="flows")
    return observed


def _refuse_unmet(proposal: Proposal) -> None:
    """A name that meets nothing is a slip of the pen, or of what is legitimate anyhow."""
    if proposal.unmet:
        raise BadInput(f"--keep {', '.join(proposal.unmet)}: nothing of it was set apart", field="keep")


# --- writing ---------------------------------------------------------------------------------------


def _write(answered: Answered, form: str) -> int:
    if form == "json":
        print(json.dumps({**answered.out, "commands": [*_commands(answered)]}, indent=2))
    elif form == "table":
        from driftward.proposal.show import show

        show(answered.out, [*_commands(answered)])
    elif form != "az" and (odd := answered.given.group.odd_rules):
        names = ", ".join(rule.name for rule in odd)
        said = f"-o {form} holds all rules, and these cannot be read whole: {names}; -o az leaves them alone"
        return refuse(BadInput(said, field="output"))
    else:
        _write_edits(answered, form)
    return _EXITS[answered.answer]


def _commands(answered: Answered) -> Iterator[str]:
    """None where the proof does not hold: what is printed is to be pasted."""
    if answered.answer is not Answer.NOT_KEPT:
        yield from script(answered.proposal, answered.given.group)


def _write_edits(answered: Answered, form: str) -> None:
    for note in answered.out["notes"]:
        complain(note)
    if answered.answer is Answer.NOT_KEPT:
        complain("not proved, so nothing is printed: -o table says what does not hold")
    elif form == "az":
        print("\n".join(_commands(answered)) or "# nothing to change")
    else:
        print({"bicep": bicep, "terraform": terraform}[form](answered.proposal.after))
