"""What Microsoft's networking pages, the NSG thread and Datadog's rule ask for, row by row.

The Private Link page's own order is kept. Rows of the article on virtual network integration are the demands
that it states for subnets, security rules, routes and zones. Words are ours.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from local.pages.coverage_rows import (
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
_DIAGNOSE: Final = "python -m local diagnose <server> --from <subnet>"

_PRIVATE_LINK: Final = (
    judged(
        "Private endpoints",
        "Traffic need not cross the Internet: an endpoint leads to the server",
        "postgres-no-approved-private-endpoint",
        "postgres-public-access-enabled",
    ),
    judged(
        "Private endpoints: approval",
        "An endpoint works once the server's owner has approved it",
        "postgres-private-endpoint-not-approved",
    ),
    always_on(
        "Protection against data leakage",
        "An endpoint leads to one server, not to the whole service",
        "by the design of Private Link; nothing to set",
    ),
    by_hand(
        "Use cases: peered networks, other regions, VPN, ExpressRoute",
        "Clients elsewhere reach the endpoint",
        _DIAGNOSE,
        "from a subnet of the same reading; beyond a gateway only a client there can tell",
    ),
    replace(
        judged(
            "Supported features: which servers may have endpoints",
            "Endpoints belong to servers with public access that are new enough",
            "postgres-no-approved-private-endpoint",
            note="the alert says that servers from before Private Link may not support one",
        ),
        overtaken=Overtaken(
            now="A server in a virtual network can be made capable of endpoints by the action "
            "migrateNetwork (preview); it is never done by us.",
            source="Migrate a VNet server to private-endpoint capable (article of 2026-07)",
        ),
    ),
    judged(
        "Network security: access control beside the endpoint",
        "An endpoint alone does not close the public path",
        "postgres-public-access-enabled",
        "postgres-firewall-allows-all-azure",
        "postgres-firewall-allows-whole-internet",
    ),
    judged(
        "DNS: zone name",
        "The zone has the recommended name",
        "postgres-endpoint-dns-zone-wrong",
        note="privatelink.postgres.database.azure.com in public Azure, the cloud's own suffix elsewhere",
    ),
    judged(
        "DNS: links",
        "The zone is linked to every network that must resolve the name",
        "postgres-endpoint-dns-zone-not-linked",
    ),
    judged(
        "DNS: records",
        "The server's name leads to the endpoint's address",
        "postgres-endpoint-dns-record-wrong",
    ),
    by_hand(
        "Hybrid DNS",
        "Own DNS servers forward to Azure's resolver",
        "nslookup <server>.postgres.database.azure.com",
        "from the client; with own DNS servers the policies say Unknown instead of guessing",
    ),
    judged(
        "Hub and spoke",
        "The central zone is linked to the hub, and all networks ask the hub",
        "postgres-endpoint-dns-zone-not-linked",
        note="exact once `policies.yaml` names the central zone and the networks that must be linked",
    ),
    judged(
        "Network policies of the endpoint's subnet",
        "Security rules and routes hold for endpoints only where the subnet says so",
        "postgres-endpoint-subnet-ignores-network-policies",
    ),
    judged(
        "Security rules on the endpoint's subnet",
        "Clients reach the endpoint, others do not",
        "nsg-blocks-postgres-clients",
        "nsg-exposes-postgres-to-internet",
        "nsg-reachable-beyond-clients",
    ),
    judged(
        "Firewall combination: no rule",
        "Without a rule nobody gets in by the public path",
        "postgres-public-access-enabled",
        "postgres-firewall-dormant-rules",
        note="the evidence names this reach: public without rules (closed)",
    ),
    judged(
        "Firewall combination: rules and endpoints",
        "Each kind of traffic has its own gate",
        "postgres-public-access-enabled",
        "postgres-firewall-allows-all-azure",
        "postgres-firewall-range-too-wide",
        note="the evidence names this reach: public with rules",
    ),
    judged(
        "Firewall combination: endpoints only",
        "When the last approved endpoint goes, nobody can connect",
        "postgres-no-approved-private-endpoint",
        "postgres-private-endpoint-not-approved",
        note="the evidence names this reach: private only, or unreachable",
    ),
    judged(
        "Troubleshooting: addresses",
        "The endpoint has its address, and no other resource has it too",
        "postgres-endpoint-dns-record-wrong",
        note=f"in the page's order: `{_DIAGNOSE}`",
    ),
    judged(
        "Troubleshooting: security rules",
        "No rule is in the way",
        "nsg-blocks-postgres-clients",
    ),
    judged(
        "Troubleshooting: routes",
        "No route leads the endpoint's traffic elsewhere",
        "postgres-endpoint-route-overridden",
    ),
    by_hand(
        "Troubleshooting: monitoring and packets",
        "Network Watcher shows what happens on the wire",
        "az network watcher test-connectivity --source-resource <vm> --dest-address <address> "
        "--dest-port 5432",
        "needs a running virtual machine of yours",
    ),
    judged(
        "Troubleshooting: resolution",
        "The name resolves to the private address",
        "postgres-endpoint-dns-zone-wrong",
        "postgres-endpoint-dns-zone-not-linked",
        "postgres-endpoint-dns-record-wrong",
    ),
    by_hand(
        "Troubleshooting: DNS cache",
        "No client remembers an old address",
        "resolvectl flush-caches",
        "on the client; `ipconfig /flushdns` on Windows",
    ),
    beyond_reach(
        "Troubleshooting: DNS logs",
        "The logs of the DNS servers show no failures",
        "they are written by your DNS servers, or by a diagnostic setting of the network's DNS policy",
    ),
)

_INTEGRATION: Final = (
    judged(
        "Delegated subnet",
        "The subnet is delegated to flexible servers and holds nothing else",
        "postgres-subnet-not-delegated",
    ),
    judged(
        "Size of the subnet",
        "/28 at least, with room for standby servers",
        "postgres-subnet-too-small",
    ),
    judged(
        "Subnet and zone",
        "A server names both a delegated subnet and a private DNS zone, or neither",
        "postgres-subnet-and-dns-zone-inconsistent",
    ),
    judged(
        "Zone name",
        "The zone ends with the service's suffix and is not the server's own name",
        "postgres-vnet-dns-zone-name-invalid",
    ),
    judged("Zone link", "The zone is linked to the server's network", "postgres-vnet-dns-zone-not-linked"),
    judged(
        "Locks on the zone",
        "No lock stops a failover from writing the record",
        "postgres-dns-zone-locked",
    ),
    judged(
        "Port 5432 (6432 with high availability or PgBouncer) inside the subnet",
        "Security rules let the servers talk to each other",
        "nsg-blocks-postgres-in-subnet",
    ),
    judged(
        "Storage, port 443",
        "The servers reach Azure Storage to archive the log",
        "nsg-blocks-storage-outbound",
        "postgres-storage-service-endpoint-missing",
        note="the service endpoint is advice for high availability",
    ),
    judged(
        "Microsoft Entra, port 443",
        "With Entra sign-in the servers reach it",
        "nsg-blocks-entra-outbound",
    ),
    judged(
        "Key Vault, port 443",
        "With the customer's key the servers reach the vault",
        "nsg-blocks-key-vault-outbound",
    ),
    judged(
        "Replicas in other regions",
        "Primary and replica reach each other and both regions' storage",
        "nsg-blocks-postgres-replicas",
    ),
    judged(
        "Application security groups",
        "No rule on a delegated subnet names one: the service does not support it",
        "nsg-names-application-security-groups",
    ),
    judged(
        "Route tables",
        "Traffic to Entra and inside the subnet is not sent to an appliance",
        "postgres-subnet-routed-through-appliance",
    ),
    judged(
        "Firewall rules",
        "They have no effect on a server in a virtual network",
        "postgres-firewall-rules-on-vnet-integrated",
    ),
    judged(
        "High availability health",
        "A standby that cannot be reached is noticed",
        "postgres-high-availability-unhealthy",
        note="Resource Health says when security rules or an appliance are the cause: it is in the evidence",
    ),
)

_THREAD: Final = (
    judged(
        "5432 and 6432 within the subnet",
        "High availability works under restrictive rules",
        "nsg-blocks-postgres-in-subnet",
    ),
    judged("Storage by its service tag", "The log can be archived", "nsg-blocks-storage-outbound"),
    judged(
        "Deny everything else",
        "A last rule denies what no other allows, inbound and outbound",
        "nsg-without-final-deny",
        note="with the rule set of the lock-down, proved against every contract",
    ),
    judged(
        "Allow only the clients' subnets",
        "Inbound rules name the client ranges, the port and the destination",
        "nsg-reachable-beyond-clients",
        "nsg-blocks-postgres-clients",
        "nsg-exposes-postgres-to-internet",
    ),
    Row(
        id="Blocked outbound flows to 443",
        demand="It is known what the server calls, and which of it is needed",
        answer=Answer.MANUAL,
        policies=("nsg-blocks-storage-outbound", "nsg-blocks-entra-outbound"),
        note="no rule can name a content delivery network; the Internet is never opened on 443",
        query="python -m local explain-flows <flow log> --nsg <nsg> --server <server>",
    ),
    judged(
        "Default rules",
        "What the default rules let through is part of the verdict",
        "nsg-exposes-postgres-to-internet",
        "nsg-blocks-postgres-in-subnet",
        "nsg-reachable-beyond-clients",
    ),
)

_DATADOG: Final = (
    judged(
        "mhu-w8j-px0",
        "The rule for all Azure services does not exist",
        "postgres-firewall-allows-all-azure",
        note="found by its range, never by its name; alias cis-azure-1.3.0-4.3.8",
    ),
    judged(
        "mhu-w8j-px0: rationale",
        "Access is given to certain address ranges, or to certain networks",
        "postgres-firewall-range-too-wide",
        "postgres-firewall-covers-whole-internet-in-pieces",
        note="single server: virtual network rules are read and listed as ways in",
    ),
    judged(
        "CIS Controls v7, 9.4",
        "A firewall denies by default what no rule admits",
        "postgres-firewall-allows-whole-internet",
        "postgres-firewall-allows-all-azure",
        "nsg-without-final-deny",
    ),
    beyond_reach(
        "CIS Controls v7, 9.5",
        "An application firewall validates the traffic",
        "the service has none, and an appliance before it sees encrypted traffic only",
    ),
    judged(
        "CIS Controls v7, 14.2",
        "Only wanted traffic passes between network segments",
        "nsg-reachable-beyond-clients",
        "nsg-missing-on-postgres-subnet",
        "nsg-blocks-postgres-clients",
    ),
)

SOURCES: Final = (
    Source(
        title="Azure Database for PostgreSQL networking with Private Link",
        version="2025-04-18",
        checked=_CHECKED,
        rows=_PRIVATE_LINK,
    ),
    Source(
        title="Networking with private access (virtual network integration)",
        version="article with the articles on high availability and on changing the DNS zone, 2026",
        checked=_CHECKED,
        rows=_INTEGRATION,
    ),
    Source(
        title="Microsoft Q&A 74105480: outbound rules of a flexible server's NSG",
        version="the question and its answer",
        checked=_CHECKED,
        rows=_THREAD,
    ),
    Source(
        title="Datadog default rule: access to Azure services for PostgreSQL Database Server is disabled",
        version="mhu-w8j-px0",
        checked=_CHECKED,
        control=("Datadog", "default rules"),
        rows=_DATADOG,
    ),
)
