// The app's network: a subnet from which it calls, and one for the private endpoints of what it calls.

param location string
param token string
param tags object
param addressSpace string
param isFlex bool

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: 'vnet-driftward-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressSpace] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressSpace, 26, 0)
          // Flex runs in another service than the Premium plans, and its subnet is delegated to that
          delegations: [
            {
              name: 'app'
              properties: { serviceName: isFlex ? 'Microsoft.App/environments' : 'Microsoft.Web/serverFarms' }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressSpace, 26, 1)
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

output networkId string = network.id
output appSubnetId string = '${network.id}/subnets/app'
output endpointSubnetId string = '${network.id}/subnets/endpoints'
