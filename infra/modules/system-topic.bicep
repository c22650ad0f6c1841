// A system topic for what happens in this subscription. Its own identity writes dead letters: behind a firewall
// Event Grid comes in by a system-assigned one alone.

param name string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: 'global'
  identity: { type: 'SystemAssigned' }
  properties: {
    source: subscription().id
    topicType: 'Microsoft.Resources.Subscriptions'
  }
}
