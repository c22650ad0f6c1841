// The events of one watched subscription: its system topic with an identity, and the subscription to the app.
//
// Deployed by hooks/events.py when the app runs, once for each subscription. One system topic is allowed for a
// source: one that is there already is named by the hook, keeps what it has, and is only used.
targetScope = 'subscription'

param location string

@description('The system topic of this subscription, new or found.')
param topicName string = 'driftward-events'

@description('The resource group that the topic is in.')
param topicGroup string

@description('Whether somebody else made the topic.')
param topicExists bool = false

@description('Whether the resource group is the app\'s or another that is there already.')
param groupExists bool = true

@description('The Function App.')
param appId string

@description('The app\'s storage account.')
param storageId string

@allowed(['function', 'queue'])
param delivery string = 'function'

@description('Whom Azure Monitor tells of what could not be delivered; empty for nobody.')
param actionGroupId string = ''

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = if (!groupExists) {
  name: topicGroup
  location: location
}

module topic 'modules/system-topic.bicep' = if (!topicExists) {
  name: 'driftward-system-topic'
  scope: resourceGroup(topicGroup)
  dependsOn: [group]
  params: { name: topicName }
}

module rights 'modules/topic-rights.bicep' = {
  name: 'driftward-topic-rights-${uniqueString(subscription().id)}'
  scope: resourceGroup(split(storageId, '/')[2], split(storageId, '/')[4])
  dependsOn: [topic]
  params: {
    topicId: '${subscription().id}/resourceGroups/${topicGroup}/providers/Microsoft.EventGrid/systemTopics/${topicName}'
    storageName: last(split(storageId, '/'))
    delivery: delivery
  }
}

module subscriptionToApp 'modules/event-subscription.bicep' = {
  name: 'driftward-event-subscription'
  scope: resourceGroup(topicGroup)
  dependsOn: [rights]
  params: {
    topicName: topicName
    appId: appId
    storageId: storageId
    delivery: delivery
    actionGroupId: actionGroupId
  }
}

output eventSubscriptionId string = subscriptionToApp.outputs.id
