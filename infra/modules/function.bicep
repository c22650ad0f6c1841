// The plan and the Function App: Flex Consumption on Python 3.13, or a Premium plan where there is no Flex.

param location string
param token string
param tags object
param identityId string
param isFlex bool
@description('Whether nobody outside the network reaches the app: then events come by the queue.')
param isClosed bool
@description('The subnet from which the app calls; empty for none.')
param subnetId string
@description('URL of the container with the app\'s package.')
param packages string
// secure, because the deployment's history keeps every other parameter for whoever may read the group
@secure()
param settings object

var python = '3.13'
var eventFunction = isClosed ? 'queued_events' : 'resource_events'

// The worker runs every function in threads: left to itself an instance with one core has five, and host.json gives
// each queue eight messages at a time. Two queues more are read where events come by a queue.
var ownSettings = { PYTHON_THREADPOOL_THREAD_COUNT: isClosed ? '56' : '40' }
// The first two Flex has in functionAppConfig and refuses as settings; the others have the package run as it was made,
// which Flex does in any case.
var premiumSettings = {
  FUNCTIONS_EXTENSION_VERSION: '~4'
  FUNCTIONS_WORKER_RUNTIME: 'python'
  WEBSITE_RUN_FROM_PACKAGE: '1'
  SCM_DO_BUILD_DURING_DEPLOYMENT: 'false'
  ENABLE_ORYX_BUILD: 'false'
}
var queueSettings = { EVENTS_QUEUE: 'events' }

// A plan with instances of its own and no file share: a share would need an account key.
resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-driftward-${token}'
  location: location
  tags: tags
  kind: isFlex ? 'functionapp' : 'linux'
  sku: isFlex ? { name: 'FC1', tier: 'FlexConsumption' } : { name: 'P0v3', tier: 'PremiumV3', capacity: 1 }
  properties: { reserved: true }
}

var common = {
  serverFarmId: plan.id
  httpsOnly: true
  keyVaultReferenceIdentity: identityId
  publicNetworkAccess: isClosed ? 'Disabled' : 'Enabled'
}

// An instance that is always there takes the events: the first delivery to a host that has to start fails.
var flex = {
  functionAppConfig: {
    deployment: {
      storage: {
        type: 'blobContainer'
        value: packages
        authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
      }
    }
    runtime: { name: 'python', version: python }
    scaleAndConcurrency: {
      instanceMemoryMB: 2048
      maximumInstanceCount: 40
      alwaysReady: [{ name: 'function:${eventFunction}', instanceCount: 1 }]
    }
  }
  siteConfig: { minTlsVersion: '1.2' }
}

var premium = {
  siteConfig: { alwaysOn: true, linuxFxVersion: 'Python|${python}', minTlsVersion: '1.2', ftpsState: 'Disabled' }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: 'func-driftward-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: union(common, isFlex ? flex : premium, empty(subnetId) ? {} : { virtualNetworkSubnetId: subnetId })
}

resource appSettings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: union(settings, ownSettings, isFlex ? {} : premiumSettings, isClosed ? queueSettings : {})
}

// Nobody publishes by a password.
resource passwords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = [for way in ['ftp', 'scm']: {
  parent: app
  name: way
  properties: { allow: false }
}]

output id string = app.id
output name string = app.name
output host string = app.properties.defaultHostName
