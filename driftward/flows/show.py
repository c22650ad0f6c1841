"""How `explain-flows` answers a person: a sentence, what is denied by what it is, and the rules to paste.

Everything that came out of a file is printed as text: never as markup, and without control characters, so
that a rule's name cannot write to the terminal. It is made from the JSON answer; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from driftward.flows.deniers import Denier
from driftward.flows.labels import (
    AZURE_DNS,
    DNS,
    INBOUND,
    OTHER_PORTS,
    PGBOUNCER,
    PLATFORM_ADDRESS,
    POSTGRES,
    PRIVATE,
    RESERVED,
    Kind,
    Need,
)
from driftward.flows.report import Answer, passes
from driftward.refusing import plain
from driftward.terminal import bullets, write
from shared.model import Json

_SHOWN: Final = 3
_HEADLINES: Final[Mapping[str, tuple[str, str]]] = {
    Answer.REQUIRED_DENIED: ("REQUIRED TRAFFIC IS DENIED", "bold red"),
    Answer.UNKNOWN: ("UNKNOWN", "bold yellow"),
    Answer.NOTHING_REQUIRED_DENIED: ("NOTHING REQUIRED IS DENIED", "bold green"),
}
_HEADINGS: Final[Mapping[str, str]] = {
    Kind.PLATFORM: "Platform traffic",
    Kind.UNKNOWN: "Unknown: whose these addresses are",
    Kind.UNKNOWN_CDN: "Unknown addresses, as CDNs have them",
    Kind.OTHER: "Somebody else's",
}
_NEEDS: Final[Mapping[str, tuple[str, str]]] = {
    Need.REQUIRED: ("required", "bold red"),
    Need.DEPENDS: ("required where the server uses it", "yellow"),
    Need.OPTIONAL: ("not required", "green"),
}
_NAMES: Final[Mapping[str, str]] = {
    POSTGRES: "PostgreSQL within the subnet",
    PGBOUNCER: "PgBouncer within the subnet",
    INBOUND: "from outside, inbound",
    PRIVATE: "private addresses",
    OTHER_PORTS: "public addresses, other ports",
    PLATFORM_ADDRESS: "addresses of the host",
    RESERVED: "addresses of nobody",
    DNS: "DNS servers",
    AZURE_DNS: "Azure's DNS",
}


_DENIERS: Final[Mapping[str, str]] = {
    Denier.NSG: "",
    Denier.ADMIN_RULE: ": a security admin rule of Azure Virtual Network Manager",
    Denier.ENCRYPTION: ": virtual network encryption",
    Denier.UNNAMED: ": the log does not say who",
}


def show(out: Mapping[str, Json], commands: Mapping[str, Sequence[str]]) -> None:
    """Print the answer; in colour on a terminal. ``commands`` are the lines of each rule's command."""
    write(partial(_answer, out=out, commands=commands))


def _answer(console: Console, out: Mapping[str, Json], commands: Mapping[str, Sequence[str]]) -> None:
    headline, colour = _HEADLINES[out["answer"]]
    console.print(Text.assemble((headline, colour), "  ", (_sentence(out), "bold")))
    for line in _about_log(out):
        console.print(Text(line))
    for kind, groups in groupby(out["groups"], key=lambda group: group["kind"]):
        listed = list(groups)
        console.print()
        console.print(Text(f"{_HEADINGS[kind]} ({_total(listed)})", "bold"))
        if kind == Kind.OTHER:
            _others(console, listed)
        else:
            for group in listed:
                _block(console, group, out, commands)
    bullets(console, "Besides", [*out["unread"]["first"], *out["notes"]])


# --- the sentence ----------------------------------------------------------------------------------


def _sentence(out: Mapping[str, Json]) -> str:
    groups: Sequence[Mapping[str, Json]] = out["groups"]
    required = [g for g in groups if g["need"] == Need.REQUIRED and not passes(g)]
    depending = [g for g in groups if g["need"] == Need.DEPENDS and not passes(g)]
    unknown = [g for g in groups if g["kind"] == Kind.UNKNOWN]
    if required:
        return f"{_total(required)}: {_listed(map(_name, required))}."
    if unknown:
        return f"{_total(unknown)} to public addresses on 443: whose they are is not known."
    if depending:
        return f"{_total(depending)}: {_listed(map(_name, depending))}, which {_tellers(depending)}."
    if out["answer"] == Answer.UNKNOWN:
        return "Some denied flows may be traffic that the service needs: see below."
    if not out["flows"]["denied"]:
        return "The log holds no denied flow."
    if any(g["need"] == Need.REQUIRED for g in groups):
        return "What the service needs and the log shows as denied passes now."
    return "No denied flow of this log is traffic that the service needs."


def _tellers(depending: Sequence[Mapping[str, Json]]) -> str:
    """The options that say whether it is required."""
    of_dns = {group["name"] in {DNS, AZURE_DNS} for group in depending}
    telling = [option for option, is_of in (("--server", False), ("--dns-server", True)) if is_of in of_dns]
    return f"{' and '.join(telling)} tell{'s' * (len(telling) == 1)}"


def _about_log(out: Mapping[str, Json]) -> Iterable[str]:
    flows = out["flows"]
    yield f"{_number(flows['denied'])} of {_flows(flows['total'])} are denied; {_period(out)}."
    if flows["ofOtherSubnets"]:
        yield f"{_flows(flows['ofOtherSubnets'])} of other subnets left out."
    if flows["ofOtherDirection"]:
        yield f"{_flows(flows['ofOtherDirection'])} of the other direction left out."


def _period(out: Mapping[str, Json]) -> str:
    records = f"{_number(out['records'])} record{'s' * (out['records'] != 1)}"
    return f"{records}, {_span(out)}" if out["first"] else records


# --- blocks ----------------------------------------------------------------------------------------


def _block(
    console: Console,
    group: Mapping[str, Json],
    out: Mapping[str, Json],
    commands: Mapping[str, Sequence[str]],
) -> None:
    lines = [f"{group['why']}."]
    if group["kind"] == Kind.PLATFORM:
        console.print(Padding(_title(group), (0, 0, 0, 2)))
        lines = []
    advice = [group["whatToDo"]] if group["whatToDo"] and group["fix"] is None else []
    lines += [
        f"{_flows(group['count'])}, {_span(group)}, {_ports(group)}",
        f"to {_addresses(group)}" if group["direction"] == "Outbound" else f"from {_addresses(group)}",
        f"denied by {_rules(group)}{_DENIERS[group['deniedBy']]}",
    ]
    for line in (*lines, *_now(group, out), *advice):
        console.print(Padding(Text(line), (0, 0, 0, 4)))
    _fix(console, group, commands)


def _title(group: Mapping[str, Json]) -> Text:
    need, colour = _NEEDS[group["need"]]
    direction = group["direction"].lower()
    return Text.assemble((_name(group), "bold"), f", {direction}: ", (need, colour), f" ({group['why']})")


def _now(group: Mapping[str, Json], out: Mapping[str, Json]) -> Iterable[str]:
    now = group["now"]
    if now is None:
        return
    name = plain(out["nsg"].rpartition("/")[2])
    rules = _few(
        (f"{rule['name']!r} (priority {rule['priority']})" for rule in now["blockingRules"]), " and "
    )
    match now["verdict"]:
        case "allowed" if now["isOfAnotherNsg"]:
            yield f"now: {name}, which the log is not about, would let it pass"
        case "allowed":
            yield f"now: {name} lets it pass{_allowing(now)}"
        case "denied":
            yield f"now: {name} still denies it, by {rules}"
        case "mixed":
            yield f"now: {name} still denies some of it, by {rules}"
        case _:
            yield f"now: whether {name} denies it, by {rules}, depends on {_few(now['dependsOn'], ' and ')}"


def _allowing(now: Mapping[str, Json]) -> str:
    rules = _few(map(repr, now["youngerRules"]), " and ")
    return f", by {rules}, which may be younger than the log" if now["youngerRules"] else ""


def _fix(console: Console, group: Mapping[str, Json], commands: Mapping[str, Sequence[str]]) -> None:
    fix = group["fix"]
    if fix is None:
        return
    if fix["noFixReason"] is not None:
        said = group["whatToDo"] or f"no rule can be added: {plain(fix['noFixReason'])}"
        console.print(Padding(Text(said), (0, 0, 0, 4)))
        return
    what = "rule" if len(fix["rules"]) == 1 else "rules"
    proved = (
        f"{what} to add, proved on these rules:"
        if fix["proved"]
        else f"{what} that it takes, at a free priority below the deny's number:"
    )
    console.print(Padding(Text(proved), (0, 0, 0, 4)))
    for rule in fix["rules"]:
        for line in commands[rule["name"]]:
            console.print(Text(line), soft_wrap=True)


# --- the others ------------------------------------------------------------------------------------


def _others(console: Console, groups: Sequence[Mapping[str, Json]]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("flows", justify="right")
    table.add_column("what", overflow="fold", ratio=3)
    table.add_column("ports", overflow="fold", ratio=2)
    table.add_column("addresses", overflow="fold", ratio=3)
    table.add_column("denied by", overflow="fold", ratio=3)
    for group in groups:
        table.add_row(
            _number(group["count"]),
            Text(_name(group)),
            _ports(group),
            _addresses(group),
            Text(f"{_rules(group)}{_DENIERS[group['deniedBy']]}"),
        )
    console.print(Padding(table, (0, 0, 0, 2), expand=False))


def _name(group: Mapping[str, Json]) -> str:
    """`Storage`; of others what they are, or whose tag."""
    name: str = group["name"]
    if group["kind"] == Kind.OTHER:
        return _NAMES.get(name, f"the tag {plain(name)}")
    return _NAMES.get(name, plain(name))


# --- words -----------------------------------------------------------------------------------------


def _span(part: Mapping[str, Json]) -> str:
    """`2026-11-20 09:00:12Z to 09:58:03Z`: the date is said once."""
    first, last = (f"{part[end][:19].replace('T', ' ')}Z" for end in ("first", "last"))
    if first == last:
        return str(first)
    return f"{first} to {last.partition(' ')[2] if first[:10] == last[:10] else last}"


def _ports(group: Mapping[str, Json]) -> str:
    ports = [f"{port['protocol'].lower()}/{port['port']}" for port in group["ports"]]
    return _some(ports, group["distinctPorts"])


def _addresses(group: Mapping[str, Json]) -> str:
    return _some([found["address"] for found in group["addresses"]], group["distinctAddresses"])


def _some(texts: Sequence[str], distinct: Mapping[str, Json]) -> str:
    """The first ones, and how many more there are, or are at least."""
    shown = [plain(text) for text in texts[:_SHOWN]]
    more = distinct["count"] - len(shown)
    if more <= 0:
        return ", ".join(shown)
    return f"{', '.join(shown)} and {'at least ' * distinct['isLowerBound']}{_number(more)} more"


def _rules(group: Mapping[str, Json]) -> str:
    return _few((rule["name"] or "no rule that is named" for rule in group["rules"]), " and ")


def _few(texts: Iterable[str], last: str) -> str:
    listed = [plain(text) for text in texts]
    if len(listed) > _SHOWN:
        return f"{', '.join(listed[: _SHOWN - 1])} and {len(listed) - _SHOWN + 1} more"
    return ", ".join(listed[:-1]) + (last if len(listed) > 1 else "") + listed[-1] if listed else "nothing"


def _listed(names: Iterable[str]) -> str:
    return _few(dict.fromkeys(names), " and ")


def _total(groups: Iterable[Mapping[str, Json]]) -> str:
    return _flows(sum(group["count"] for group in groups))


def _flows(number: int) -> str:
    return f"{_number(number)} flow{'s' * (number != 1)}"


def _number(number: int) -> str:
    return f"{number:,}"
