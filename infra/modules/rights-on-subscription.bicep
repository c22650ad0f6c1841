// Roles for the app's identity on a whole subscription.
targetScope = 'subscription'

param principalId string
@description('Names of role definitions, which are GUIDs.')
param roles string[]

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in roles: {
  name: guid(subscription().id, principalId, role)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}]
