// Signed-in MCP clients for tests: the official SDKs of both eras, and bare tokens for requests no SDK would make.
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client'
import { auth, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { BrokerClient, REDIRECT_URI, type Tokens } from './broker-client.ts'
import { signInAs, type Browser } from './browser.ts'
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
  const authProvider = new SignedInByTest(person)
  const serverUrl = new URL(mcpUrl)
  if ((await auth(authProvider, { serverUrl })) === 'REDIRECT') {
    await auth(authProvider, { serverUrl, authorizationCode: await authProvider.code() })
  }
  const client = new LegacyClient({ name: 'legacy test client', version: '1.0.0' })
  const transport = new LegacyTransport(serverUrl, { authProvider })
  await client.connect(transport)
  return { client, transport }
}

/** A v2 client that negotiates 2026-07-28, with the given access token. */
export async function modernClientWith(accessToken: string, mcpUrl: string): Promise<ModernClient> {
  const client = new ModernClient({ name: 'modern test client', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(
    new ModernTransport(new URL(mcpUrl), { requestInit: { headers: { authorization: `Bearer ${accessToken}` } } }),
  )
  return client
}

/** What a desktop client keeps on disk, in memory; where it would open a browser, the test's own walks the sign-in. */
class SignedInByTest implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT_URI
  readonly clientMetadata = {
    client_name: 'Legacy test client',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  }
  readonly #person: PersonKey
  #client: OAuthClientInformationMixed | undefined
  #tokens: OAuthTokens | undefined
  #verifier = ''
  #link: URL | undefined

  constructor(person: PersonKey) {
    this.#person = person
  }

  async code(): Promise<string> {
    if (!this.#link) throw new Error('the client never asked to open a browser')
    const back = await signInAs(this.#person, this.#link.href, { stopAt: REDIRECT_URI })
    return back.searchParams.get('code') ?? ''
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#client
  }

  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.#client = client
  }

  tokens(): OAuthTokens | undefined {
    return this.#tokens
  }

  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens
  }

  redirectToAuthorization(link: URL): void {
    this.#link = link
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier
  }

  codeVerifier(): string {
    return this.#verifier
  }
}
