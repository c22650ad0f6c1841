// What the system topic's identity may do in the app's storage: write dead letters, and messages where events come
// by the queue.

param topicId string
param storageName string
param delivery string

var blobContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe' // Storage Blob Data Contributor
var messageSender = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a' // Storage Queue Data Message Sender

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: last(split(topicId, '/'))
  scope: resourceGroup(split(topicId, '/')[2], split(topicId, '/')[4])
}

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: account
  name: 'default'
}

resource deadLetters 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: blobs
  name: 'eventgrid-deadletters'
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-01-01' existing = {
  parent: account
  name: 'default'
}

resource events 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' existing = {
  parent: queueService
  name: 'events'
}

resource mayDeadLetter 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(deadLetters.id, topicId, blobContributor)
  scope: deadLetters
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobContributor)
    principalId: topic.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

resource maySend 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (delivery == 'queue') {
  name: guid(events.id, topicId, messageSender)
  scope: events
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', messageSender)
    principalId: topic.identity.principalId
    principalType: 'ServicePrincipal'
  }
}
