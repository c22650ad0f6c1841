"""CIS benchmarks, the Microsoft cloud security benchmark and Defender's recommendations, row by row.

CIS Microsoft Azure Foundations holds PostgreSQL items up to 3.0.0; from 4.0.0 on they stand in the CIS
Microsoft Azure Database Services Benchmark. Titles are in our words. Which built-in definition of Azure
Policy measures a control of the Microsoft cloud security benchmark is taken from its initiative
(Azure/azure-policy, 2026-04-29).
"""

from __future__ import annotations

from typing import Final

from local.pages.coverage_rows import ROLE_AUDIT, Row, Source, beyond_reach, by_hand, judged

_CHECKED: Final = "2026-11-21"
_FOUNDATIONS_NAME: Final = "CIS Microsoft Azure Foundations"

_TLS: Final = ("Encrypted connections only", "postgres-tls-not-required")
_CHECKPOINTS: Final = ("Checkpoints are logged", "postgres-log-checkpoints-off")
_CONNECTIONS: Final = ("Connections are logged", "postgres-log-connections-off")
_DISCONNECTIONS: Final = ("Disconnections are logged", "postgres-log-disconnections-off")
_THROTTLING: Final = ("Connection throttling is on", "postgres-connection-throttling-off")
_RETENTION: Final = ("Server logs are kept for more than three days", "postgres-log-retention-short")
_AZURE: Final = ("Access from Azure services is disabled", "postgres-firewall-allows-all-azure")
_DOUBLE: Final = ("Infrastructure double encryption is on", "postgres-infrastructure-encryption-off")
_DEFENDER: Final = ("Defender for open-source relational databases is on", "postgres-threat-protection-off")


def _numbered(*rows: tuple[str, tuple[str, str]]) -> tuple[Row, ...]:
    """Rows that one policy answers: the number, then the demand with its policy."""
    return tuple(judged(number, demand, policy) for number, (demand, policy) in rows)


_FOUR_THREE: Final = _numbered(
    ("4.3.1", _TLS),
    ("4.3.2", _CHECKPOINTS),
    ("4.3.3", _CONNECTIONS),
    ("4.3.4", _DISCONNECTIONS),
    ("4.3.5", _THROTTLING),
    ("4.3.6", _RETENTION),
    ("4.3.7", _AZURE),
    ("4.3.8", _DOUBLE),
)
"""Section 4.3 from 1.4.0 to 2.1.0."""

_FOUNDATIONS: Final = (
    Source(
        title=_FOUNDATIONS_NAME,
        version="1.3.0",
        checked=_CHECKED,
        control=(_FOUNDATIONS_NAME, "1.3.0"),
        rows=_numbered(
            ("4.3.1", _TLS),
            ("4.3.3", _CHECKPOINTS),
            ("4.3.4", _CONNECTIONS),
            ("4.3.5", _DISCONNECTIONS),
            ("4.3.6", _THROTTLING),
            ("4.3.7", _RETENTION),
            ("4.3.8", _AZURE),
        ),
        note="4.3.2 is about MySQL.",
    ),
    Source(
        title=_FOUNDATIONS_NAME,
        version="1.4.0",
        checked=_CHECKED,
        rows=_FOUR_THREE,
        control=(_FOUNDATIONS_NAME, "1.4.0"),
    ),
    Source(
        title=_FOUNDATIONS_NAME,
        version="1.5.0",
        checked=_CHECKED,
        control=(_FOUNDATIONS_NAME, "1.5.0"),
        rows=(*_numbered(("2.1.6", _DEFENDER)), *_FOUR_THREE),
    ),
    Source(
        title=_FOUNDATIONS_NAME,
        version="2.0.0",
        checked=_CHECKED,
        control=(_FOUNDATIONS_NAME, "2.0.0"),
        rows=(*_numbered(("2.1.6", _DEFENDER)), *_FOUR_THREE),
    ),
    Source(
        title=_FOUNDATIONS_NAME,
        version="2.1.0",
        checked=_CHECKED,
        control=(_FOUNDATIONS_NAME, "2.1.0"),
        rows=(*_numbered(("2.1.5", _DEFENDER)), *_FOUR_THREE),
        note="Azure Policy's initiative measures 4.3.7 by public network access, which is another question: "
        "postgres-public-access-enabled answers that one.",
    ),
    Source(
        title=_FOUNDATIONS_NAME,
        version="3.0.0",
        checked=_CHECKED,
        control=(_FOUNDATIONS_NAME, "3.0.0"),
        rows=_numbered(
            ("3.1.7.2", _DEFENDER),
            ("5.2.1", _TLS),
            ("5.2.2", _CHECKPOINTS),
            ("5.2.3", _THROTTLING),
            ("5.2.4", _RETENTION),
            ("5.2.5", _AZURE),
            ("5.2.6", _CONNECTIONS),
            ("5.2.7", _DISCONNECTIONS),
            ("5.2.8", _DOUBLE),
        ),
        note="5.2.6–5.2.8 are marked as legacy: single servers. We judge connections and disconnections on "
        "flexible servers as well.",
    ),
    Source(
        title=_FOUNDATIONS_NAME,
        version="4.0.0",
        checked=_CHECKED,
        control=(_FOUNDATIONS_NAME, "4.0.0"),
        rows=_numbered(("9.1.7.2", _DEFENDER)),
        note="From this version on the database items stand in the Database Services Benchmark.",
    ),
    Source(
        title=_FOUNDATIONS_NAME,
        version="5.0.0",
        checked=_CHECKED,
        control=(_FOUNDATIONS_NAME, "5.0.0"),
        rows=(
            judged("7.11", "Subnets have a network security group", "nsg-missing-on-postgres-subnet"),
            judged("8.1.7.2", _DEFENDER[0], _DEFENDER[1]),
        ),
    ),
)

_DATABASE: Final = Source(
    title="CIS Microsoft Azure Database Services",
    version="2.0.0, section 6",
    checked=_CHECKED,
    control=("CIS Microsoft Azure Database Services", "2.0.0"),
    rows=(
        judged("6.1", "Customer-managed keys encrypt the data", "postgres-customer-managed-key-missing"),
        judged(
            "6.2",
            "Only Microsoft Entra authentication is used",
            "postgres-entra-sign-in-off",
            "postgres-password-sign-in-on",
        ),
        judged("6.3", "Public network access is disabled", "postgres-public-access-enabled"),
        judged("6.4", "Private endpoints are used", "postgres-no-approved-private-endpoint"),
        judged("6.5", *_THROTTLING, note="the parameter is absent from PostgreSQL 16 on: then compliant"),
        judged("6.6", *_RETENTION),
        judged("6.7", *_CHECKPOINTS),
        judged("6.8", *_DISCONNECTIONS),
        judged("6.9", *_CONNECTIONS),
        judged("6.10", *_TLS),
        judged(
            "6.11",
            "TLS 1.2 or newer",
            "postgres-tls-version-too-low",
            note="`ssl_min_protocol_version`; current versions of the service offer nothing lower",
        ),
    ),
)

_MCSB: Final = Source(
    title="Microsoft cloud security benchmark",
    version="v1 (and v2 preview where it adds a definition)",
    checked=_CHECKED,
    control=("MCSB", "v1"),
    rows=(
        judged(
            "NS-1",
            "Network segmentation",
            "nsg-missing-on-postgres-subnet",
            "nsg-exposes-postgres-to-internet",
            "nsg-reachable-beyond-clients",
            "postgres-firewall-allows-all-azure",
            "postgres-subnet-and-dns-zone-inconsistent",
        ),
        judged(
            "NS-2",
            "Network controls of the service",
            "postgres-public-access-enabled",
            "postgres-no-approved-private-endpoint",
            "postgres-private-endpoint-not-approved",
            "postgres-firewall-allows-all-azure",
            "postgres-firewall-allows-whole-internet",
            "postgres-firewall-covers-whole-internet-in-pieces",
        ),
        judged(
            "NS-10",
            "DNS security",
            "postgres-endpoint-dns-zone-wrong",
            "postgres-endpoint-dns-zone-not-linked",
            "postgres-endpoint-dns-record-wrong",
            "postgres-vnet-dns-zone-name-invalid",
            "postgres-vnet-dns-zone-not-linked",
        ),
        judged(
            "IM-1",
            "One identity system",
            "postgres-entra-sign-in-off",
            "postgres-password-sign-in-on",
            "postgres-entra-administrator-missing",
            "postgres-password-encryption-not-scram",
        ),
        judged("IM-3", "Identities of applications", "postgres-managed-identity-missing"),
        by_hand("PA-1", "Highly privileged users are few", ROLE_AUDIT),
        by_hand("PA-7", "Least privilege", ROLE_AUDIT),
        judged(
            "DP-3",
            "Encryption in transit",
            "postgres-tls-not-required",
            "postgres-tls-version-too-low",
        ),
        judged(
            "DP-4",
            "Encryption at rest by default",
            "postgres-infrastructure-encryption-off",
            note="always on; the second layer of single servers is what v2 asks for",
        ),
        judged("DP-5", "Customer-managed keys when required", "postgres-customer-managed-key-missing"),
        judged("DP-6", "Key management", "postgres-encryption-key-unreachable"),
        judged("LT-1", "Threat detection", "postgres-threat-protection-off"),
        judged("LT-2", "Threat detection for identities", "postgres-threat-protection-off"),
        judged(
            "LT-3",
            "Logging for investigations",
            "postgres-log-checkpoints-off",
            "postgres-log-connections-off",
            "postgres-log-disconnections-off",
            "postgres-log-duration-off",
            "postgres-pgaudit-not-set",
            "postgres-diagnostic-settings-missing",
            note="the security baseline puts resource logs under LT-4",
        ),
        by_hand(
            "LT-4",
            "Network logging",
            "az network watcher flow-log list --location <region>",
            "flow logs belong to Network Watcher; `python -m local explain-flows` reads one",
        ),
        judged("LT-5", "Central log management", "postgres-diagnostic-settings-missing"),
        judged("LT-6", "Retention of logs", "postgres-log-retention-short"),
        judged("IR-3", "Incidents from good alerts", "postgres-threat-protection-off"),
        judged("IR-5", "Incidents by weight", "postgres-threat-protection-off"),
        judged(
            "PV-2",
            "Configuration is audited and enforced",
            "postgres-extensions-beyond-allow-list",
            note="and every other policy",
        ),
        judged(
            "BR-1",
            "Automatic backups",
            "postgres-backup-retention-short",
            "postgres-geo-redundant-backup-off",
        ),
        judged("BR-2", "Backups are protected", "postgres-geo-redundant-backup-off"),
        beyond_reach(
            "BR-4",
            "Backups are restored as a test",
            "that a restore was tried and worked is an event of your operations, not a setting",
        ),
    ),
)

_RECOMMENDATIONS: Final = Source(
    title="Defender for Cloud: recommendations for PostgreSQL servers",
    version="Microsoft Defender for Cloud for Azure Database for PostgreSQL (2025-08-08)",
    checked=_CHECKED,
    control=("Defender for Cloud", "recommendations"),
    rows=(
        judged("logfiles.retention_days", *_RETENTION),
        by_hand("pgaudit.log_statement", "`on`", "SHOW pgaudit.log_statement;"),
        by_hand("pgaudit.log_statement_once", "`on`", "SHOW pgaudit.log_statement_once;"),
        judged("pgaudit.log", "Includes role, ddl and misc", "postgres-pgaudit-not-set"),
        by_hand("pgaudit.log_level", "`log`", "SHOW pgaudit.log_level;"),
        judged("Public IP access", "Disabled", "postgres-public-access-enabled"),
        judged("Private endpoint", "Configured", "postgres-no-approved-private-endpoint"),
        judged("Allow access to Azure services", "Disabled", "postgres-firewall-allows-all-azure"),
        judged("Geo-redundant backups", "Enabled", "postgres-geo-redundant-backup-off"),
        judged("require_secure_transport", "`on`", "postgres-tls-not-required"),
        judged("connection_throttle", "`on` (preview)", "postgres-connection-throttling-off"),
    ),
)

SOURCES: Final = (*_FOUNDATIONS, _DATABASE, _MCSB, _RECOMMENDATIONS)
