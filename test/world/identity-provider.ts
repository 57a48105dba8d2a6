// A real OpenID provider with three demo people: discovery, PKCE, rotating refresh tokens, and a sign-in page instead of passwords.
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT, type JWK, type JWTPayload } from 'jose'
import { interactionPolicy, Provider, type Account, type Configuration, type Context } from 'oidc-provider'
import { endpointOf, IdentityProviderControl } from './identity-provider-control.ts'
import { IdentityProviderStore } from './identity-provider-store.ts'
import { close, listen } from './listening.ts'
import { isPersonKey } from './people.ts'
import { problemPage, signInPage } from './sign-in-page.ts'

export interface IdentityProviderOptions {
  readonly port?: number
  readonly clientId: string
  readonly clientSecret: string
  /** Any loopback URI is accepted besides these: a demo client listens on whatever port was free. */
  readonly redirectUris: readonly string[]
  /** The name the sign-in page shows. */
  readonly clientName?: string
  readonly clientAuth?: 'client_secret_basic' | 'client_secret_post'
  /** Where it tells the client that somebody has signed out (OpenID Connect Back-Channel Logout). */
  readonly backchannelLogoutUri?: string
  /** False: a refresh token may be used again. One that rotates takes what a crash has cut off for a replay, and ends the session. */
  readonly rotates?: boolean
  /** With a folder, people stay signed in when the identity provider restarts. */
  readonly dataDir?: string
}

export interface IdentityProvider {
  readonly issuer: string
  readonly url: string
  readonly control: IdentityProviderControl
  /** A token of exactly these claims, signed with the key in use. */
  signLogoutToken(claims: JWTPayload, typ?: string): Promise<string>
  close(): Promise<void>
}

export async function startIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const store = new IdentityProviderStore(options.dataDir)
  let keys = await rememberedKeys(store)
  let provider: Provider
  let handle: ReturnType<Provider['callback']>

  const control = new IdentityProviderControl(async ({ keepOld = true } = {}) => {
    keys = [await newKey(), ...(keepOld ? keys : [])]
    store.keepSecret('jwks', JSON.stringify(keys))
    build()
  })

  const server = createServer((req, res) => {
    answer(req, res).catch((error: unknown) => {
      if (res.headersSent) res.destroy()
      else
        html(res, 400, problemPage('This sign-in cannot go on', error instanceof Error ? error.message : 'Please start again.'))
    })
  })
  const port = await listen(server, options.port ?? 0)
  // Not `localhost`: browsers share cookies among all ports of one host, and this host is not the broker's.
  const issuer = `http://127.0.0.1:${port}`
  build()

  // The provider reads its keys once, so new keys mean a new provider over the same store.
  function build(): void {
    provider = new Provider(issuer, configuration(options, store, keys, control))
    const isRegistered = provider.Client.prototype.redirectUriAllowed
    provider.Client.prototype.redirectUriAllowed = function redirectUriAllowed(uri: string): boolean {
      return isLoopback(uri) || isRegistered.call(this, uri)
    }
    handle = provider.callback()
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const endpoint = endpointOf(req)
    if (!(await control.admits(endpoint, res))) return
    if (endpoint === 'signIn') await signIn(req, res)
    else await handle(req, res)
  }

  async function signIn(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { prompt, params, uid } = await provider.interactionDetails(req, res)
    const finish = (result: object): Promise<void> =>
      provider.interactionFinished(req, res, result, { mergeWithLastSubmission: true })
    // A company trusts its own applications: nobody is asked for consent here, the broker asks.
    if (prompt.name === 'consent') return await finish({ consent: {} })
    if (req.method !== 'POST')
      return html(res, 200, signInPage(options.clientName ?? params['client_id'] ?? '', `/sign-in/${uid}`))
    const form = new URLSearchParams(await bodyOf(req))
    const key = form.get('person') ?? ''
    const person = isPersonKey(key) ? control.person(key) : undefined
    if (person) return await finish({ login: { accountId: person.sub }, select_account: {} })
    const description = form.has('cancel') ? 'the person cancelled' : 'nobody of that name may sign in'
    await finish({ error: 'access_denied', error_description: description })
  }

  return {
    issuer,
    url: issuer,
    control,
    signLogoutToken: async (claims, typ = 'logout+jwt') => await signToken(keys, claims, typ),
    close: async () => {
      await close(server)
      store.close()
    },
  }
}

function configuration(
  {
    clientId,
    clientSecret,
    redirectUris,
    clientAuth = 'client_secret_basic',
    rotates = true,
    backchannelLogoutUri,
  }: IdentityProviderOptions,
  store: IdentityProviderStore,
  keys: readonly JWK[],
  control: IdentityProviderControl,
): Configuration {
  return {
    adapter: store.adapter,
    jwks: { keys },
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: redirectUris,
        grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
        response_types: ['code'],
        token_endpoint_auth_method: clientAuth,
        ...(backchannelLogoutUri !== undefined && {
          backchannel_logout_uri: backchannelLogoutUri,
          backchannel_logout_session_required: true,
        }),
      },
    ],
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    // Claims of the scopes go into the ID token too, as most companies' providers do.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    routes: { authorization: '/authorize', token: '/token', userinfo: '/userinfo', jwks: '/jwks', revocation: '/revoke' },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      backchannelLogout: { enabled: true },
      clientCredentials: { enabled: true },
    },
    // Its own way out refuses loopback addresses, where everything here is.
    fetch: async (url: string, options: RequestInit) => await fetch(url, Object.assign(options, { dispatcher: undefined })),
    cookies: {
      keys: [secretOf(store, 'cookie key')],
      names: { session: 'demo_idp_session', interaction: 'demo_idp_interaction', resume: 'demo_idp_resume' },
    },
    interactions: { url: (_: Context, { uid }: { uid: string }) => `/sign-in/${uid}`, policy: askEveryTime() },
    findAccount: (_: Context, sub: string): Account | undefined => {
      const person = control.personBySub(sub)
      if (!person) return undefined
      const { email, name, groups } = person
      return { accountId: sub, claims: () => ({ sub, email, email_verified: true, name, groups }) }
    },
    loadExistingGrant: async ({ oidc }: Context) => {
      const grant = new oidc.provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId })
      grant.addOIDCScope(oidc.params['scope'] ?? 'openid')
      await grant.save()
      return grant
    },
    issueRefreshToken: () => true,
    rotateRefreshToken: rotates,
    clientBasedCORS: () => false,
    renderError: (ctx: Context, out: { error: string; error_description?: string }) => {
      ctx.type = 'html'
      ctx.body = problemPage('This sign-in cannot go on', out.error_description ?? out.error)
    },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      ClientCredentials: 600,
      Grant: 30 * 86_400,
      IdToken: 600,
      Interaction: 600,
      RefreshToken: 30 * 86_400,
      Session: 86_400,
    },
  }
}

/** Somebody trying the demo wants to be Alice now and Carol a minute later, so a running session never answers for them. */
function askEveryTime(): ReturnType<typeof interactionPolicy.base> {
  const policy = interactionPolicy.base()
  policy
    .get('login')
    .checks.add(new interactionPolicy.Check('ask_every_time', 'this demo always asks', ({ oidc }) => !oidc.result?.login))
  policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0)
  return policy
}

async function rememberedKeys(store: IdentityProviderStore): Promise<JWK[]> {
  const remembered = store.secret('jwks')
  if (remembered) return JSON.parse(remembered)
  const keys = [await newKey()]
  store.keepSecret('jwks', JSON.stringify(keys))
  return keys
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: (await calculateJwkThumbprint(jwk)).slice(0, 12), use: 'sig', alg: 'RS256' }
}

async function signToken([key]: readonly JWK[], claims: JWTPayload, typ: string): Promise<string> {
  if (!key) throw new Error('there is no key to sign with')
  const header = { alg: 'RS256', typ, kid: key.kid ?? '' }
  return await new SignJWT(claims).setProtectedHeader(header).sign(await importJWK(key, 'RS256'))
}

function secretOf(store: IdentityProviderStore, name: string): string {
  const secret = store.secret(name) ?? randomBytes(32).toString('base64url')
  store.keepSecret(name, secret)
  return secret
}

function isLoopback(uri: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(URL.parse(uri)?.hostname ?? '')
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function html(res: ServerResponse, status: number, page: string): void {
  const policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
  res
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': policy,
    })
    .end(page)
}
