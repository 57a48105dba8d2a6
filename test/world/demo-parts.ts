// What the demo is made of besides the broker: its sign-in, and the variables that name its sign-in and its example server.
import { EXAMPLE_ENCRYPTION_KEY } from '../../src/settings/settings.ts'
import { startIdentityProvider, type IdentityProvider, type IdentityProviderOptions } from './identity-provider.ts'
import { PEOPLE } from './people.ts'

const CLIENT_ID = 'mcp-session-broker'
const CLIENT_SECRET = 'demo-secret'

export async function startDemoProvider(
  brokerUrl: string,
  options: Pick<IdentityProviderOptions, 'port' | 'rotates' | 'dataDir'> & { readonly clientSecret?: string },
): Promise<IdentityProvider> {
  return await startIdentityProvider({
    clientSecret: CLIENT_SECRET,
    ...options,
    clientId: CLIENT_ID,
    redirectUris: [`${brokerUrl}/callback`],
    clientName: 'MCP Session Broker',
    backchannelLogoutUri: `${brokerUrl}/backchannel-logout`,
  })
}

export function demoVars(brokerUrl: string, issuer: string, downstreamUrl: string): Record<string, string> {
  return { ...brokerVars(brokerUrl), ...signInVars(issuer), DOWNSTREAM_MCP_URL: downstreamUrl }
}

/** The key is an example everybody knows: `DEMO` permits it, on localhost only. */
export function brokerVars(brokerUrl: string): Record<string, string> {
  return { BASE_URL: brokerUrl, ENCRYPTION_KEY: EXAMPLE_ENCRYPTION_KEY, DEMO: '1' }
}

/** Who signs in, and who of them is an administrator. */
export function signInVars(issuer: string): Record<string, string> {
  return {
    OAUTH_AUTHORIZE_URL: issuer,
    OAUTH_CLIENT_ID: CLIENT_ID,
    OAUTH_CLIENT_SECRET: CLIENT_SECRET,
    SCOPES_SUPPORTED: 'openid profile email groups offline_access',
    ADMIN_EMAILS: PEOPLE.carol.email,
  }
}
