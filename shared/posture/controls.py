"""The controls that policies cite, by name: ``MCSB.NS_1``, ``CIS_3_0.P_5_2_1``, ``AZURE_POLICY.DEFENDER_ON``.

Listed here is what more than one reader may want to find under one name; it is no register. A policy that
supports a requirement which stands nowhere here writes its own ``Control(…)`` in its file. ``link`` is the
official page of the framework, or of the control where it has one of its own. Pure data.
"""

from __future__ import annotations

from typing import Final

from shared.model.values import value


@value
class Control:
    """A requirement of a framework that a policy supports. Azure Policy ids are full GUIDs."""

    framework: str
    version: str
    id: str
    title: str
    link: str = ""
    """Its official page, or the framework's; ``""`` where there is none."""


_CIS_PAGE: Final = "https://www.cisecurity.org/benchmark/azure"


def _mcsb(number: str, title: str) -> Control:
    page = "https://learn.microsoft.com/security/benchmark/azure/overview"
    return Control(framework="MCSB", version="v1", id=number, title=title, link=page)


def _foundations(version: str, number: str, title: str) -> Control:
    name = "CIS Microsoft Azure Foundations"
    return Control(framework=name, version=version, id=number, title=title, link=_CIS_PAGE)


def _databases(number: str, title: str) -> Control:
    name = "CIS Microsoft Azure Database Services"
    return Control(framework=name, version="2.0.0", id=number, title=title, link=_CIS_PAGE)


def _built_in(guid: str, title: str) -> Control:
    page = "https://learn.microsoft.com/azure/governance/policy/samples/built-in-policies"
    return Control(framework="Azure Policy", version="built-in", id=guid, title=title, link=page)


def _checkov(rule: str, title: str) -> Control:
    page = "https://www.checkov.io/"
    return Control(framework="Checkov", version="rules", id=rule, title=title, link=page)


def _psrule(rule: str, title: str) -> Control:
    page = "https://azure.github.io/PSRule.Rules.Azure/"
    return Control(framework="PSRule for Azure", version="rules", id=rule, title=title, link=page)


class MCSB:
    """Microsoft cloud security benchmark."""

    BR_1 = _mcsb("BR-1", "Ensure regular automated backups")
    BR_2 = _mcsb("BR-2", "Protect backup and recovery data")
    DP_3 = _mcsb("DP-3", "Encrypt sensitive data in transit")
    DP_4 = _mcsb("DP-4", "Enable data at rest encryption by default")
    DP_5 = _mcsb("DP-5", "Use customer-managed key option in data at rest encryption when required")
    DP_6 = _mcsb("DP-6", "Use a secure key management process")
    IM_1 = _mcsb("IM-1", "Use centralized identity and authentication system")
    IM_3 = _mcsb("IM-3", "Manage application identities securely and automatically")
    IR_3 = _mcsb("IR-3", "Detection and analysis - create incidents based on high-quality alerts")
    IR_5 = _mcsb("IR-5", "Detection and analysis - prioritize incidents")
    LT_1 = _mcsb("LT-1", "Enable threat detection capabilities")
    LT_2 = _mcsb("LT-2", "Enable threat detection for identity and access management")
    LT_3 = _mcsb("LT-3", "Enable logging for security investigation")
    LT_5 = _mcsb("LT-5", "Centralize security log management and analysis")
    LT_6 = _mcsb("LT-6", "Configure log storage retention")
    NS_1 = _mcsb("NS-1", "Establish network segmentation boundaries")
    NS_2 = _mcsb("NS-2", "Secure cloud native services with network controls")
    NS_10 = _mcsb("NS-10", "Ensure Domain Name System (DNS) security")
    PA_1 = _mcsb("PA-1", "Separate and limit highly privileged/administrative users")
    PA_7 = _mcsb("PA-7", "Follow just enough administration (least privilege) principle")
    PV_2 = _mcsb("PV-2", "Audit and enforce secure configurations")


class CIS_1_3:
    """CIS Microsoft Azure Foundations Benchmark 1.3.0."""

    P_4_3_1 = _foundations("1.3.0", "4.3.1", "PostgreSQL servers accept encrypted connections only")
    P_4_3_3 = _foundations("1.3.0", "4.3.3", "Checkpoints are logged")
    P_4_3_4 = _foundations("1.3.0", "4.3.4", "Connections are logged")
    P_4_3_5 = _foundations("1.3.0", "4.3.5", "Disconnections are logged")
    P_4_3_6 = _foundations("1.3.0", "4.3.6", "Connection throttling is on")
    P_4_3_7 = _foundations("1.3.0", "4.3.7", "Server logs are kept for more than three days")
    P_4_3_8 = _foundations(
        "1.3.0", "4.3.8", "Access from Azure services to the PostgreSQL server is disabled"
    )


class CIS_2_1:
    """CIS Microsoft Azure Foundations Benchmark 2.1.0."""

    P_2_1_5 = _foundations("2.1.0", "2.1.5", "Microsoft Defender for open-source relational databases is on")
    P_4_3_1 = _foundations("2.1.0", "4.3.1", "PostgreSQL servers accept encrypted connections only")
    P_4_3_2 = _foundations("2.1.0", "4.3.2", "Checkpoints are logged")
    P_4_3_3 = _foundations("2.1.0", "4.3.3", "Connections are logged")
    P_4_3_4 = _foundations("2.1.0", "4.3.4", "Disconnections are logged")
    P_4_3_5 = _foundations("2.1.0", "4.3.5", "Connection throttling is on")
    P_4_3_6 = _foundations("2.1.0", "4.3.6", "Server logs are kept for more than three days")
    P_4_3_7 = _foundations(
        "2.1.0", "4.3.7", "Access from Azure services to the PostgreSQL server is disabled"
    )
    P_4_3_8 = _foundations("2.1.0", "4.3.8", "Infrastructure double encryption is on")


class CIS_3_0:
    """CIS Microsoft Azure Foundations Benchmark 3.0.0."""

    P_3_1_7_2 = _foundations(
        "3.0.0", "3.1.7.2", "Microsoft Defender for open-source relational databases is on"
    )
    P_5_2_1 = _foundations("3.0.0", "5.2.1", "PostgreSQL servers accept encrypted connections only")
    P_5_2_2 = _foundations("3.0.0", "5.2.2", "Checkpoints are logged")
    P_5_2_3 = _foundations("3.0.0", "5.2.3", "Connection throttling is on")
    P_5_2_4 = _foundations("3.0.0", "5.2.4", "Server logs are kept for more than three days")
    P_5_2_5 = _foundations(
        "3.0.0", "5.2.5", "Access from Azure services to the PostgreSQL server is disabled"
    )
    P_5_2_6 = _foundations("3.0.0", "5.2.6", "Connections are logged")
    P_5_2_7 = _foundations("3.0.0", "5.2.7", "Disconnections are logged")
    P_5_2_8 = _foundations("3.0.0", "5.2.8", "Infrastructure double encryption is on")


class CIS_5_0:
    """CIS Microsoft Azure Foundations Benchmark 5.0.0."""

    P_7_11 = _foundations("5.0.0", "7.11", "Subnets are associated with network security groups")


class CIS_DATABASES_2_0:
    """CIS Microsoft Azure Database Services Benchmark 2.0.0."""

    P_6_1 = _databases("6.1", "PostgreSQL servers are encrypted at rest with customer-managed keys")
    P_6_2 = _databases("6.2", "PostgreSQL servers use Microsoft Entra authentication only")
    P_6_3 = _databases("6.3", "Public network access is disabled for PostgreSQL")
    P_6_4 = _databases("6.4", "PostgreSQL servers are reached through private endpoints")
    P_6_5 = _databases("6.5", "Connection throttling is on")
    P_6_6 = _databases("6.6", "Server logs are kept for more than three days")
    P_6_7 = _databases("6.7", "Checkpoints are logged")
    P_6_8 = _databases("6.8", "Disconnections are logged")
    P_6_9 = _databases("6.9", "Connections are logged")
    P_6_10 = _databases("6.10", "PostgreSQL servers accept encrypted connections only")
    P_6_11 = _databases("6.11", "PostgreSQL servers accept TLS 1.2 or newer only")


class AZURE_POLICY:
    """Built-in definitions of Azure Policy: ``_FLEXIBLE`` and ``_SINGLE`` are the kinds of server."""

    CONNECTION_THROTTLING_FLEXIBLE = _built_in(
        "dacf07fa-0eea-4486-80bc-b93fae88ac40",
        "[Deprecated]: Connection throttling should be enabled for PostgreSQL flexible servers",
    )
    CONNECTION_THROTTLING_SINGLE = _built_in(
        "5345bb39-67dc-4960-a1bf-427e16b9a0bd",
        "Connection throttling should be enabled for PostgreSQL database servers",
    )
    CUSTOMER_KEY_FLEXIBLE = _built_in(
        "12c74c95-0efd-48da-b8d9-2a7d68470c92",
        "PostgreSQL flexible servers should use customer-managed keys to encrypt data at rest",
    )
    CUSTOMER_KEY_SINGLE = _built_in(
        "18adea5e-f416-4d0f-8aa8-d24321e3e274",
        "PostgreSQL servers should use customer-managed keys to encrypt data at rest",
    )
    DEFENDER_FLEXIBLE = _built_in(
        "d38668f5-d155-42c7-ab3d-9b57b50f8fbf",
        "Azure Defender for SQL should be enabled for unprotected PostgreSQL flexible servers",
    )
    DEFENDER_ON = _built_in(
        "0a9fbe0d-c5c4-4da8-87d8-f4fd77338835",
        "Azure Defender for open-source relational databases should be enabled",
    )
    DEFENDER_SET = _built_in(
        "44433aa3-7ec2-4002-93ea-65c65ff0310a",
        "Configure Azure Defender for open-source relational databases to be enabled",
    )
    DIAGNOSTIC_SETTINGS_FLEXIBLE = _built_in(
        "78ed47da-513e-41e9-a088-e829b373281d",
        "Deploy Diagnostic Settings for PostgreSQL flexible servers to Log Analytics workspace",
    )
    ENTRA_ADMINISTRATOR_FLEXIBLE = _built_in(
        "ce39a96d-bf09-4b60-8c32-e85d52abea0f",
        "A Microsoft Entra administrator should be provisioned for PostgreSQL flexible servers",
    )
    ENTRA_ADMINISTRATOR_SINGLE = _built_in(
        "b4dec045-250a-48c2-b5cc-e0c4eec8b5b4",
        "A Microsoft Entra administrator should be provisioned for PostgreSQL servers",
    )
    ENTRA_ONLY_FLEXIBLE = _built_in(
        "fa498b91-8a7e-4710-9578-da944c68d1fe",
        "[Preview]: Azure PostgreSQL flexible server should have Microsoft Entra Only Authentication enabled",
    )
    GEO_BACKUP_FLEXIBLE = _built_in(
        "cee2f9fd-3968-44be-a863-bd62c9884423",
        "Geo-redundant backup should be enabled for Azure Database for PostgreSQL flexible servers",
    )
    GEO_BACKUP_SINGLE = _built_in(
        "48af4db5-9b8b-401c-8e74-076be876a430",
        "Geo-redundant backup should be enabled for Azure Database for PostgreSQL",
    )
    INFRASTRUCTURE_ENCRYPTION_SINGLE = _built_in(
        "24fba194-95d6-48c0-aea7-f65bf859c598",
        "Infrastructure encryption should be enabled for Azure Database for PostgreSQL servers",
    )
    LOG_CHECKPOINTS_FLEXIBLE = _built_in(
        "70be9e12-c935-49ac-9bd8-fd64b85c1f87",
        "Log checkpoints should be enabled for PostgreSQL flexible servers",
    )
    LOG_CHECKPOINTS_SINGLE = _built_in(
        "eb6f77b9-bd53-4e35-a23d-7f65d5f0e43d",
        "Log checkpoints should be enabled for PostgreSQL database servers",
    )
    LOG_CONNECTIONS_FLEXIBLE = _built_in(
        "086709ac-11b5-478d-a893-9567a16d2ae3",
        "Log connections should be enabled for PostgreSQL flexible servers",
    )
    LOG_CONNECTIONS_SINGLE = _built_in(
        "eb6f77b9-bd53-4e35-a23d-7f65d5f0e442",
        "Log connections should be enabled for PostgreSQL database servers",
    )
    LOG_DISCONNECTIONS_FLEXIBLE = _built_in(
        "1d14b021-1bae-4f93-b36b-69695e14984a",
        "Disconnections should be logged for PostgreSQL flexible servers",
    )
    LOG_DISCONNECTIONS_SINGLE = _built_in(
        "eb6f77b9-bd53-4e35-a23d-7f65d5f0e446",
        "Disconnections should be logged for PostgreSQL database servers.",
    )
    LOG_DURATION_SINGLE = _built_in(
        "eb6f77b9-bd53-4e35-a23d-7f65d5f0e8f3",
        "Log duration should be enabled for PostgreSQL database servers",
    )
    LOG_RETENTION_FLEXIBLE = _built_in(
        "f5ed3f7a-cf5d-4ee6-9ede-b5d5192ccf81",
        "Configure logfiles.retention_days to at least 7 days for PostgreSQL flexible servers",
    )
    LOGS_TO_EVENT_HUB_FLEXIBLE = _built_in(
        "bd0079c6-6f2d-42f4-9cee-e23930968f10",
        "Enable logging by category group for microsoft.dbforpostgresql/flexibleservers to Event Hub",
    )
    LOGS_TO_EVENT_HUB_SINGLE = _built_in(
        "3d7d0cc7-bd72-4f41-bf55-0be57faa3883",
        "Enable logging by category group for microsoft.dbforpostgresql/servers to Event Hub",
    )
    LOGS_TO_STORAGE_FLEXIBLE = _built_in(
        "499b7900-f44e-40ea-b8d3-2f3cf75f2ca4",
        "Enable logging by category group for microsoft.dbforpostgresql/flexibleservers to Storage",
    )
    LOGS_TO_STORAGE_SINGLE = _built_in(
        "69d4fcec-8426-426a-ad48-439fd3b14e9e",
        "Enable logging by category group for microsoft.dbforpostgresql/servers to Storage",
    )
    LOGS_TO_WORKSPACE_FLEXIBLE = _built_in(
        "5fbd326d-328c-414e-a922-2d6963998962",
        "Enable logging by category group for microsoft.dbforpostgresql/flexibleservers to Log Analytics",
    )
    LOGS_TO_WORKSPACE_SINGLE = _built_in(
        "bbdbb83b-cbfe-49f7-b7d1-1126630a68b7",
        "Enable logging by category group for microsoft.dbforpostgresql/servers to Log Analytics",
    )
    PARAMETER_SET_FLEXIBLE = _built_in(
        "a7d3e5b1-8c4f-4a2b-9d6e-1f3c5a8b2e7d",
        "Configure PostgreSQL flexible server configuration to specified value",
    )
    PGAUDIT_CLASSES_FLEXIBLE = _built_in(
        "eadbb524-8644-4a87-8af6-549e1d125982",
        "Configure pgaudit.log to include role, ddl, and misc for PostgreSQL flexible servers",
    )
    PGAUDIT_FLEXIBLE = _built_in(
        "4eb5e667-e871-4292-9c5d-8bbb94e0c908",
        "Auditing with PgAudit should be enabled for PostgreSQL flexible servers",
    )
    PGAUDIT_LOADED_FLEXIBLE = _built_in(
        "dd626066-39f5-4f72-aba8-06a99fabf278",
        "Configure shared_preload_libraries to include pgaudit for PostgreSQL flexible servers",
    )
    PRIVATE_ENDPOINT_FLEXIBLE = _built_in(
        "5375a5bb-22c6-46d7-8a43-83417cfb4460",
        "Private endpoint should be enabled for PostgreSQL flexible servers",
    )
    PRIVATE_ENDPOINT_SINGLE = _built_in(
        "0564d078-92f5-4f97-8398-b9f58a51f70b", "Private endpoint should be enabled for PostgreSQL servers"
    )
    PUBLIC_ACCESS_FLEXIBLE = _built_in(
        "5e1de0e3-42cb-4ebc-a86d-61d0c619ca48",
        "Public network access should be disabled for PostgreSQL flexible servers",
    )
    PUBLIC_ACCESS_SINGLE = _built_in(
        "b52376f7-9612-48a1-81cd-1ffe4b61032c",
        "Public network access should be disabled for PostgreSQL servers",
    )
    SERVER_LOGS_TO_WORKSPACE_FLEXIBLE = _built_in(
        "cdd1dbc6-0004-4fcd-afd7-b67550de37ff",
        "Enable logging by category group for PostgreSQL flexible server "
        "(microsoft.dbforpostgresql/flexibleservers) to Log Analytics",
    )
    SUBNET_HAS_NSG = _built_in(
        "e71308d3-144b-4262-b144-efdc3cc90517", "Subnets should be associated with a Network Security Group"
    )
    THREAT_PROTECTION_SET_FLEXIBLE = _built_in(
        "2a6ae02f-7590-40d7-88ba-b18e205a32fd",
        "Configure Advanced Threat Protection to be enabled on Azure database for PostgreSQL flexible "
        "servers",
    )
    THREAT_PROTECTION_SET_SINGLE = _built_in(
        "db048e65-913c-49f9-bb5f-1084184671d3",
        "Configure Advanced Threat Protection to be enabled on Azure database for PostgreSQL servers",
    )
    TLS_REQUIRED_FLEXIBLE = _built_in(
        "c29c38cb-74a7-4505-9a06-e588ab86620a",
        "Enforce SSL connection should be enabled for PostgreSQL flexible servers",
    )
    TLS_REQUIRED_SINGLE = _built_in(
        "d158790f-bfb0-486c-8631-2dc6b4e8e6af",
        "Enforce SSL connection should be enabled for PostgreSQL database servers",
    )
    TLS_VERSION_FLEXIBLE = _built_in(
        "a43d5475-c569-45ce-a268-28fa79f4e87a",
        "PostgreSQL flexible servers should be running TLS version 1.2 or newer",
    )
    ZONE_RESILIENT_FLEXIBLE = _built_in(
        "493c215d-2553-4976-bc81-57d2c04fc8c1",
        "[Preview]: Azure Database for PostgreSQL Flexible Server should be Zone Resilient",
    )


class CHECKOV:
    """Rules of Checkov."""

    CKV_AZURE_130 = _checkov("CKV_AZURE_130", "A PostgreSQL server has infrastructure encryption")
    CKV_AZURE_147 = _checkov("CKV_AZURE_147", "A PostgreSQL server uses the latest version of TLS")
    CKV2_AZURE_26 = _checkov(
        "CKV2_AZURE_26", "A PostgreSQL flexible server's firewall rules are not overly permissive"
    )


class PSRULE:
    """Rules of PSRule for Azure."""

    AZR_000137 = _psrule("AZR-000137", "No rule of an NSG lets every source in")
    AZR_000151 = _psrule(
        "AZR-000151", "The number of addresses that a PostgreSQL server's firewall admits is small"
    )
    AZR_000434 = _psrule("AZR-000434", "A PostgreSQL server is zone redundant")


class CLOUDSPLOIT:
    """Plugins of CloudSploit."""

    OPEN_POSTGRESQL = Control(
        framework="CloudSploit",
        version="plugins",
        id="openPostgreSQL",
        title="No NSG opens TCP 5432 to the Internet",
        link="https://github.com/aquasecurity/cloudsploit",
    )


class DATADOG:
    """Default rules of Datadog."""

    MHU_W8J_PX0 = Control(
        framework="Datadog",
        version="default rules",
        id="mhu-w8j-px0",
        title="Access to Azure services for PostgreSQL Database Server is disabled",
        link="https://docs.datadoghq.com/security/default_rules/mhu-w8j-px0/",
    )
