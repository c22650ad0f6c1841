"""PostgreSQL server that does not audit with pgaudit.

*What it finds.* A flexible server whose ``shared_preload_libraries`` lacks ``pgaudit``, or whose
``pgaudit.log`` lacks a class of statements that is wanted (``all`` holds every class; ``-read`` takes one
away), or whose entries are not written: ``log_min_messages`` is ``fatal`` or ``panic``, or
``pgaudit.log_client`` is on and ``pgaudit.log_level`` lies below ``log_min_messages``. A library that is
listed but waits for a restart does not audit yet; where another one behind it may be what waits, that is
unknown until the restart. What a role or a database has set for itself is not read.

*Why it matters.* The ordinary log tells who came; pgaudit tells what they did: which roles were granted,
which objects dropped, which tables read.

*What the change does.* Nothing is changed: loading the library needs a restart, and what is audited is the
owner's choice. A person adds ``pgaudit`` to ``shared_preload_libraries``, restarts the server, and sets
``pgaudit.log``.

*What it may break.* A restart ends all sessions; the class ``read`` can multiply the log.

*References.* pgaudit's documentation of ``pgaudit.log``; the controls that are cited.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from shared.model import ComplianceState, Edit, Finding, Json, Kind, ServerSnapshot, Severity
from shared.model.parts import ServerParameter
from shared.posture.allowed_values import allows, members
from shared.posture.controls import AZURE_POLICY, MCSB, Control
from shared.posture.findings import is_drift, unknown
from shared.posture.policy import FLEXIBLE_SERVERS, Parameter, Policy
from shared.posture.server_log import DEFAULT_LEAST, LEAST_WRITTEN, LOG, WRITTEN, is_written
from shared.posture.server_parameters import (
    READS,
    About,
    Companion,
    companions_to_set,
    finding_about,
    is_on,
    parameter,
    parameter_finding,
    refused,
    restart,
    setting,
)

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
    """The library and what it is to audit, in one answer: without the one the other says nothing."""
    library = _library_finding(server)
    audited = parameter_finding(_about(server, classes), server, lambda held: _audits(held, classes))
    held = parameter(server, ABOUT.parameter)
    facts = {
        "libraries": library.evidence["parameter"],
        "auditedClasses": sorted(_audited(held) or ()) if held and not held.odd else None,
        "wantedClasses": sorted(classes),
    }
    found = _joined(library, audited)
    return replace(found, evidence={**audited.evidence, **found.evidence, **facts})


def _joined(library: Finding, audited: Finding) -> Finding:
    """Drift where one is, with what is wrong of both; else unknown where one is."""
    if is_drift(library) and is_drift(audited):
        return replace(
            library,
            reason=f"{library.reason}; {audited.reason}",
            fingerprint=f"{library.fingerprint}; {audited.fingerprint}",
        )
    ranks = [ComplianceState.NON_COMPLIANT, ComplianceState.UNKNOWN, ComplianceState.COMPLIANT]
    return min(library, audited, key=lambda part: ranks.index(part.state))


def _library_finding(server: ServerSnapshot) -> Finding:
    """Which of the listed libraries waits for a restart, Azure does not say."""
    found = parameter(server, LIBRARIES.parameter)
    if found is None or not found.pending_restart or not _others_wait(found):
        return parameter_finding(LIBRARIES, server, _loads)
    told = f"{found.name} is {found.value!r}, and a change of it waits for a restart of the server"
    open_one = unknown(f"{told}: whether {PGAUDIT} is loaded already is not said")
    return finding_about(LIBRARIES, server, replace(open_one, what_to_do=(restart(server),)))


def _loads(found: ServerParameter) -> bool:
    return PGAUDIT in members(found.value)


def _others_wait(found: ServerParameter) -> bool:
    """Whether a library behind pgaudit may be the one that waits: lists grow at their end."""
    listed = [name.strip().lower() for name in found.value.split(",") if name.strip()]
    behind = listed[listed.index(PGAUDIT) + 1 :] if PGAUDIT in listed else []
    return not set(behind) <= members(found.default or "")


def suggest(found: Finding, server: ServerSnapshot) -> tuple[Edit, ...]:
    """The library, the wanted classes beside those that are there, and what lets the entries through."""
    if not is_drift(found):
        return ()
    wanted = list(found.evidence.get("wantedClasses", WANTED))
    library, held = parameter(server, LIBRARIES.parameter), parameter(server, ABOUT.parameter)
    pairs = []
    if library is not None and not library.odd and not _loads(library):
        pairs.append((library, f"{library.value},{PGAUDIT}".lstrip(",")))
    if held is not None and not held.odd and not _audits(held, wanted):
        pairs.append((held, _with_classes(held, wanted)))
    pairs += companions_to_set(_about(server, wanted), server)
    return setting(server, [(one, text) for one, text in pairs if not refused(one, text)])


def _with_classes(held: ServerParameter, wanted: list[str]) -> str:
    """An entry that comes later wins."""
    replaced = {"", "none", *wanted, *(f"-{name}" for name in wanted)}
    kept = [part.strip() for part in held.value.split(",") if part.strip().lower() not in replaced]
    beside = ",".join([*kept, *wanted])
    return beside if allows(held, beside) else "all"


def met(found: Finding) -> Collection[Control]:
    """Azure Policy asks of the library, and of three classes, apart from each other."""
    libraries, audited = found.evidence.get("libraries"), set(found.evidence.get("auditedClasses") or ())
    loaded = PGAUDIT in members(libraries["value"] if libraries else "")
    fulfilled = {AZURE_POLICY.PGAUDIT_LOADED_FLEXIBLE} if loaded else set()
    if loaded and audited:
        fulfilled.add(AZURE_POLICY.PGAUDIT_FLEXIBLE)
    return fulfilled | ({AZURE_POLICY.PGAUDIT_CLASSES_FLEXIBLE} if audited >= set(WANTED) else set())


def check_classes(classes: Json) -> str | None:
    known = sorted(CLASSES - {"none"})
    listed = isinstance(classes, list) and classes and all(name in known for name in classes)
    return None if listed else f"a list of at least one of {', '.join(known)}"


def _about(server: ServerSnapshot, classes: list[str]) -> About:
    wanted = f"at least {', '.join(sorted(classes))}"
    return replace(ABOUT, wanted=wanted, companions=(WRITTEN, *_level_for_clients(server)))


def _level_for_clients(server: ServerSnapshot) -> tuple[Companion, ...]:
    """``pgaudit.log_level`` counts while ``pgaudit.log_client`` is on; else entries have level LOG.

    Where that switch cannot be read, a level that is not written leaves it open whether anything is.
    """
    client, least = parameter(server, "pgaudit.log_client"), parameter(server, LEAST_WRITTEN)
    if client is None or (on := is_on(client)) is False:
        return ()
    written = least.value if least and is_written(LOG, least.value) is not False else DEFAULT_LEAST
    level = Companion(
        parameter="pgaudit.log_level",
        leaves=lambda level: _passes(is_written(level, written), on),
        wanted=LOG,
        otherwise=f"audit entries have that level while {client.name} is on, and it is not written",
    )
    return (level,)


def _passes(written: bool | None, on: bool | None) -> bool | None:
    return None if written is False and not on else written


def _audits(found: ServerParameter, classes: list[str]) -> bool | None:
    audited = _audited(found)
    return None if audited is None else _meant(classes) <= audited


def _audited(found: ServerParameter) -> set[str] | None:
    """``all`` is every class, ``-class`` takes one away, the last entry wins; None for an unknown one."""
    audited: set[str] = set()
    for entry in (part.strip().lower() for part in found.value.split(",") if part.strip()):
        name = entry.removeprefix("-")
        if name not in CLASSES:
            return None
        meant = CLASSES - {"all", "none"} if name == "all" else {name} - {"none"}
        audited = audited - meant if entry.startswith("-") else audited | meant
    return audited


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
    met=met,
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
