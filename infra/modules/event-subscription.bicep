// The event subscription: which events, to whom, how often it is tried, and where the rest goes.

param topicName string
param appId string
param storageId string
param delivery string
param actionGroupId string

// generated from the table of events; docs/events.md
var filter = loadJsonContent('../../docs/event-filter.json')
var ownIdentity = { type: 'SystemAssigned' }

var toFunction = {
  destination: {
    endpointType: 'AzureFunction'
    properties: {
      resourceId: '${appId}/functions/resource_events'
      maxEventsPerBatch: 1
      preferredBatchSizeInKilobytes: 64
    }
  }
}
var toQueue = {
  deliveryWithResourceIdentity: {
    identity: ownIdentity
    destination: {
      endpointType: 'StorageQueue'
      properties: {
        resourceId: storageId
        queueName: 'events'
        queueMessageTimeToLiveInSeconds: -1
      }
    }
  }
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource events 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'driftward'
  properties: union(delivery == 'queue' ? toQueue : toFunction, {
    eventDeliverySchema: 'EventGridSchema'
    filter: filter
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
    deadLetterWithResourceIdentity: {
      identity: ownIdentity
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: { resourceId: storageId, blobContainerName: 'eventgrid-deadletters' }
      }
    }
  })
}

// Dead letters are found by the sweep, late: somebody should look at the event subscription.
resource undelivered 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'driftward-undelivered-events'
  location: 'global'
  properties: {
    description: 'Event Grid could not deliver events to Driftward, which are dead-lettered or dropped.'
    severity: 1
    enabled: true
    scopes: [topic.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.MultipleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'undelivered'
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          metricName: 'DeadLetteredCount'
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Total'
        }
      ]
    }
    autoMitigate: true
    actions: empty(actionGroupId) ? [] : [{ actionGroupId: actionGroupId }]
  }
}

output id string = events.id
