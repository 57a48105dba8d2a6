// Signed-in MCP clients for tests: the official SDKs of both eras, and bare tokens for requests no SDK would make.
import { createHash, randomBytes } from 'node:crypto'
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client'
import { auth, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { signInAs, type Browser } from './browser.ts'
import type { PersonKey } from './people.ts'

/** Nothing listens there: the browser made of fetch stops before it would be requested. */
const REDIRECT_URI = 'http://127.0.0.1:33418/callback'

export interface Credentials {
  readonly accessToken: string
  readonly refreshToken: string
  readonly clientId: string
  readonly expiresIn: number
}

interface TokenAnswer {
  readonly access_token: string
  readonly refresh_token: string
  readonly expires_in: number
}

/** Registers a public client, signs the person in and redeems the code, by hand: every step is one visible request. */
export async function credentialsFor(
  person: PersonKey,
  mcpUrl: string,
  { browser }: { browser?: Browser } = {},
): Promise<Credentials> {
  const issuer = new URL(mcpUrl).origin
  const clientId = await register(issuer)
  const verifier = randomBytes(32).toString('base64url')
  const link = new URL('/authorize', issuer)
  link.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    state: randomBytes(8).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    resource: mcpUrl,
  }).toString()
  const back = await signInAs(person, link.href, { ...(browser && { browser }), stopAt: REDIRECT_URI })
  const code = back.searchParams.get('code')
  if (code === null) throw new Error(`sign-in ended without a code: ${back.href}`)
  const granted = await requestToken(issuer, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: REDIRECT_URI,
    code_verifier: verifier,
    client_id: clientId,
    resource: mcpUrl,
  })
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: expiresIn } = granted
  return { accessToken, refreshToken, clientId, expiresIn }
}

async function register(issuer: string, metadata: object = {}): Promise<string> {
  const response = await fetch(`${issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Test client',
      redirect_uris: [REDIRECT_URI],
      token_endpoint_auth_method: 'none',
      ...metadata,
    }),
  })
  const { client_id: clientId }: { client_id?: string } = await response.json()
  if (clientId === undefined) throw new Error(`registration answered ${response.status}`)
  return clientId
}

async function requestToken(issuer: string, parameters: Readonly<Record<string, string>>): Promise<TokenAnswer> {
  const response = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams(parameters) })
  const text = await response.text()
  if (!response.ok) throw new Error(`the token endpoint answered ${response.status}: ${text}`)
  return JSON.parse(text)
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
