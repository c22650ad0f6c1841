"""The commands that write a folder for `--from-export`: a shell script that reads and never writes.

Every list is kept with the address that it was read at, so that an empty one says of what it is empty. Lists
of a subscription come by az's own commands, which go through all pages; those of one resource by ``az rest``
at the api-versions that the gateway uses too.
"""

from __future__ import annotations

from typing import Final

SCRIPT: Final = r"""#!/usr/bin/env bash
# Writes what `driftward scan --from-export export` reads. Needs azure-cli, signed in as a Reader; only reads.
set -u
subscription=$(az account show --query id --output tsv) || exit
scope="/subscriptions/$subscription/providers"
mkdir -p export
count=0

all() {  # all TYPE COMMAND…: everything of a kind in the subscription
  count=$((count + 1)); local type=$1; shift
  az "$@" --query "{id: '$scope/$type', value: @}" --output json > "export/$count-${type##*/}.json"
}
list() {  # list ADDRESS API-VERSION: a list that belongs to one resource
  count=$((count + 1))
  az rest --method "${3:-get}" --url "$1?api-version=$2" --output json \
    --query "{id: '$1', value: value, nextLink: nextLink || skipToken}" > "export/$count-${1##*/}.json"
}
one() {  # one ADDRESS API-VERSION: a resource
  count=$((count + 1))
  az rest --method get --url "$1?api-version=$2" --output json > "export/$count-${1##*/}.json"
}

all Microsoft.DBforPostgreSQL/flexibleServers postgres flexible-server list
all Microsoft.DBforPostgreSQL/servers resource list --resource-type Microsoft.DBforPostgreSQL/servers
all Microsoft.Network/virtualNetworks network vnet list
all Microsoft.Network/networkSecurityGroups network nsg list
all Microsoft.Network/routeTables network route-table list
all Microsoft.Network/privateEndpoints network private-endpoint list
all Microsoft.Network/networkInterfaces network nic list
all Microsoft.Network/privateDnsZones network private-dns zone list
all Microsoft.Authorization/locks lock list

for server in $(az postgres flexible-server list --query "[].id" --output tsv); do
  one "$server" 2025-08-01
  list "$server/firewallRules" 2025-08-01
  list "$server/configurations" 2025-08-01
  list "$server/administrators" 2025-08-01
  one "$server/advancedThreatProtectionSettings/Default" 2025-08-01
  list "$server/providers/Microsoft.Insights/diagnosticSettings" 2021-05-01-preview
  one "$server/providers/Microsoft.ResourceHealth/availabilityStatuses/current" 2025-05-01
done
single=Microsoft.DBforPostgreSQL/servers
for server in $(az resource list --resource-type $single --query "[].id" --output tsv); do
  one "$server" 2017-12-01
  list "$server/firewallRules" 2017-12-01
  list "$server/virtualNetworkRules" 2017-12-01
  list "$server/configurations" 2017-12-01
  list "$server/administrators" 2017-12-01
  one "$server/securityAlertPolicies/Default" 2017-12-01
  list "$server/providers/Microsoft.Insights/diagnosticSettings" 2021-05-01-preview
done
for network in $(az network vnet list --query "[].id" --output tsv); do
  list "$network/listNetworkManagerEffectiveSecurityAdminRules" 2024-05-01 post
done
for endpoint in $(az network private-endpoint list --query "[].id" --output tsv); do
  list "$endpoint/privateDnsZoneGroups" 2024-05-01
done
for zone in $(az network private-dns zone list --query "[?contains(name, 'postgres')].id" --output tsv); do
  list "$zone/virtualNetworkLinks" 2024-06-01
  list "$zone/A" 2024-06-01
done
location=$(az postgres flexible-server list --query "[0].location" --output tsv)
az network list-service-tags --location "$(tr -d ' ' <<< "${location:-westeurope}")" --output json \
  > export/service-tags.json
"""
