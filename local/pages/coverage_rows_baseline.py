"""The security baseline of flexible servers, row by row, and the security overview page.

The baseline page follows the Microsoft cloud security benchmark 1.0; for each feature it says whether it is
supported, on by default, and whose duty it is. Parts of both pages are older than the service: rows that
Azure has overtaken say what holds now. Words are ours; no row of the pages is left out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from local.pages.coverage_rows import (
    PASSWORD_EXPIRY,
    ROLE_AUDIT,
    ROLE_MEMBERS,
    Answer,
    Overtaken,
    Row,
    Source,
    always_on,
    beyond_reach,
    by_hand,
    judged,
)

_CHECKED: Final = "2026-11-21"
_CUSTOMER: Final = "supported · off by default · customer"
_MICROSOFT: Final = "supported · on by default · Microsoft"
_UNSUPPORTED: Final = "not supported"

_ENTRA: Final = "Microsoft Entra authentication with Azure Database for PostgreSQL (2025-10-06)"
_DEFENDER: Final = "Microsoft Defender for Cloud for Azure Database for PostgreSQL (2025-08-08)"
_SECURE: Final = "Secure your Azure Database for PostgreSQL server (2025-08-12)"
_BACKUP: Final = "Backup and restore in Azure Database for PostgreSQL (2024-11-28), long-term retention"
_KEYS: Final = "Data encryption at rest in flexible servers (2026-06-02)"
_PRIVATE_LINK: Final = "Azure Database for PostgreSQL networking with Private Link (2026-07-13)"
_LOCKBOX: Final = "Customer Lockbox for Microsoft Azure (2024-03-15)"


def _overtaken(row: Row, now: str, source: str) -> Row:
    return replace(row, overtaken=Overtaken(now=now, source=source))


_PROFILE: Final = (
    always_on(
        "Security profile: host access",
        "The customer has no access to the operating system",
        "part of the managed service",
        "no access",
    ),
    judged(
        "Security profile: deployment into a virtual network",
        "A server can live in the customer's network",
        "postgres-subnet-not-delegated",
        "postgres-subnet-and-dns-zone-inconsistent",
        said="true",
    ),
    always_on(
        "Security profile: customer content at rest",
        "Content is stored by the service",
        "and always encrypted, see DP-4",
        "true",
    ),
)

_NETWORK: Final = (
    judged(
        "NS-1: Virtual Network Integration",
        "Servers have private addresses in a virtual network",
        "postgres-subnet-not-delegated",
        "postgres-subnet-too-small",
        "postgres-subnet-and-dns-zone-inconsistent",
        "postgres-vnet-dns-zone-name-invalid",
        "postgres-vnet-dns-zone-not-linked",
        "postgres-public-access-enabled",
        note="how a server can be reached stands in the evidence of every finding on it",
        said=_CUSTOMER,
    ),
    judged(
        "NS-1: Network Security Group Support",
        "Security rules restrict who reaches the server, and by which port",
        "nsg-missing-on-postgres-subnet",
        "nsg-exposes-postgres-to-internet",
        "nsg-reachable-beyond-clients",
        "nsg-without-final-deny",
        "nsg-blocks-postgres-in-subnet",
        "nsg-blocks-storage-outbound",
        "nsg-blocks-postgres-clients",
        said=_CUSTOMER,
    ),
    _overtaken(
        judged(
            "NS-2: service-native IP filtering (Azure Private Link)",
            "Traffic is filtered by the service's own means, and private connections exist",
            "postgres-firewall-allows-all-azure",
            "postgres-firewall-allows-whole-internet",
            "postgres-firewall-covers-whole-internet-in-pieces",
            "postgres-firewall-range-too-wide",
            "postgres-no-approved-private-endpoint",
            said=_UNSUPPORTED,
        ),
        "Flexible servers with public access have firewall rules, and Private Link is supported.",
        _PRIVATE_LINK,
    ),
    judged(
        "NS-2: Disable Public Network Access",
        "Public network access is off, or the firewall rules are tight",
        "postgres-public-access-enabled",
        "postgres-firewall-allows-all-azure",
        "postgres-firewall-allows-whole-internet",
        "postgres-firewall-covers-whole-internet-in-pieces",
        "postgres-firewall-range-too-wide",
        "postgres-firewall-dormant-rules",
        said=_CUSTOMER,
    ),
    judged(
        "NS-2: Azure Policy 0564d078-92f5-4f97-8398-b9f58a51f70b",
        "Single servers have a private endpoint",
        "postgres-no-approved-private-endpoint",
        "postgres-private-endpoint-not-approved",
        said="AuditIfNotExists, Disabled · 1.0.2",
    ),
)

_IDENTITY: Final = (
    _overtaken(
        judged(
            "IM-1: Azure AD authentication for data plane access",
            "People and applications sign in with Microsoft Entra",
            "postgres-entra-sign-in-off",
            "postgres-entra-administrator-missing",
            said=f"{_UNSUPPORTED} (preview)",
        ),
        "Generally available: password only, Entra only, or both.",
        _ENTRA,
    ),
    _overtaken(
        judged(
            "IM-1: Local authentication methods for data plane access",
            "Local user names and passwords are avoided where possible",
            "postgres-password-sign-in-on",
            "postgres-password-encryption-not-scram",
            said=_MICROSOFT,
        ),
        "Password sign-in can be switched off for a whole server.",
        _ENTRA,
    ),
    judged(
        "IM-3: Managed Identities",
        "Applications sign in with managed identities, and the server has one of its own where it needs one",
        "postgres-managed-identity-missing",
        "postgres-entra-sign-in-off",
        said=_CUSTOMER,
    ),
    by_hand(
        "IM-3: Service Principals",
        "Which service principals may sign in is known and wanted",
        "SELECT * FROM pgaadauth_list_principals(false);",
        "run in the database postgres as an Entra administrator; the control plane shows administrators only",
        _CUSTOMER,
    ),
    beyond_reach(
        "IM-7: Conditional Access for Data Plane",
        "Conditional Access covers sign-in to the servers",
        "its policies live in Microsoft Entra and apply to the whole tenant: Microsoft Graph, "
        "not Azure Resource Manager, and a right that a remediator should not have",
        _CUSTOMER,
    ),
    by_hand(
        "IM-8: credentials and secrets in Azure Key Vault",
        "No connection string with a password stands in an application's settings",
        "az webapp config appsettings list --ids <app> --query "
        "\"[?contains(value, 'postgres.database.azure.com')]\"",
        "where a secret is kept is a property of the applications, not of the server; with Entra "
        "sign-in there is none (postgres-password-sign-in-on)",
        _CUSTOMER,
    ),
)

_PRIVILEGED: Final = (
    _overtaken(
        Row(
            id="PA-1: Local Admin Accounts",
            demand="The local administrator is known, needed, and used by nobody every day",
            answer=Answer.POLICY,
            policies=("postgres-password-sign-in-on", "postgres-entra-administrator-missing"),
            note="the members of the administrator role are audited by hand",
            query=ROLE_MEMBERS,
            said=_MICROSOFT,
        ),
        "With Entra sign-in only, the local administrator cannot sign in.",
        _ENTRA,
    ),
    by_hand(
        "PA-7: Azure RBAC for Data Plane",
        "Rights inside the databases follow least privilege",
        ROLE_AUDIT,
        "Azure's roles do not reach into the database: PostgreSQL's own roles do",
        _UNSUPPORTED,
    ),
    _overtaken(
        beyond_reach(
            "PA-8: Customer Lockbox",
            "Microsoft's support asks before it sees customer data",
            "switched on for a tenant by its global administrator, and not shown on the server",
            _UNSUPPORTED,
        ),
        "The list of supported services names Azure Database for PostgreSQL, without saying for which "
        "kind of server.",
        _LOCKBOX,
    ),
)

_DATA: Final = (
    by_hand(
        "DP-1: Sensitive Data Discovery and Classification",
        "It is known which tables hold sensitive data",
        "SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE column_name ~* "
        "'(mail|phone|birth|iban|card|passw|secret|token|ssn)' ORDER BY 1, 2, 3;",
        "a first look by names in each database; contents are no business of the control plane",
        _UNSUPPORTED,
    ),
    Row(
        id="DP-2: Data Leakage/Loss Prevention",
        demand="Movement of sensitive data is watched",
        answer=Answer.NOT_OFFERED,
        note="what can be seen of it is who may connect (the network policies), what is audited "
        "(postgres-pgaudit-not-set) and whether Defender looks (postgres-threat-protection-off)",
        said=_UNSUPPORTED,
    ),
    judged(
        "DP-3: Data in Transit Encryption",
        "Connections are encrypted, with TLS 1.2 or newer",
        "postgres-tls-not-required",
        "postgres-tls-version-too-low",
        note="on by default, and can be switched off by one parameter",
        said=_MICROSOFT,
    ),
    judged(
        "DP-3: Azure Policy d158790f-bfb0-486c-8631-2dc6b4e8e6af",
        "Single servers refuse unencrypted connections",
        "postgres-tls-not-required",
        said="Audit, Disabled · 1.0.1",
    ),
    always_on(
        "DP-4: Data at Rest Encryption Using Platform Keys",
        "Data, logs and backups are encrypted at rest",
        "AES 256 by the storage below; cannot be switched off",
        _MICROSOFT,
    ),
    judged(
        "DP-5: Data at Rest Encryption Using CMK",
        "Where rules demand it, the customer's key encrypts the data",
        "postgres-customer-managed-key-missing",
        note="decided when a server is created: never changed by us",
        said=_CUSTOMER,
    ),
    judged(
        "DP-5: Azure Policy 18adea5e-f416-4d0f-8aa8-d24321e3e274",
        "Single servers are encrypted with the customer's key",
        "postgres-customer-managed-key-missing",
        said="AuditIfNotExists, Disabled · 1.0.4",
    ),
    Row(
        id="DP-6: Key Management in Azure Key Vault",
        demand="The customer's key is usable, rotated and protected",
        answer=Answer.POLICY,
        policies=("postgres-encryption-key-unreachable", "nsg-blocks-key-vault-outbound"),
        note="rotation and purge protection are properties of the vault, looked at by hand; a key URI "
        f"without a version follows rotations by itself ({_KEYS})",
        query="az keyvault key rotation-policy show --vault-name <vault> --name <key>",
        said=_CUSTOMER,
    ),
    beyond_reach(
        "DP-7: Certificate Management in Azure Key Vault",
        "Certificates are managed",
        "the server's certificate is Azure's and cannot be replaced; what a client verifies "
        "(sslmode=verify-full with the published root certificates) is a setting of the client",
        _CUSTOMER,
    ),
)

_REST: Final = (
    always_on(
        "AM-2: Azure Policy Support",
        "Configuration can be watched and enforced with Azure Policy",
        "see the built-in definitions below; Azure Policy and Driftward may be used together",
        _MICROSOFT,
    ),
    _overtaken(
        judged(
            "LT-1: Microsoft Defender for the service",
            "Threat detection is on",
            "postgres-threat-protection-off",
            said=f"{_UNSUPPORTED} (preview)",
        ),
        "Defender for open-source relational databases covers flexible servers.",
        _DEFENDER,
    ),
    judged(
        "LT-4: Azure Resource Logs",
        "Logs are produced, complete enough, and sent somewhere",
        "postgres-diagnostic-settings-missing",
        "postgres-log-checkpoints-off",
        "postgres-log-connections-off",
        "postgres-log-disconnections-off",
        "postgres-log-duration-off",
        "postgres-log-retention-short",
        "postgres-pgaudit-not-set",
        note="produced by default; nothing leaves the server without a diagnostic setting",
        said=_MICROSOFT,
    ),
    _overtaken(
        by_hand(
            "BR-1: Azure Backup",
            "Where longer retention than 35 days is demanded, a backup vault keeps it",
            "az dataprotection backup-instance list-from-resourcegraph --datasource-type "
            "AzureDatabaseForPostgreSQLFlexibleServer",
            "the vault is a resource of its own; the server does not show it",
            _UNSUPPORTED,
        ),
        "Azure Backup keeps flexible servers' backups for up to ten years.",
        _BACKUP,
    ),
    judged(
        "BR-1: Service Native Backup Capability",
        "Automatic backups are kept long enough, and in another region where demanded",
        "postgres-backup-retention-short",
        "postgres-geo-redundant-backup-off",
        note="taken by Azure in any case; retention and redundancy are the customer's",
        said=_MICROSOFT,
    ),
    judged(
        "BR-1: Azure Policy 48af4db5-9b8b-401c-8e74-076be876a430",
        "Single servers keep backups in another region",
        "postgres-geo-redundant-backup-off",
        said="Audit, Disabled · 1.0.1",
    ),
)

_OVERVIEW: Final = (
    judged("Encryption in transit", "TLS is enforced", "postgres-tls-not-required"),
    judged("SCRAM", "Passwords are hashed with SCRAM", "postgres-password-encryption-not-scram"),
    judged(
        "require_secure_transport",
        "The parameter that allows unencrypted connections stays on",
        "postgres-tls-not-required",
    ),
    judged(
        "ssl_min_protocol_version, ssl_max_protocol_version",
        "The range of TLS versions is set",
        "postgres-tls-version-too-low",
        note=f"today's recommendation is to require TLS 1.3 ({_SECURE}): the policy's parameter",
    ),
    always_on(
        "Encryption at rest",
        "Data, backups and temporary files are encrypted",
        "AES 256 with a FIPS 140-2 validated module; cannot be switched off",
    ),
    judged(
        "Private access",
        "Servers in a virtual network communicate by private addresses",
        "postgres-subnet-not-delegated",
        "postgres-subnet-and-dns-zone-inconsistent",
        "postgres-vnet-dns-zone-name-invalid",
        "postgres-vnet-dns-zone-not-linked",
    ),
    judged(
        "Network security groups",
        "Security rules filter traffic in and out of the subnets",
        "nsg-missing-on-postgres-subnet",
        "nsg-exposes-postgres-to-internet",
        "nsg-without-final-deny",
        "nsg-reachable-beyond-clients",
    ),
    judged(
        "Public access",
        "The firewall blocks everything that no rule admits",
        "postgres-public-access-enabled",
        "postgres-firewall-allows-all-azure",
        "postgres-firewall-allows-whole-internet",
        "postgres-firewall-covers-whole-internet-in-pieces",
        "postgres-firewall-range-too-wide",
        "postgres-firewall-dormant-rules",
    ),
    by_hand(
        "Access management: administrator role",
        "Further roles are made with the rights that they need, and no more",
        ROLE_MEMBERS,
    ),
    by_hand(
        "Access management: audit of roles",
        "The list of roles is audited from time to time",
        ROLE_AUDIT,
        "the control plane shows no role; keep the answer and compare it with the next",
    ),
    judged("Audit logging", "Activity in the databases is audited", "postgres-pgaudit-not-set"),
    _overtaken(
        judged("Microsoft Defender", "Threat protection is on", "postgres-threat-protection-off"),
        "The page says that flexible servers are not supported; they are.",
        _DEFENDER,
    ),
    by_hand(
        "Updating passwords: rotation",
        "Passwords of the administrator and of users are rotated",
        PASSWORD_EXPIRY,
        "PostgreSQL does not keep when a password was set; an expiry (`VALID UNTIL`) is what can be checked, "
        "and no password at all is better: postgres-password-sign-in-on",
    ),
    beyond_reach(
        "Updating passwords: strength",
        "Passwords are strong",
        "a server keeps hashes, which nobody but a superuser may read",
    ),
    by_hand(
        "Reset administrator password",
        "The administrator's password can be reset and was, after people left",
        "az monitor activity-log list --resource-id <server> --offset 90d --query "
        "\"[?operationName.value=='Microsoft.DBforPostgreSQL/flexibleServers/write']"
        '.{at:eventTimestamp,by:caller}"',
        "a reset is a write of the server like others; the event's actor is in our journal too",
    ),
    by_hand(
        "Update database user password",
        "A user's password is changed from a client that hashes it first",
        "\\password <role>",
        "in psql; ALTER ROLE … PASSWORD sends the password itself, which then may stand in the log",
    ),
)

SOURCES: Final = (
    Source(
        title="Azure security baseline for Azure Database for PostgreSQL – Flexible Server",
        version="Microsoft cloud security benchmark 1.0",
        checked=_CHECKED,
        rows=(*_PROFILE, *_NETWORK, *_IDENTITY, *_PRIVILEGED, *_DATA, *_REST),
        note="Each row with what the page says of it: supported, on by default, whose duty.",
    ),
    Source(
        title="Security in Azure Database for PostgreSQL – Flexible Server (overview)",
        version="as of the page that says Defender is not supported; rewritten since: " + _SECURE,
        checked=_CHECKED,
        rows=_OVERVIEW,
    ),
)
