"""PostgreSQL server that does not audit with pgaudit.

*What it finds.* A flexible server whose ``shared_preload_libraries`` lacks ``pgaudit``, or whose
``pgaudit.log`` lacks a class of statements that is wanted (``all`` holds every class; ``-read`` takes one
away). A library that is listed but waits for a restart does not audit yet.

*Why it matters.* The ordinary log tells who came; pgaudit tells what they did: which roles were granted,
which objects dropped, which tables read.

*What the change does.* Nothing is changed: loading the library needs a restart, and what is audited is the
owner's choice. A person adds ``pgaudit`` to ``shared_preload_libraries``, restarts the server, and sets
``pgaudit.log``.

*What it may break.* A restart ends all sessions; the class ``read`` can multiply the log.

*References.* pgaudit's documentation of ``pgaudit.log``; the controls that are cited.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.model import ComplianceState, Edit, Finding, Json, Kind, ServerSnapshot, SetParameter, Severity
from shared.model.parts import ServerParameter
from shared.posture.controls import AZURE_POLICY, MCSB
from shared.posture.findings import is_drift
from shared.posture.policy import FLEXIBLE_SERVERS, Parameter, Policy
from shared.posture.server_parameters import READS, About, allows, members, parameter, parameter_finding

ID: Final = "postgres-pgaudit-not-set"
ABOUT: Final = About(
    policy=ID, severity=Severity.MEDIUM, parameter="pgaudit.log", wanted="all that is asked for"
)
LIBRARIES: Final = About(
    policy=ID, severity=Severity.MEDIUM, parameter="shared_preload_libraries", wanted="a list with pgaudit"
)
PGAUDIT: Final = "pgaudit"
CLASSES: Final = frozenset({"read", "write", "function", "role", "ddl", "misc", "misc_set", "all", "none"})
WANTED: Final = ["ddl", "misc", "role"]


def evaluate(server: ServerSnapshot, classes: list[str]) -> Finding:
    """The library first: without it ``pgaudit.log`` says nothing."""
    loaded = parameter_finding(LIBRARIES, server, lambda found: PGAUDIT in members(found.value))
    if loaded.state is not ComplianceState.COMPLIANT:
        return loaded
    found = parameter_finding(_about(classes), server, lambda held: _audits(held, classes))
    return replace(found, evidence={**found.evidence, "wantedClasses": sorted(classes)})


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    """The library, or the wanted classes, beside what is there; an entry that comes later wins."""
    wanted = found.evidence.get("wantedClasses")
    about, more = (LIBRARIES, [PGAUDIT]) if wanted is None else (ABOUT, list(wanted))
    current = parameter(server, about.parameter)
    if not is_drift(found) or current is None or current.read_only:
        return ()
    kept = [
        part.strip() for part in current.value.split(",") if part.strip().lower() not in {"", "none", *more}
    ]
    value = ",".join([*kept, *more])
    edit = SetParameter(server=server.id, name=current.name, value=value)
    return (edit,) if value != current.value and allows(current, value) else ()


def check_classes(classes: Json) -> str | None:
    known = sorted(CLASSES - {"none"})
    listed = isinstance(classes, list) and classes and all(name in known for name in classes)
    return None if listed else f"a list of at least one of {', '.join(known)}"


def _about(classes: list[str]) -> About:
    return About(
        policy=ID,
        severity=Severity.MEDIUM,
        parameter=ABOUT.parameter,
        wanted=f"at least {', '.join(sorted(classes))}",
    )


def _audits(found: ServerParameter, classes: list[str]) -> bool | None:
    """``all`` is every class, ``-class`` takes one away, the last entry wins; None for an unknown one."""
    audited: set[str] = set()
    for entry in (part.strip().lower() for part in found.value.split(",") if part.strip()):
        name = entry.removeprefix("-")
        if name not in CLASSES:
            return None
        meant = CLASSES - {"all", "none"} if name == "all" else {name} - {"none"}
        audited = audited - meant if entry.startswith("-") else audited | meant
    return _meant(classes) <= audited


def _meant(classes: list[str]) -> frozenset[str]:
    return CLASSES - {"all", "none"} if "all" in classes else frozenset(classes)


POLICY: Policy[ServerSnapshot] = Policy(
    id=ABOUT.policy,
    title="Statements on a PostgreSQL server are not audited",
    kind=Kind.SETTING,
    targets=FLEXIBLE_SERVERS,
    severity=ABOUT.severity,
    reads=READS,
    controls=(
        *(AZURE_POLICY.PGAUDIT_FLEXIBLE, AZURE_POLICY.PGAUDIT_LOADED_FLEXIBLE),
        *(AZURE_POLICY.PGAUDIT_CLASSES_FLEXIBLE, MCSB.LT_3),
    ),
    evaluate=evaluate,
    suggest=suggest,
    parameters=(
        Parameter(
            name="classes",
            default=WANTED,
            description="Classes of statements that pgaudit.log must hold.",
            check=check_classes,
        ),
    ),
    order=60,
    why="What an intruder changed or read cannot be told afterwards.",
)
