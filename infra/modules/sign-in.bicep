// App Service authentication before the app: whoever asks signs in first, but for the excluded paths.
//
// The file is docs/deploy.md's as well, and is generated from the API's routes. Its authority is the public cloud's;
// here it is that of the cloud that this is deployed to.

param appName string
param clientId string

var text = loadTextContent('../../docs/sign-in/auth-settings.json')
var asked = replace(replace(text, 'CLIENT_ID', clientId), 'TENANT_ID', tenant().tenantId)
var settings = json(replace(asked, 'https://login.microsoftonline.com/', environment().authentication.loginEndpoint))

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: appName
}

resource authentication 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: settings.properties
}
