"""How `explain-nsg` answers a person: a sentence, packets, the rules to blame, and the fix to paste.

Everything that came out of a file is printed as text: never as markup, and without control characters, so
that a rule's name cannot write to the terminal. Nothing is decided here.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shared.alerts.commands import fix_commands
from shared.model import Json, PutSecurityRule, SecurityGroup, SecurityRule
from shared.model.resource_id import ResourceId
from shared.nsg.documents.document import read_rule
from shared.nsg.packets.addresses import parse_addresses
from shared.nsg.packets.spans import common
from shared.nsg.rules.reading import DEFAULT_RULES
from shared.nsg.rules.tags import SetKind, open_tag, tag_key

if TYPE_CHECKING:
    from driftward.explain_nsg import Answered

_WIDEST: Final = 110
_INDENT: Final = 2
_SHOWN: Final = 3
_ROWS: Final = 20
_COLOURS: Final[Mapping[str, str]] = {
    "allowed": "green",
    "denied": "red",
    "mixed": "magenta",
    "depends": "yellow",
}
_NOWHERE: Final = "00000000-0000-0000-0000-000000000000"
"""The subscription in ids of what a document names without one."""
_LOAD_BALANCER: Final = "azureloadbalancer"
_UNKNOWN: Final = "unknown"
_NAMELESS: Final = "nsg"
_SETS: Final[Mapping[SetKind, str]] = {
    SetKind.VIRTUAL_NETWORK: "the virtual network's space, peered networks, on-premises ranges and routes; "
    "its prefixes can be given with --tags",
    SetKind.INTERNET: "public addresses outside the virtual network; prefixes can be given with --tags",
    SetKind.PUBLIC_TAG: "a service tag for public addresses; its prefixes can be given with --tags",
    SetKind.UNKNOWN_TAG: "a tag that Azure does not publish; its prefixes can be given with --tags",
    SetKind.MALFORMED: "a text that is no address and no tag: it may match anything",
    SetKind.SECURITY_GROUP: "an application security group: who belongs to it stands in no file",
}


def show(answered: Answered) -> None:
    """Print the answer; in colour on a terminal."""
    console = Console(highlight=False)
    console.width = min(console.width, _WIDEST)
    with console.capture() as captured:
        _answer(console, answered)
    text = "\n".join(line.rstrip() for line in captured.get().splitlines())
    # A name may hold what the terminal's encoding lacks: better a question mark than no answer.
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding))


def _answer(console: Console, answered: Answered) -> None:
    out, rules = answered.out, _rules_by_name(answered.group)
    console.print(_headline(answered))
    _packets(console, answered)
    _depends(console, answered)
    for heading, listed in (
        ("Rules that deny some of it", out["blockingRules"]),
        ("Rules that allow some of it", out["exposingRules"]),
        ("Rules that match some of it and never decide", out["shadowedRules"]),
    ):
        _rules(console, heading, [rules[named["name"]] for named in listed if named["name"] in rules])
    _fix(console, answered)
    _shared(console, out["sharedWith"])
    _bullets(console, "Besides", out["caveats"])


# --- the sentence ----------------------------------------------------------------------------------


def _headline(answered: Answered) -> Text:
    out = answered.out
    verdict = out["verdict"]
    line = Text.assemble((verdict.upper(), f"bold {_COLOURS[verdict]}"), "  ", (_sentence(answered), "bold"))
    if answered.asked.want is not None:
        met = ("met", "bold green") if answered.is_met else ("not met", "bold red")
        line.append(Text.assemble(f"\nWanted: {answered.asked.want.lower()}. That is ", met, "."))
    return line


def _sentence(answered: Answered) -> str:
    name, asked = _plain(answered.group.id.name), _traffic(answered)
    depends = _few(answered.out["dependsOn"], "and")
    match answered.out["verdict"]:
        case "allowed":
            return f"{name} allows all {asked}."
        case "denied":
            return f"{name} denies all {asked}."
        case "mixed":
            rest = f"; the rest depends on {depends}" if depends else ""
            return f"{name} allows some and denies some {asked}{rest}."
        case _:
            sure = {packet["outcome"] for packet in answered.out["witnesses"] if packet["sure"]}
            rest = f"; some of it is {sure.pop()} in any case" if sure else ""
            return f"Whether {name} allows {asked} depends on {depends}{rest}."


def _traffic(answered: Answered) -> str:
    line, question = answered.line, answered.asked.question
    protocol = "traffic of any protocol" if question.protocol == "*" else question.protocol.value
    source_ports = line.get("sourcePorts", ["*"])
    spoken = f"{question.direction.lower()} {protocol} from {_few(line['source'], 'and')}"
    spoken += "" if source_ports == ["*"] else f", {_ports(source_ports)},"
    return f"{spoken} to {_few(line['destination'], 'and')}, {_ports(line['ports'])}"


def _ports(texts: Sequence[str]) -> str:
    if "*" in texts:
        return "any port"
    return f"{'port' if len(texts) == 1 and '-' not in texts[0] else 'ports'} {_few(texts, 'and')}"


# --- packets ---------------------------------------------------------------------------------------


def _packets(console: Console, answered: Answered) -> None:
    out = answered.out
    priorities = {rule["name"]: rule["priority"] for rule in (*out["blockingRules"], *out["exposingRules"])}
    lines = [
        _packet(packet, priorities, _membership(packet, answered)) for packet in answered.out["witnesses"]
    ]
    _section(console, "Packets that show it", lines)


def _packet(packet: Mapping[str, Json], priorities: Mapping[str, int], supposed: str) -> Text:
    """`10.0.1.4:49152 → 10.0.1.5:5432 tcp is denied by rule 'DenyAll' (priority 4096)`."""
    source, destination = (
        f"[{address}]" if ":" in address else address for address in (packet["source"], packet["destination"])
    )
    rule = packet["rule"]
    priority = f" (priority {priorities[rule]})" if rule in priorities else ""
    by = f" by rule {_plain(rule)!r}{priority}" if rule is not None else ": the NSG does not filter it"
    colour = _COLOURS[packet["outcome"]]
    return Text.assemble(
        (
            f"{source}:{packet['sourcePort']} → {destination}:{packet['destinationPort']} "
            f"{packet['protocol'].lower()}",
            "bold",
        ),
        " is ",
        (packet["outcome"], colour),
        f"{by}{supposed}",
    )


def _membership(packet: Mapping[str, Json], answered: Answered) -> str:
    """What is taken for granted about who belongs to what; nothing where nothing is."""
    held = {packet[end]: tuple(packet["memberships"][end]) for end in ("source", "destination")}
    said = []
    for names in dict.fromkeys(filter(None, held.values())):
        inside = [address for address, found in held.items() if found == names]
        said.append(f"{_few(inside, 'and')} {_is(inside)} in {_few(names, 'and')}")
    for name in [] if packet["sure"] else answered.out["dependsOn"][:_SHOWN]:
        could = (address for address, found in held.items() if name not in found)
        outside = [address for address in could if _may_hold(name, address, answered)]
        said += [f"{_few(outside, 'and')} {_is(outside)} not in {_plain(name)}"] if outside else []
    return f", where {_few(said, 'and', most=2 * _SHOWN)}" if said else ""


def _is(addresses: Sequence[str]) -> str:
    return "is" if len(addresses) == 1 else "are"


def _may_hold(name: str, address: str, answered: Answered) -> bool:
    """Whether an open set may hold the address: that a private one is not public goes without saying."""
    if name in _security_groups(answered):
        return True
    bound = answered.asked.tags.upper(open_tag(name))
    return bool(common(bound, parse_addresses(address) or ()))


def _security_groups(answered: Answered) -> set[str]:
    return {
        group.name
        for rule in answered.group.rules
        for group in (*rule.source_groups, *rule.destination_groups)
    }


def _depends(console: Console, answered: Answered) -> None:
    groups = _security_groups(answered)
    lines = [
        Text.assemble((_plain(name), "bold"), f": {_held_by(name, groups)}")
        for name in answered.out["dependsOn"]
    ]
    _section(console, "It depends on what is not known", lines)


def _held_by(name: str, groups: Collection[str]) -> str:
    """What the open set is, and how more could be known of it."""
    if name not in groups and tag_key(name) == _LOAD_BALANCER:
        return "documented as 168.63.129.16; say so with --tags"
    return _SETS[SetKind.SECURITY_GROUP if name in groups else open_tag(name).kind]


# --- rules -----------------------------------------------------------------------------------------


def _rules_by_name(group: SecurityGroup) -> dict[str, SecurityRule]:
    given = {rule.direction for rule in group.default_rules}
    supplied = (rule for rule in DEFAULT_RULES if rule.direction not in given)
    return {rule.name: rule for rule in chain(supplied, group.default_rules, group.rules)}


def _rules(console: Console, heading: str, rules: Sequence[SecurityRule]) -> None:
    if not rules:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("priority", justify="right")
    table.add_column("rule", overflow="fold", ratio=3)
    table.add_column("", no_wrap=True)
    table.add_column("from", overflow="fold", ratio=3)
    table.add_column("to", overflow="fold", ratio=3)
    table.add_column("ports", overflow="fold", ratio=2)
    for rule in rules[:_ROWS]:
        sources = (*rule.sources, *(group.name for group in rule.source_groups))
        destinations = (*rule.destinations, *(group.name for group in rule.destination_groups))
        cells = (str(rule.priority), rule.name, rule.protocol.lower(), _few(sources), _few(destinations))
        table.add_row(*(Text(_plain(cell)) for cell in (*cells, _few(rule.destination_ports))))
    more = [Text(f"and {len(rules) - _ROWS} more: --json has all")] if len(rules) > _ROWS else []
    _section(console, heading, [table, *more])


# --- the fix ---------------------------------------------------------------------------------------


def _fix(console: Console, answered: Answered) -> None:
    out = answered.out
    if out["noFixReason"] is not None:
        _section(console, "No rule can be added that fixes it", [Text(_plain(out["noFixReason"]))])
    if out["fix"] is None:
        return
    rules = [read_rule(body) for body in out["fix"]["rules"]]
    access = rules[0].access.lower()
    _rules(console, f"The fix, proved on these rules: add {_count(len(rules), f'{access} rule')}", rules)
    edits = tuple(PutSecurityRule(nsg=answered.group.id, rule=rule) for rule in rules)
    console.print()
    for command in fix_commands(edits):
        for line in command_lines(command, answered.group.id):
            console.print(Text(line), soft_wrap=True)


def command_lines(command: str, group: ResourceId) -> Iterator[str]:
    """A command over several lines of a shell, with placeholders for what no document told."""
    words = list(_with_placeholders(shlex.split(command), group))
    line = ""
    for phrase in _phrases(words):
        if line and len(line) + len(phrase) > _LINE:
            yield f"{line} \\"
            line = f"    {phrase}"
        else:
            line = f"{line} {phrase}" if line else phrase
    yield line


_LINE: Final = 74


def _with_placeholders(words: Sequence[str], group: ResourceId) -> Iterator[str]:
    told = iter(words)
    for word in told:
        if word == "--subscription" and group.subscription == _NOWHERE:
            next(told)
        elif word == "--resource-group" and group.resource_group == _UNKNOWN:
            next(told)
            yield from (word, "<resource-group>")
        elif word == "--nsg-name" and group.subscription == _NOWHERE and group.name == _NAMELESS:
            next(told)
            yield from (word, "<nsg>")
        else:
            yield word


def _phrases(words: Sequence[str]) -> Iterator[str]:
    """The command itself, then each option with its values."""
    phrase: list[str] = []
    for word in words:
        if word.startswith("--") and phrase:
            yield " ".join(phrase)
            phrase = []
        phrase.append(shlex.quote(word))
    yield " ".join(phrase)


# --- the rest --------------------------------------------------------------------------------------


def _shared(console: Console, shared: Mapping[str, Sequence[str]]) -> None:
    subnets = [_place(ResourceId(text)) for text in shared["subnets"]]
    interfaces = [_place(ResourceId(text)) for text in shared["networkInterfaces"]]
    lines = []
    if subnets:
        lines.append(f"{_count(len(subnets), 'subnet')}: {_few(subnets, most=8)}")
    if interfaces:
        lines.append(f"{_count(len(interfaces), 'network interface')}: {_few(interfaces, most=8)}")
    _bullets(console, "Whatever is changed takes effect in", lines)


def _place(found: ResourceId) -> str:
    """`snet-db of vnet-hub`."""
    parent = found.parent
    return found.name if parent is None else f"{found.name} of {parent.name}"


def _bullets(console: Console, heading: str, texts: Sequence[str]) -> None:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column()
    table.add_column(overflow="fold")
    for text in texts:
        table.add_row("·", Text(_plain(text)))
    _section(console, heading, [table] if texts else [])


def _section(console: Console, heading: str, parts: Iterable[Text | Table]) -> None:
    listed = list(parts)
    if listed:
        console.print()
        console.print(Text(heading, style="bold"))
    for part in listed:
        console.print(Padding(part, (0, 0, 0, _INDENT), expand=False))


def _few(texts: Iterable[str], last: str = "", *, most: int = _SHOWN) -> str:
    """`a, b and c`; more than a few are counted."""
    listed = [_plain(text) for text in texts]
    if len(listed) > most:
        return f"{', '.join(listed[: most - 1])} and {len(listed) - most + 1} more"
    if last and len(listed) > 1:
        return f"{', '.join(listed[:-1])} {last} {listed[-1]}"
    return ", ".join(listed)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _plain(text: str) -> str:
    """Without what would move the cursor or change colours."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
