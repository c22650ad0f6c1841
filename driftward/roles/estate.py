"""What an audit found, as the estate of one server: report and exports take it as they take a scan's."""

from __future__ import annotations

from shared.alerts.lifecycle import alert_id
from shared.model import Finding
from shared.model.results import TargetResult
from shared.report.estate import Estate, Seen
from shared.roles import discover
from shared.roles.reading import Inside


def estate_of(inside: Inside) -> Estate:
    found = tuple(check.evaluate(inside) for check in discover())
    result = TargetResult(target=inside.target, findings=found, location=inside.location)
    commands = {_id(one): _sql(one) for one in found if _sql(one)}
    return Estate(
        taken_at=inside.read_at,
        scopes=(str(inside.target.id),),
        seen=(Seen(result=result, commands=commands),),
    )


def _id(one: Finding) -> str:
    return alert_id(one.policy, one.target, one.fingerprint)


def _sql(one: Finding) -> tuple[str, ...]:
    return tuple(one.evidence.get("whatToDo", ()))
