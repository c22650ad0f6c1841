// The app with its identity, storage, telemetry, topic and monitoring, in one resource group.

param location string
param token string
param tags object
param watched string[]
param enforcementMode string
param signInClientId string
param network string
param addressSpace string
@secure()
param alertUrls string
param alertMails string
@secure()
param furtherSettings object
param journalDays int
param telemetryOf string

// Flex Consumption is in the public cloud alone; elsewhere the plan is a Premium one.
var cloud = { AzureCloud: 'public', AzureUSGovernment: 'usgovernment', AzureChinaCloud: 'china' }[environment().name]
var isFlex = cloud == 'public'
var isPrivate = network != 'public'
var isClosed = network == 'closed'
// A worker that tells Application Insights itself has the host pass on none of its lines; of what else is logged in it,
// the exporter's own requests among them, it tells nothing.
var workerSettings = {
  PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
  PYTHON_APPLICATIONINSIGHTS_LOGGER_NAME: 'driftward'
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-driftward-${token}'
  location: location
  tags: tags
}

module places 'modules/network.bicep' = if (isPrivate) {
  name: 'driftward-network'
  params: { location: location, token: token, tags: tags, addressSpace: addressSpace, isFlex: isFlex }
}

module storage 'modules/storage.bicep' = {
  name: 'driftward-storage'
  params: {
    location: location
    name: 'st${token}'
    tags: tags
    principalId: identity.properties.principalId
    isPrivate: isPrivate
    withEventQueue: isClosed
    journalDays: journalDays
  }
}

module telemetry 'modules/telemetry.bicep' = {
  name: 'driftward-telemetry'
  params: { location: location, token: token, tags: tags, principalId: identity.properties.principalId }
}

module topic 'modules/topic.bicep' = {
  name: 'driftward-topic'
  params: { location: location, token: token, tags: tags, principalId: identity.properties.principalId }
}

module function 'modules/function.bicep' = {
  name: 'driftward-function'
  params: {
    location: location
    token: token
    tags: tags
    identityId: identity.id
    isFlex: isFlex
    isClosed: isClosed
    subnetId: isPrivate ? places!.outputs.appSubnetId : ''
    packages: '${storage.outputs.blobEndpoint}${storage.outputs.packages}'
    settings: union(furtherSettings, telemetryOf == 'worker' ? workerSettings : {}, {
      AZURE_CLIENT_ID: identity.properties.clientId
      CLOUD: cloud
      ENFORCEMENT_MODE: enforcementMode
      SCOPES: join(watched, ',')
      ALERT_TOPIC_ENDPOINT: topic.outputs.endpoint
      ALERT_URLS: alertUrls
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.properties.clientId
      AzureWebJobsStorage__blobServiceUri: storage.outputs.blobEndpoint
      AzureWebJobsStorage__queueServiceUri: storage.outputs.queueEndpoint
      AzureWebJobsStorage__tableServiceUri: storage.outputs.tableEndpoint
      APPLICATIONINSIGHTS_CONNECTION_STRING: telemetry.outputs.connectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
      // host.json's telemetryMode by a setting: where there is no Application Insights, there is no such host either
      AzureFunctionsJobHost__telemetryMode: 'OpenTelemetry'
    })
  }
}

module endpoints 'modules/endpoints.bicep' = if (isPrivate) {
  name: 'driftward-endpoints'
  params: {
    location: location
    token: token
    tags: tags
    networkId: places!.outputs.networkId
    subnetId: places!.outputs.endpointSubnetId
    storageId: storage.outputs.id
    appId: isClosed ? function.outputs.id : ''
  }
}

module signIn 'modules/sign-in.bicep' = if (!empty(signInClientId)) {
  name: 'driftward-sign-in'
  params: { appName: function.outputs.name, clientId: signInClientId }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'driftward-monitoring'
  params: {
    location: location
    token: token
    tags: tags
    workspaceId: telemetry.outputs.workspaceId
    componentId: telemetry.outputs.componentId
    appName: function.outputs.name
    storageId: storage.outputs.id
    health: isClosed ? '' : 'https://${function.outputs.host}/api/health'
    mails: filter(split(replace(alertMails, ' ', ''), ','), mail => !empty(mail))
  }
}

output appId string = function.outputs.id
output appName string = function.outputs.name
output appHost string = function.outputs.host
output storageId string = storage.outputs.id
output principalId string = identity.properties.principalId
output actionGroupId string = monitoring.outputs.actionGroupId
output delivery string = isClosed ? 'queue' : 'function'
