"""Azure Policy's built-in definitions about PostgreSQL, each by its full id.

From Azure/azure-policy at f4a50bac (2026-04-29): every definition whose target is a PostgreSQL server of
any kind, and the two that reach PostgreSQL through a subscription's plan or a subnet. Titles are the
display names; what the source says of a definition are its effects and its version.
"""

from __future__ import annotations

from typing import Final

from local.pages.coverage_rows import Source, beyond_reach, by_hand, judged

_CITUS: Final = "server groups are another service (Azure Cosmos DB for PostgreSQL), not looked at"

_ROWS: Final = (
    judged(
        "ce39a96d-bf09-4b60-8c32-e85d52abea0f",
        "A Microsoft Entra administrator should be provisioned for PostgreSQL flexible servers",
        "postgres-entra-administrator-missing",
        said="AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "b4dec045-250a-48c2-b5cc-e0c4eec8b5b4",
        "A Microsoft Entra administrator should be provisioned for PostgreSQL servers",
        "postgres-entra-administrator-missing",
        said="AuditIfNotExists, Disabled · 1.0.1",
    ),
    judged(
        "4eb5e667-e871-4292-9c5d-8bbb94e0c908",
        "Auditing with PgAudit should be enabled for PostgreSQL flexible servers",
        "postgres-pgaudit-not-set",
        said="AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "493c215d-2553-4976-bc81-57d2c04fc8c1",
        "[Preview]: Azure Database for PostgreSQL Flexible Server should be Zone Resilient",
        "postgres-high-availability-off",
        note="asks for the zone-redundant mode in particular",
        said="Audit, Deny, Disabled · 1.0.0-preview",
    ),
    judged(
        "0a9fbe0d-c5c4-4da8-87d8-f4fd77338835",
        "Azure Defender for open-source relational databases should be enabled",
        "postgres-threat-protection-off",
        note="the plan of a subscription; we read whether it covers the server",
        said="AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "d38668f5-d155-42c7-ab3d-9b57b50f8fbf",
        "Azure Defender for SQL should be enabled for unprotected PostgreSQL flexible servers",
        "postgres-threat-protection-off",
        said="AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "e27a6dfc-883f-4f9e-97cc-a819fe702400",
        "[Deprecated]: Azure PostgreSQL flexible server should have Azure Active "
        "Directory Only Authentication enabled",
        "postgres-entra-sign-in-off",
        "postgres-password-sign-in-on",
        note="deprecated: see fa498b91-8a7e-4710-9578-da944c68d1fe",
        said="AuditIfNotExists, Disabled · 1.0.0-deprecated",
    ),
    judged(
        "fa498b91-8a7e-4710-9578-da944c68d1fe",
        "[Preview]: Azure PostgreSQL flexible server should have Microsoft Entra Only Authentication enabled",
        "postgres-entra-sign-in-off",
        "postgres-password-sign-in-on",
        said="Audit, Disabled · 1.0.0-preview",
    ),
    judged(
        "2a6ae02f-7590-40d7-88ba-b18e205a32fd",
        "Configure Advanced Threat Protection to be enabled on Azure database for "
        "PostgreSQL flexible servers",
        "postgres-threat-protection-off",
        said="DeployIfNotExists, Disabled · 1.1.0",
    ),
    judged(
        "db048e65-913c-49f9-bb5f-1084184671d3",
        "Configure Advanced Threat Protection to be enabled on Azure database for PostgreSQL servers",
        "postgres-threat-protection-off",
        said="DeployIfNotExists, Disabled · 1.2.0",
    ),
    judged(
        "44433aa3-7ec2-4002-93ea-65c65ff0310a",
        "Configure Azure Defender for open-source relational databases to be enabled",
        "postgres-threat-protection-off",
        note="the plan of a subscription; we read whether it covers the server",
        said="DeployIfNotExists, Disabled · 1.0.0",
    ),
    by_hand(
        "3bf854e8-b34a-47fe-9f81-bc558c82b3bd",
        "Configure log_line_prefix with key identifiers for PostgreSQL flexible servers",
        "az postgres flexible-server parameter show --resource-group <group> "
        "--server-name <server> --name log_line_prefix",
        "what a log line begins with is a matter of whoever reads the logs",
        "DeployIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "f5ed3f7a-cf5d-4ee6-9ede-b5d5192ccf81",
        "Configure logfiles.retention_days to at least 7 days for PostgreSQL flexible servers",
        "postgres-log-retention-short",
        said="DeployIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "eadbb524-8644-4a87-8af6-549e1d125982",
        "Configure pgaudit.log to include role, ddl, and misc for PostgreSQL flexible servers",
        "postgres-pgaudit-not-set",
        said="DeployIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "a7d3e5b1-8c4f-4a2b-9d6e-1f3c5a8b2e7d",
        "Configure PostgreSQL flexible server configuration to specified value",
        "postgres-extensions-beyond-allow-list",
        note="any parameter to any value; `azure.extensions` is the one that we judge",
        said="DeployIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "a8f89ff4-3d6e-4d7b-8c5a-2e9b1f4c8d3a",
        "Configure PostgreSQL flexible server to enable specified configuration",
        "postgres-log-checkpoints-off",
        "postgres-log-connections-off",
        "postgres-log-disconnections-off",
        "postgres-connection-throttling-off",
        "postgres-tls-not-required",
        said="AuditIfNotExists, DeployIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "dd626066-39f5-4f72-aba8-06a99fabf278",
        "Configure shared_preload_libraries to include pgaudit for PostgreSQL flexible servers",
        "postgres-pgaudit-not-set",
        said="DeployIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "5345bb39-67dc-4960-a1bf-427e16b9a0bd",
        "Connection throttling should be enabled for PostgreSQL database servers",
        "postgres-connection-throttling-off",
        said="AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "dacf07fa-0eea-4486-80bc-b93fae88ac40",
        "[Deprecated]: Connection throttling should be enabled for PostgreSQL flexible servers",
        "postgres-connection-throttling-off",
        note="deprecated: the parameter went with PostgreSQL 16",
        said="AuditIfNotExists, Disabled · 1.1.0-deprecated",
    ),
    judged(
        "78ed47da-513e-41e9-a088-e829b373281d",
        "Deploy Diagnostic Settings for PostgreSQL flexible servers to Log Analytics workspace",
        "postgres-diagnostic-settings-missing",
        said="DeployIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "eb6f77b9-bd53-4e35-a23d-7f65d5f0e446",
        "Disconnections should be logged for PostgreSQL database servers.",
        "postgres-log-disconnections-off",
        said="AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "1d14b021-1bae-4f93-b36b-69695e14984a",
        "Disconnections should be logged for PostgreSQL flexible servers",
        "postgres-log-disconnections-off",
        said="AuditIfNotExists, Disabled · 1.0.1",
    ),
    judged(
        "bd0079c6-6f2d-42f4-9cee-e23930968f10",
        "Enable logging by category group for microsoft.dbforpostgresql/flexibleservers to Event Hub",
        "postgres-diagnostic-settings-missing",
        said="DeployIfNotExists, AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "5fbd326d-328c-414e-a922-2d6963998962",
        "Enable logging by category group for microsoft.dbforpostgresql/flexibleservers to Log Analytics",
        "postgres-diagnostic-settings-missing",
        said="DeployIfNotExists, AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "499b7900-f44e-40ea-b8d3-2f3cf75f2ca4",
        "Enable logging by category group for microsoft.dbforpostgresql/flexibleservers to Storage",
        "postgres-diagnostic-settings-missing",
        said="DeployIfNotExists, AuditIfNotExists, Disabled · 1.0.0",
    ),
    beyond_reach(
        "e1598217-5ff1-4978-b51d-f0238e100019",
        "Enable logging by category group for microsoft.dbforpostgresql/servergroupsv2 to Event Hub",
        _CITUS,
        "DeployIfNotExists, AuditIfNotExists, Disabled · 1.0.0",
    ),
    beyond_reach(
        "84509667-1a94-4255-9e5f-b479075c1069",
        "Enable logging by category group for microsoft.dbforpostgresql/servergroupsv2 to Log Analytics",
        _CITUS,
        "DeployIfNotExists, AuditIfNotExists, Disabled · 1.0.0",
    ),
    beyond_reach(
        "a972fe34-7882-4476-87cf-eb9631785fb5",
        "Enable logging by category group for microsoft.dbforpostgresql/servergroupsv2 to Storage",
        _CITUS,
        "DeployIfNotExists, AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "3d7d0cc7-bd72-4f41-bf55-0be57faa3883",
        "Enable logging by category group for microsoft.dbforpostgresql/servers to Event Hub",
        "postgres-diagnostic-settings-missing",
        said="DeployIfNotExists, AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "bbdbb83b-cbfe-49f7-b7d1-1126630a68b7",
        "Enable logging by category group for microsoft.dbforpostgresql/servers to Log Analytics",
        "postgres-diagnostic-settings-missing",
        said="DeployIfNotExists, AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "69d4fcec-8426-426a-ad48-439fd3b14e9e",
        "Enable logging by category group for microsoft.dbforpostgresql/servers to Storage",
        "postgres-diagnostic-settings-missing",
        said="DeployIfNotExists, AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "cdd1dbc6-0004-4fcd-afd7-b67550de37ff",
        "Enable logging by category group for PostgreSQL flexible server "
        "(microsoft.dbforpostgresql/flexibleservers) to Log Analytics",
        "postgres-diagnostic-settings-missing",
        said="DeployIfNotExists, AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "d158790f-bfb0-486c-8631-2dc6b4e8e6af",
        "Enforce SSL connection should be enabled for PostgreSQL database servers",
        "postgres-tls-not-required",
        said="Audit, Disabled · 1.0.1",
    ),
    judged(
        "c29c38cb-74a7-4505-9a06-e588ab86620a",
        "Enforce SSL connection should be enabled for PostgreSQL flexible servers",
        "postgres-tls-not-required",
        said="AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "48af4db5-9b8b-401c-8e74-076be876a430",
        "Geo-redundant backup should be enabled for Azure Database for PostgreSQL",
        "postgres-geo-redundant-backup-off",
        said="Audit, Disabled · 1.0.1",
    ),
    judged(
        "cee2f9fd-3968-44be-a863-bd62c9884423",
        "Geo-redundant backup should be enabled for Azure Database for PostgreSQL flexible servers",
        "postgres-geo-redundant-backup-off",
        said="Audit, Disabled · 1.0.0",
    ),
    judged(
        "24fba194-95d6-48c0-aea7-f65bf859c598",
        "Infrastructure encryption should be enabled for Azure Database for PostgreSQL servers",
        "postgres-infrastructure-encryption-off",
        said="Audit, Deny, Disabled · 1.0.0",
    ),
    judged(
        "eb6f77b9-bd53-4e35-a23d-7f65d5f0e43d",
        "Log checkpoints should be enabled for PostgreSQL database servers",
        "postgres-log-checkpoints-off",
        said="AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "70be9e12-c935-49ac-9bd8-fd64b85c1f87",
        "Log checkpoints should be enabled for PostgreSQL flexible servers",
        "postgres-log-checkpoints-off",
        said="AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "eb6f77b9-bd53-4e35-a23d-7f65d5f0e442",
        "Log connections should be enabled for PostgreSQL database servers",
        "postgres-log-connections-off",
        said="AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "086709ac-11b5-478d-a893-9567a16d2ae3",
        "Log connections should be enabled for PostgreSQL flexible servers",
        "postgres-log-connections-off",
        said="AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "eb6f77b9-bd53-4e35-a23d-7f65d5f0e8f3",
        "Log duration should be enabled for PostgreSQL database servers",
        "postgres-log-duration-off",
        said="AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "a43d5475-c569-45ce-a268-28fa79f4e87a",
        "PostgreSQL flexible servers should be running TLS version 1.2 or newer",
        "postgres-tls-version-too-low",
        said="AuditIfNotExists, Disabled · 1.1.0",
    ),
    judged(
        "12c74c95-0efd-48da-b8d9-2a7d68470c92",
        "PostgreSQL flexible servers should use customer-managed keys to encrypt data at rest",
        "postgres-customer-managed-key-missing",
        said="Audit, Deny, Disabled · 1.1.0",
    ),
    by_hand(
        "3c14b034-bcb6-4905-94e7-5b8e98a47b65",
        "PostgreSQL server should use a virtual network service endpoint",
        "az postgres server vnet-rule list --resource-group <group> --server-name <server>",
        "single servers; we list these rules as ways in and ask for none: a private "
        "endpoint is the better way",
        "AuditIfNotExists, Disabled · 1.0.2",
    ),
    judged(
        "18adea5e-f416-4d0f-8aa8-d24321e3e274",
        "PostgreSQL servers should use customer-managed keys to encrypt data at rest",
        "postgres-customer-managed-key-missing",
        said="AuditIfNotExists, Disabled · 1.0.4",
    ),
    judged(
        "5375a5bb-22c6-46d7-8a43-83417cfb4460",
        "Private endpoint should be enabled for PostgreSQL flexible servers",
        "postgres-no-approved-private-endpoint",
        "postgres-private-endpoint-not-approved",
        said="AuditIfNotExists, Disabled · 1.0.0",
    ),
    judged(
        "0564d078-92f5-4f97-8398-b9f58a51f70b",
        "Private endpoint should be enabled for PostgreSQL servers",
        "postgres-no-approved-private-endpoint",
        "postgres-private-endpoint-not-approved",
        said="AuditIfNotExists, Disabled · 1.0.2",
    ),
    judged(
        "5e1de0e3-42cb-4ebc-a86d-61d0c619ca48",
        "Public network access should be disabled for PostgreSQL flexible servers",
        "postgres-public-access-enabled",
        "postgres-subnet-and-dns-zone-inconsistent",
        note="a server with both a delegated subnet and a zone counts as compliant, one "
        "with only one of them does not",
        said="Audit, Deny, Disabled · 3.1.0",
    ),
    judged(
        "b52376f7-9612-48a1-81cd-1ffe4b61032c",
        "Public network access should be disabled for PostgreSQL servers",
        "postgres-public-access-enabled",
        said="Audit, Deny, Disabled · 2.0.1",
    ),
    judged(
        "e71308d3-144b-4262-b144-efdc3cc90517",
        "Subnets should be associated with a Network Security Group",
        "nsg-missing-on-postgres-subnet",
        said="AuditIfNotExists, Disabled · 3.0.0",
    ),
)

SOURCES: Final = (
    Source(
        title="Azure Policy built-in definitions",
        version="Azure/azure-policy f4a50bac, 2026-04-29",
        checked="2026-11-21",
        control=("Azure Policy", "built-in"),
        rows=_ROWS,
        note="No definition is about firewall rules, and none can change a PostgreSQL "
        "server's public access.",
    ),
)
