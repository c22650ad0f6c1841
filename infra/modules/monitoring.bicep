// What somebody is told of by Azure Monitor, and the workbook. The queries are over the lines that the app writes.

param location string
param token string
param tags object
param workspaceId string
param componentId string
param appName string
@description('Where it says whether it could work; empty where nobody outside reaches it.')
param health string
param storageId string
param mails string[]

// From where the app is asked: Azure has other places in each cloud.
var places = {
  AzureCloud: ['emea-nl-ams-azr', 'emea-gb-db3-azr', 'us-va-ash-azr', 'us-il-ch1-azr', 'apac-sg-sin-azr']
  AzureUSGovernment: ['usgov-va-azr', 'usgov-phx-azr', 'usgov-tx-azr']
  AzureChinaCloud: ['mc-cne-azr', 'mc-cne2-azr', 'mc-cnn-azr', 'mc-cnn2-azr']
}[environment().name]

var rules = [
  {
    name: 'no-event'
    title: 'Driftward: no event for a day'
    description: 'Event Grid has delivered nothing for a day: drift is found by the sweep alone, and late.'
    severity: 2
    query: loadTextContent('../queries/no-event.kql')
    window: 'P1D'
    frequency: 'PT1H'
    operator: 'LessThan'
    threshold: 1
  }
  {
    name: 'no-sweep'
    title: 'Driftward: no sweep for six hours'
    description: 'The sweep has not run: what no event told stays unseen.'
    severity: 2
    query: loadTextContent('../queries/no-sweep.kql')
    window: 'PT6H'
    frequency: 'PT1H'
    operator: 'LessThan'
    threshold: 1
  }
  {
    name: 'sinks'
    title: 'Driftward: a channel takes no messages'
    description: 'Messages to a channel are refused. They are tried again for a day; look at ALERT_URLS.'
    severity: 2
    query: loadTextContent('../queries/sinks.kql')
    window: 'PT30M'
    frequency: 'PT5M'
    operator: 'GreaterThan'
    threshold: 2
  }
  {
    name: 'dead-letters'
    title: 'Driftward: messages were put aside'
    description: 'Messages failed too often, or could not be followed. The container deadletters has them.'
    severity: 2
    query: loadTextContent('../queries/dead-letters.kql')
    window: 'PT30M'
    frequency: 'PT5M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'budget'
    title: 'Driftward: the budget of writes ends'
    description: 'A budget of writes is nearly spent, or spent: what drifts then waits for its revert.'
    severity: 2
    query: loadTextContent('../queries/budget.kql')
    window: 'PT30M'
    frequency: 'PT5M'
    operator: 'GreaterThan'
    threshold: 0
  }
]

// In the order of Azure Monitor's severities, from 0. Informational ones are advice, and wake nobody.
var severities = ['Critical', 'High', 'Medium', 'Low']
var openAlerts = loadTextContent('../queries/open-alerts.kql')

resource told 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-driftward-${token}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'driftward'
    emailReceivers: [for mail in mails: { name: mail, emailAddress: mail, useCommonAlertSchema: true }]
  }
}

resource ruleAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: 'driftward-${rule.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: rule.title
    description: rule.description
    enabled: true
    severity: rule.severity
    scopes: [workspaceId]
    skipQueryValidation: true
    evaluationFrequency: rule.frequency
    windowSize: rule.window
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Count'
          operator: rule.operator
          threshold: rule.threshold
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [told.id] }
  }
}]

// Split by its id, every open alert of Driftward is one of Azure Monitor, and over when it is over.
resource driftAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for (severity, i) in severities: {
  name: 'driftward-open-${toLower(severity)}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Driftward: open alert (${severity})'
    description: 'Drift, or what keeps Driftward from mending it. The alert is named; GET /api/alerts/{id} has the rest.'
    enabled: true
    severity: i
    scopes: [workspaceId]
    skipQueryValidation: true
    evaluationFrequency: 'PT5M'
    windowSize: 'PT2H'
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: replace(openAlerts, 'SEVERITY', severity)
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          dimensions: map(['alert', 'policy', 'target'], name => { name: name, operator: 'Include', values: ['*'] })
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [told.id] }
  }
}]

resource availability 'Microsoft.Insights/webtests@2022-06-15' = if (!empty(health)) {
  name: 'health-${appName}'
  location: location
  tags: union(tags, { 'hidden-link:${componentId}': 'Resource' })
  kind: 'standard'
  properties: {
    SyntheticMonitorId: 'health-${appName}'
    Name: 'Driftward: /api/health'
    Kind: 'standard'
    Enabled: true
    Frequency: 300
    Timeout: 30
    RetryEnabled: true
    Locations: [for place in places: { Id: place }]
    Request: { RequestUrl: health, HttpVerb: 'GET', ParseDependentRequests: false }
    ValidationRules: { ExpectedHttpStatusCode: 200, SSLCheck: true, SSLCertRemainingLifetimeCheck: 7 }
  }
}

resource unavailable 'Microsoft.Insights/metricAlerts@2018-03-01' = if (!empty(health)) {
  name: 'driftward-unavailable'
  location: 'global'
  tags: union(tags, { 'hidden-link:${componentId}': 'Resource', 'hidden-link:${availability.id}': 'Resource' })
  properties: {
    description: 'The app does not answer, or could not work: /api/health names the part that is wrong.'
    severity: 1
    enabled: true
    scopes: [availability.id, componentId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: availability.id
      componentId: componentId
      failedLocationCount: 2
    }
    autoMitigate: true
    actions: [{ actionGroupId: told.id }]
  }
}

// How many operations the state costs, for the workbook.
resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: last(split(storageId, '/'))
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2025-01-01' existing = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2025-01-01' existing = {
  parent: account
  name: 'default'
}

resource blobOperations 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'driftward'
  scope: blobs
  properties: { workspaceId: workspaceId, metrics: [{ category: 'Transaction', enabled: true }] }
}

resource queueOperations 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'driftward'
  scope: queues
  properties: { workspaceId: workspaceId, metrics: [{ category: 'Transaction', enabled: true }] }
}

resource tableOperations 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'driftward'
  scope: tables
  properties: { workspaceId: workspaceId, metrics: [{ category: 'Transaction', enabled: true }] }
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'driftward')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Driftward'
    category: 'workbook'
    version: 'Notebook/1.0'
    sourceId: workspaceId
    serializedData: string(loadJsonContent('../workbook.json'))
  }
}

output actionGroupId string = told.id
