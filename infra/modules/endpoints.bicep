// Private endpoints of the storage account, and of the app where nobody outside reaches it, with their zones.

param location string
param token string
param tags object
param networkId string
param subnetId string
param storageId string
@description('The app, where it has an endpoint; empty for none.')
param appId string

var storageSuffix = environment().suffixes.storage
var appZone = {
  AzureCloud: 'privatelink.azurewebsites.net'
  AzureUSGovernment: 'privatelink.azurewebsites.us'
  AzureChinaCloud: 'privatelink.chinacloudsites.cn'
}[environment().name]
var ofStorage = [for service in ['blob', 'queue', 'table']: {
  group: service
  target: storageId
  zone: 'privatelink.${service}.${storageSuffix}'
}]
var wanted = concat(ofStorage, empty(appId) ? [] : [{ group: 'sites', target: appId, zone: appZone }])

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for one in wanted: {
  name: one.zone
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (one, i) in wanted: {
  parent: zones[i]
  name: 'driftward'
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: networkId }
  }
}]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [for one in wanted: {
  name: 'pep-driftward-${one.group}-${token}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      {
        name: one.group
        properties: { privateLinkServiceId: one.target, groupIds: [one.group] }
      }
    ]
  }
}]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [for (one, i) in wanted: {
  parent: endpoints[i]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: one.group
        properties: { privateDnsZoneId: zones[i].id }
      }
    ]
  }
}]
