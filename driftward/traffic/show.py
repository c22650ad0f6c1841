"""How `explain-nsg` answers a person: a sentence, packets, the rules to blame, and the fix to paste.

Nothing is decided here; how texts are made harmless is ``driftward.terminal``'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from rich.console import Console
from rich.text import Text

from driftward.refusing import plain
from driftward.shell import command_lines
from driftward.terminal import bullets, few, section, write
from driftward.traffic.answered import Answered
from driftward.traffic.packets import COLOURS, depends, packets
from driftward.traffic.rules import namesakes, rules_by_name, rules_table
from shared.alerts.commands import ACTIVE_CLOUD, fix_commands
from shared.model import PutSecurityRule
from shared.model.resource_id import ResourceId
from shared.nsg.documents.document import read_rule


def show(answered: Answered) -> None:
    """Print the answer; in colour on a terminal."""
    write(partial(_answer, answered=answered))


def _answer(console: Console, answered: Answered) -> None:
    out, rules = answered.out, rules_by_name(answered.group)
    console.print(_headline(answered))
    packets(console, answered)
    depends(console, answered)
    for heading, listed in (
        ("Rules that deny some of it", out["blockingRules"]),
        ("Rules that allow some of it", out["exposingRules"]),
        ("Rules that match some of it and never decide", out["shadowedRules"]),
    ):
        told = [rules[named["name"]] for named in listed if named["name"] in rules]
        rules_table(console, heading, told, namesakes(answered.group))
    _fix(console, answered)
    _shared(console, out["sharedWith"])
    bullets(console, "Taken for granted", out["assumptions"])
    bullets(console, "Besides", out["caveats"])


# --- the sentence ----------------------------------------------------------------------------------


def _headline(answered: Answered) -> Text:
    out = answered.out
    verdict = out["verdict"]
    line = Text.assemble((verdict.upper(), f"bold {COLOURS[verdict]}"), "  ", (_sentence(answered), "bold"))
    if answered.asked.want is not None:
        met = ("met", "bold green") if answered.is_met else ("not met", "bold red")
        line.append(Text.assemble(f"\nWanted: {answered.asked.want.lower()}. That is ", met, "."))
    return line


def _sentence(answered: Answered) -> str:
    name, asked = plain(answered.group.id.name), _traffic(answered)
    depends = few(answered.out["dependsOn"], "and")
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
    spoken = f"{question.direction.lower()} {protocol} from {few(line['source'], 'and')}"
    spoken += "" if source_ports == ["*"] else f", {_ports(source_ports)},"
    return f"{spoken} to {few(line['destination'], 'and')}, {_ports(line['ports'])}"


def _ports(texts: Sequence[str]) -> str:
    if "*" in texts:
        return "any port"
    return f"{'port' if len(texts) == 1 and '-' not in texts[0] else 'ports'} {few(texts, 'and')}"


# --- the fix ---------------------------------------------------------------------------------------


def _fix(console: Console, answered: Answered) -> None:
    out = answered.out
    if out["noFixReason"] is not None:
        section(console, "No rule can be added that fixes it", [Text(plain(out["noFixReason"]))])
    if out["fix"] is None:
        return
    rules = [read_rule(body) for body in out["fix"]["rules"]]
    access = rules[0].access.lower()
    rules_table(console, f"The fix, proved on these rules: add {_count(len(rules), f'{access} rule')}", rules)
    edits = tuple(PutSecurityRule(nsg=answered.group.id, rule=rule) for rule in rules)
    console.print()
    for command in fix_commands(edits, ACTIVE_CLOUD):
        for line in command_lines(command, answered.group.id):
            console.print(Text(line), soft_wrap=True)


# --- the rest --------------------------------------------------------------------------------------


def _shared(console: Console, shared: Mapping[str, Sequence[str]]) -> None:
    subnets = [_place(ResourceId(text)) for text in shared["subnets"]]
    interfaces = [_place(ResourceId(text)) for text in shared["networkInterfaces"]]
    lines = []
    if subnets:
        lines.append(f"{_count(len(subnets), 'subnet')}: {few(subnets, most=8)}")
    if interfaces:
        lines.append(f"{_count(len(interfaces), 'network interface')}: {few(interfaces, most=8)}")
    bullets(console, "Whatever is changed takes effect in", lines)


def _place(found: ResourceId) -> str:
    """`snet-db of vnet-hub`."""
    parent = found.parent
    return found.name if parent is None else f"{found.name} of {parent.name}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
