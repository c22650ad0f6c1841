// Driftward: the app, what it stands on, and its rights on what it watches.
//
// Deployed to a subscription by `azd provision`, or by `az deployment sub create`. Events are subscribed afterwards,
// when the app runs (events.bicep): Event Grid refuses a function that is not there yet.
// Plain resources only, and nothing that the checks of tests/infra cannot read: no modules of a registry, no
// spread, no .bicepparam.
targetScope = 'subscription'

@minLength(1)
@maxLength(32)
@description('Names what is made; several installations in one tenant differ in it.')
param environmentName string

@description('Where everything is put.')
param location string

@description('What is watched, as the setting SCOPES takes it: subscriptions and resource groups by id, separated by commas or blanks. Empty: this subscription.')
param scopes string = ''

@allowed(['audit', 'enforce'])
@description('audit writes nothing, and the app may then only read; enforce reverts.')
param enforcementMode string = 'audit'

@description('Client id of the app registration by which people and programs sign in. Empty: function keys, which read.')
param signInClientId string = ''

@allowed(['public', 'integrated', 'closed'])
@description('public: no network. integrated: the app in a network, its storage behind a firewall. closed: the app takes no calls from outside either, and events come by a queue.')
param network string = 'public'

@description('Address space of the network, of which three subnets are cut: at least a /24.')
param addressSpace string = '10.80.0.0/24'

@secure()
@description('apprise URLs separated by blanks, or a Key Vault reference to them.')
param alertUrls string = ''

@description('Mail addresses that Azure Monitor tells, separated by commas. Empty: its alerts are shown in the portal alone.')
param alertMails string = ''

@secure()
@description('Further app settings by name, such as SWEEP_SCHEDULE.')
param furtherSettings object = {}

@description('Days for which nobody, whatever their role, can change or delete the anchors of the journal.')
param journalDays int = 365

@allowed(['host', 'worker'])
@description('Who tells Application Insights what the app logs: the host, or the worker itself, with its calls to Azure.')
param telemetryOf string = 'host'

var home = subscription().id
var watched = empty(scopes) ? [home] : filter(split(replace(scopes, ' ', ','), ','), scope => !empty(scope))
var subscriptions = union(map(watched, scope => toLower(split(scope, '/')[2])), [])
var groups = filter(watched, scope => contains(toLower(scope), '/resourcegroups/'))
var enforces = enforcementMode == 'enforce'
var tags = { 'azd-env-name': environmentName }
var token = uniqueString(subscription().id, environmentName, location)

var reader = loadJsonContent('../docs/roles/reader.json')
var serverRemediator = loadJsonContent('../docs/roles/pg-remediator.json')
var networkRemediator = loadJsonContent('../docs/roles/network-remediator.json')
// the reader first: it alone is assigned while nothing is written
var roles = [reader, serverRemediator, networkRemediator]
var roleNames = map(roles, role => guid(subscription().id, environmentName, role.Name))

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

// One definition for all that is watched: a tenant takes each name of a custom role once.
resource definitions 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [for (role, i) in roles: {
  name: roleNames[i]
  properties: {
    roleName: '${role.Name} (${environmentName})'
    description: role.Description
    type: 'CustomRole'
    permissions: [{ actions: role.Actions, notActions: role.NotActions }]
    assignableScopes: map(subscriptions, id => '/subscriptions/${id}')
  }
}]

module app 'app.bicep' = {
  name: 'driftward-app'
  scope: group
  params: {
    location: location
    token: token
    tags: tags
    watched: watched
    enforcementMode: enforcementMode
    signInClientId: signInClientId
    network: network
    addressSpace: addressSpace
    alertUrls: alertUrls
    alertMails: alertMails
    furtherSettings: furtherSettings
    journalDays: journalDays
    telemetryOf: telemetryOf
  }
}

module readers 'modules/rights-on-subscription.bicep' = [for id in subscriptions: {
  name: 'driftward-rights-${uniqueString(id)}'
  scope: subscription(id)
  dependsOn: [definitions]
  params: {
    principalId: app.outputs.principalId
    // a remediator of a whole subscription only where the subscription itself is watched
    roles: enforces && contains(map(watched, scope => toLower(scope)), '/subscriptions/${id}')
      ? roleNames
      : take(roleNames, 1)
  }
}]

module remediators 'modules/rights-on-group.bicep' = [for scope in groups: if (enforces) {
  name: 'driftward-rights-${uniqueString(scope)}'
  scope: resourceGroup(split(scope, '/')[2], split(scope, '/')[4])
  dependsOn: [definitions]
  params: {
    principalId: app.outputs.principalId
    roles: skip(roleNames, 1)
  }
}]

// What the hook after the deployment, and people, ask for; azd keeps outputs in its environment.
output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output DRIFTWARD_APP_ID string = app.outputs.appId
output DRIFTWARD_APP_NAME string = app.outputs.appName
output DRIFTWARD_APP_HOST string = app.outputs.appHost
output DRIFTWARD_STORAGE_ID string = app.outputs.storageId
output DRIFTWARD_PRINCIPAL_ID string = app.outputs.principalId
output DRIFTWARD_ACTION_GROUP_ID string = app.outputs.actionGroupId
output DRIFTWARD_SUBSCRIPTIONS string = join(subscriptions, ' ')
output DRIFTWARD_DELIVERY string = app.outputs.delivery
