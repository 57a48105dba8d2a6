// Signed-in MCP clients for tests: the official SDKs of both eras, and bare tokens for requests no SDK would make.
import {
  auth as modernAuth,
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
  type OAuthDiscoveryState as ModernDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from '@modelcontextprotocol/client'
import { auth, type OAuthDiscoveryState } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { BrokerClient, MODERN, type Tokens } from './broker-client.ts'
import type { Browser } from './browser.ts'
import { MemoryProvider } from './memory-provider.ts'
import type { PersonKey } from './people.ts'

export interface Credentials extends Tokens {
  readonly clientId: string
}

/** Registers a public client, signs the person in and redeems the code. */
export async function credentialsFor(
  person: PersonKey,
  mcpUrl: string,
  { browser }: { browser?: Browser } = {},
): Promise<Credentials> {
  const client = await BrokerClient.register(new URL(mcpUrl).origin)
  const tokens = await client.signIn(person, { ...(browser && { browser }), changes: { resource: mcpUrl } })
  return { ...tokens, clientId: client.clientId }
}

/** An SDK v1 client that finds the authorization server, registers and signs in all by itself. */
export async function legacyClientFor(
  person: PersonKey,
  mcpUrl: string,
): Promise<{ client: LegacyClient; transport: LegacyTransport }> {
  const authProvider = new MemoryProvider<OAuthClientInformationMixed, OAuthTokens, OAuthDiscoveryState>(person)
  const serverUrl = new URL(mcpUrl)
  if ((await auth(authProvider, { serverUrl })) === 'REDIRECT') {
    await auth(authProvider, { serverUrl, authorizationCode: authProvider.code() })
  }
  const client = new LegacyClient({ name: 'legacy test client', version: '1.0.0' })
  const transport = new LegacyTransport(serverUrl, { authProvider })
  await client.connect(transport)
  return { client, transport }
}

/** An SDK v2 client that does the same, and what its sign-in was answered. */
export async function modernClientFor(
  person: PersonKey,
  mcpUrl: string,
): Promise<{ client: ModernClient; answer: URLSearchParams }> {
  const authProvider = new MemoryProvider<StoredOAuthClientInformation, StoredOAuthTokens, ModernDiscoveryState>(person)
  const serverUrl = new URL(mcpUrl)
  await modernAuth(authProvider, { serverUrl })
  const answer = authProvider.answer()
  await new ModernTransport(serverUrl, { authProvider }).finishAuth(answer)
  const client = new ModernClient({ name: 'modern test client', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(new ModernTransport(serverUrl, { authProvider }))
  return { client, answer }
}

/** A v2 client that negotiates 2026-07-28, or speaks nothing else, with the given access token. */
export async function modernClientWith(
  accessToken: string,
  mcpUrl: string,
  mode: 'auto' | 'pinned' = 'auto',
): Promise<ModernClient> {
  const versionNegotiation = { mode: mode === 'auto' ? mode : { pin: MODERN } } as const
  const client = new ModernClient({ name: 'modern test client', version: '1.0.0' }, { versionNegotiation })
  await client.connect(
    new ModernTransport(new URL(mcpUrl), { requestInit: { headers: { authorization: `Bearer ${accessToken}` } } }),
  )
  return client
}
