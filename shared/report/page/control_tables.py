"""Controls by framework, and each control with how the estate stands to it."""

from __future__ import annotations

from collections.abc import Iterator

from shared.report.controls import ControlState, Framework, Standing, frameworks_of
from shared.report.page.markup import Markup, Part, el, joined
from shared.report.page.parts import bar, count, section, soft, table
from shared.report.rows import Report


def controls(report: Report) -> Markup:
    frameworks = frameworks_of(report.estate.results)
    heads = ("Framework", *(str(one) for one in Standing), "Shares")
    told = table("Controls by framework", heads, map(_framework, frameworks), "counts")
    about = soft(
        "Met is said where everything was judged and nothing speaks against it; unknown where a target is "
        "not known or a policy was not asked. Manual is what no reading of Azure answers and a person has to."
    )
    return section("controls", "Controls", about, told, *map(_in_full, frameworks))


def _framework(framework: Framework) -> Iterator[Part]:
    yield joined(framework.name, " ", el("span", framework.version, class_="soft"))
    for one in Standing:
        yield count(framework.count(one))
    fills = {Standing.UNMET: "wrong", Standing.UNKNOWN: "unknown", Standing.MET: "fine"}
    yield bar([(fills.get(one, "none"), framework.count(one)) for one in reversed(Standing)])


def _in_full(framework: Framework) -> Markup:
    label = f"{framework.name} {framework.version}"
    heads = ("Control", "Standing", "Not met on", "Not known on", "Title")
    rows = map(_control, framework.controls)
    return el("details", el("summary", label), table(f"Controls of {label}", heads, rows))


def _control(one: ControlState) -> Iterator[Part]:
    yield el("span", one.control.id, class_="id")
    yield el("span", str(one.standing), class_=f"standing {one.standing.name.lower()}")
    yield count(one.unmet)
    yield count(one.unknown)
    asked = f" (not asked: {', '.join(one.not_asked)})" if one.not_asked else ""
    yield joined(one.control.title, el("small", asked, class_="soft") if asked else "")
