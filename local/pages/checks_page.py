"""docs/checks.md: what `driftward audit-roles` asks of what lies inside a server, check by check."""

from __future__ import annotations

from collections.abc import Iterator

from local.pages.markdown import GENERATED, link, page, table
from local.pages.policies_page import control_id
from shared.posture.policy import AnyPolicy
from shared.roles import discover


def checks_page() -> str:
    rows = ((check_link(one.id, here=True), one.severity, one.title) for one in discover())
    return page(
        [
            "# Checks inside a server",
            GENERATED,
            "What [`driftward audit-roles`](audit-roles.md) finds, the gravest subjects first. An app cannot "
            "sign in to a database and judges none of them; policies judge what ARM shows.",
            table(("check", "at worst", "finds"), rows),
            *[part for one in discover() for part in _check(one)],
        ]
    )


def check_link(check_id: str, *, here: bool = False) -> str:
    return link(check_id, f"{'' if here else 'checks.md'}#{check_id}")


def _check(one: AnyPolicy) -> Iterator[str]:
    yield f"## {one.id}"
    yield f"*{one.title}.* {one.why}"
    yield f"Controls: {', '.join(f'{c.framework} {c.version} {control_id(c)}' for c in one.controls)}"
