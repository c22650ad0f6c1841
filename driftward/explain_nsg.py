"""`driftward explain-nsg`: one question about an NSG in a file, or many as JSON Lines.

What an answer holds is decided in `shared.nsg.explain`; here options become a question, files are read,
time is taken, and the answer is written: as JSON for machines, through `driftward.traffic.show` for people.
Nothing talks to Azure, and nothing heavy is imported: a question should be answered before anybody waits.
What options may hold is judged where questions are read (`shared.nsg.asking`), once for the command, the
batch and the API.

Exit codes of one question: 0 answered, and what was wanted holds or nothing was; 1 it does not hold; 2 the
input is unusable. Of a batch: 0 every line was answered, 1 some line got an error, 2 the call is unusable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, BinaryIO, Final

import click

from driftward.documents import STANDARD_INPUT, document, standard_input, text_of
from driftward.options import answers
from driftward.refusing import complain
from driftward.traffic.answered import Answered
from driftward.traffic.batch import answer_lines, failure, since
from shared.model import Json
from shared.nsg.asking import BadInput, read_question
from shared.nsg.documents.bicepparam import values_of
from shared.nsg.documents.document import Choice, read_for_question
from shared.nsg.documents.exports import tags_in
from shared.nsg.explain import answer_from
from shared.nsg.rules.reading import NsgError

_HELP: Final = """\
Asks the rules of one NSG about traffic: is it allowed, which rules decide, which packets show it, and which
rule to add. Nothing is sent anywhere. The answer is exact for each packet: what depends on service tags or
application security groups that are not known is told, never guessed.

\b
  driftward explain-nsg --nsg nsg.json --direction Inbound --source 10.0.1.0/24 \\
      --destination 10.0.1.0/24 --ports 5432,6432 --want allow
  driftward explain-nsg --batch < questions.jsonl > answers.jsonl
"""
_EPILOG: Final = """\
Several values are separated by commas, or the option is repeated.

\b
Exit codes:
  0 answered, and --want is absent or met; 1 --want is not met; 2 the input
  cannot be used. With --batch: 0 every line was answered; 1 some line got an
  error; 2 the call cannot be used.

\b
A line of the batch:
  {"id", "nsg", "direction", "source", "destination", "ports"} and, where
  wanted, "name", "parameters", "protocol", "sourcePorts", "tags", "openTags",
  "want", "privateEndpointNetworkPolicies". A tag that "tags" does not hold is an error
  there, unless "openTags" is true. Empty lines are skipped.
"""
_FIELDS: Final[Mapping[str, str]] = {
    "direction": "direction",
    "protocol": "protocol",
    "source": "source",
    "source_ports": "sourcePorts",
    "destination": "destination",
    "ports": "ports",
    "want": "want",
    "private_endpoint_policies": "privateEndpointNetworkPolicies",
}
"""Options of one question, and the fields of a batch line that they are."""
_REQUIRED: Final = ("nsg", "direction", "source", "destination", "ports")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The call. An option that may be repeated is a list; what was not given is None."""

    nsg: str | None
    name: str | None
    parameters: str | None
    tags: str | None
    lines: str | None
    question: Mapping[str, Json]
    """By the names of ``_FIELDS``."""
    as_json: bool

    def has(self, option: str) -> bool:
        return self.of(option) is not None

    def of(self, option: str) -> Json:
        return self.question[option] if option in self.question else getattr(self, option)


@click.command("explain-nsg", help=_HELP, epilog=_EPILOG, short_help="what an NSG does to some traffic")
@click.option(
    "--nsg",
    metavar="FILE",
    help="An NSG as ARM, az, the portal or a template has it; - reads standard input.",
)
@click.option(
    "--name",
    metavar="NAME",
    help="Which NSG, where the file holds several: its name, its id, its symbolic name in a template, or its "
    "position, such as #2.",
)
@click.option(
    "--parameters",
    metavar="FILE",
    help="Values for a template's parameters: a parameter file of ARM, a .bicepparam file or what `bicep "
    "build-params` makes of one, or {name: value}. What stays unknown, such as a secret from a vault, is "
    "told where it matters.",
)
@click.option("--direction", metavar="WAY", help="Inbound or Outbound.")
@click.option(
    "--source",
    metavar="ADDRESSES",
    multiple=True,
    help="Addresses, prefixes, a-b ranges, a service tag or *.",
)
@click.option("--destination", metavar="ADDRESSES", multiple=True, help="As --source.")
@click.option("--ports", metavar="PORTS", multiple=True, help="Of the destination: 5432,6000-6010 or *.")
@click.option("--source-ports", metavar="PORTS", multiple=True, help="Of the source; * when absent.")
@click.option("--protocol", metavar="NAME", help="Tcp (default), Udp, Icmp, Esp, Ah or *.")
@click.option(
    "--tags",
    metavar="FILE",
    help="The prefixes of service tags: {name: [prefixes]}, or Azure's service tag file. The tags that it "
    "names hold exactly these. Of the others Internet is the space outside the virtual network and "
    "AzureLoadBalancer is 168.63.129.16, as Azure defines them; the rest stays open.",
)
@click.option(
    "--want", metavar="GOAL", help="allow or deny: what the answer should be; adds the fix that is missing."
)
@click.option(
    "--private-endpoint-policies",
    metavar="STATE",
    help="The subnet's privateEndpointNetworkPolicies, where the traffic goes to a private endpoint.",
)
@click.option("--batch", is_flag=True, help="JSON Lines in, JSON Lines out, in their order.")
@click.argument("lines", required=False, metavar="[LINES.jsonl]")
@answers
def explain_nsg(batch: bool, as_json: bool, **given: Any) -> int:
    """Answer the question, or the batch, that the command line gives."""
    question = {option: _several(given.pop(option)) for option in _FIELDS}
    call = Given(question=question, as_json=as_json, **given)
    return _batch(call) if batch else _one(call)


def _several(found: Json) -> Json:
    """An option as a batch line would have it: those that may be repeated are lists, split at commas."""
    if not isinstance(found, tuple):
        return found
    return [part.strip() for text in found for part in text.split(",") if part.strip()] if found else None


# --- one question ----------------------------------------------------------------------------------


def _one(given: Given) -> int:
    try:
        answered = _answered(given)
    except (BadInput, NsgError) as error:
        return _refused(error, as_json=given.as_json)
    except RecursionError:
        return _refused(BadInput("the document is nested too deeply", field="nsg"), as_json=given.as_json)
    if given.as_json:
        print(json.dumps(answered.out, indent=2))
    else:
        from driftward.traffic.show import show

        show(answered)
    return 0 if answered.is_met else 1


def _answered(given: Given) -> Answered:
    """Raises ``BadInput`` and ``NsgError``."""
    nsg = _checked(given)
    line = {field: given.of(option) for option, field in _FIELDS.items() if given.has(option)}
    tags = {} if given.tags is None else document(given.tags, "tags")
    found = document(nsg, "nsg")
    asked = read_question({**line, "tags": tags, "openTags": True}, tags_in(found))
    parameters = None if given.parameters is None else _parameters(given.parameters)
    started = perf_counter()
    read = read_for_question(found, asked.tags, Choice(name=given.name, parameters=parameters))
    answer = answer_from(read, asked)
    out = {"id": None, **answer, "ms": since(started)}
    return Answered(out=out, group=read.group, asked=asked, line=line)


def _parameters(path: str) -> Json:
    """The values of a parameter file. Raises ``BadInput`` and ``NsgError``."""
    if path.lower().endswith(".bicepparam"):
        values = values_of(text_of(path, "parameters"))
        return {"contentVersion": "", "parameters": {name: {"value": item} for name, item in values.items()}}
    return document(path, "parameters")


def _checked(given: Given) -> str:
    """The file of the NSG. Raises ``BadInput`` where an option is missing or two do not go together."""
    if given.lines is not None:
        raise BadInput(f"{given.lines}: a file of questions goes with --batch", field="batch")
    missing = next((option for option in _REQUIRED if not given.has(option)), None)
    if missing is not None or given.nsg is None:
        raise BadInput(f"--{missing} is missing", field=str(missing))
    files = {"nsg": given.nsg, "tags": given.tags, "parameters": given.parameters}
    piped = [option for option, path in files.items() if path == STANDARD_INPUT]
    if len(piped) > 1:
        raise BadInput(f"only one of {', '.join(piped)} can be standard input", field=piped[-1])
    return given.nsg


def _refused(error: BadInput | NsgError, *, as_json: bool) -> int:
    """Say what is wrong, in words and with the names of field and rule."""
    if as_json:
        print(json.dumps(failure(None, str(error), field=error.field, rule=error.rule), indent=2))
    place = [f"rule {error.rule!r}"] if error.rule else []
    place += [f"field {error.field}"] if error.field else []
    complain(f"{error} [{', '.join(place)}]" if place else str(error))
    return 2


# --- a batch ---------------------------------------------------------------------------------------


def _batch(given: Given) -> int:
    beside = [option for option in ("nsg", "tags", "name", "parameters", *_FIELDS) if given.has(option)]
    if beside:
        complain(f"--{beside[0].replace('_', '-')} does not go with --batch")
        return 2
    try:
        source = _lines(given.lines)
    except OSError as error:
        complain(f"{given.lines or STANDARD_INPUT}: {error.strerror}")
        return 2
    failed = False
    with source as lines:
        for answer in answer_lines(lines):
            print(json.dumps(answer), flush=True)
            failed = failed or "error" in answer
    return 1 if failed else 0


def _lines(path: str | None) -> AbstractContextManager[BinaryIO]:
    if path is None or path == STANDARD_INPUT:
        return nullcontext(standard_input())
    return Path(path).open("rb")
