// A login at the identity provider: what waits in a cookie while the person is away, and who it was begun for.
import type { Context } from 'hono'
import * as z from 'zod'
import { askedSchema, type Asked } from '../oauth/authorization.ts'
import type { IdentityProvider } from '../identity/provider.ts'
import { OAuthError } from '../oauth/errors.ts'
import { sealed, unsealed } from '../oauth/sealed.ts'
import { randomId, sameText } from '../platform/crypto.ts'
import type { Services } from '../services.ts'
import { cookieJar } from './cookies.ts'

const secrets = { provider: z.string(), state: z.string(), nonce: z.string(), codeVerifier: z.string() }

const loginSchema = z.discriminatedUnion('purpose', [
  /** A client asked for access (RFC 6749 section 4.1). */
  z.object({ purpose: z.literal('client'), asked: askedSchema, ...secrets }),
  /** A person wants to see their own pages, or the portal. */
  z.object({ purpose: z.literal('pages'), returnTo: z.string().regex(/^\/(?:account|admin)(?:[/?].*)?$/), ...secrets }),
])
export type Login = Readonly<z.output<typeof loginSchema>>
export type LoginPurpose =
  | { readonly purpose: 'client'; readonly asked: Asked }
  | { readonly purpose: 'pages'; readonly returnTo: string }

/** One cookie per login, so that parallel tabs do not disturb each other. */
const cookieOf = (state: string): string => `mcp_login_${state.slice(0, 8)}`

/** The address of the identity provider to send the browser to; what comes back is only good in this browser. */
export async function beginLogin(
  c: Context,
  services: Services,
  provider: IdentityProvider,
  purpose: LoginPurpose,
): Promise<URL> {
  const { settings, keys, now } = services
  const secret = { state: randomId(24), nonce: randomId(16), codeVerifier: randomId(32) }
  const login: Login = { ...purpose, ...secret, provider: provider.key }
  const url = await provider.authorizationUrl({ ...login, redirectUri: settings.baseUrl + provider.callback })
  const transaction = await sealed(keys, 'login+jwe', login, now(), settings.limits.loginTtl)
  cookieJar(c, settings.baseUrl).write(cookieOf(login.state), transaction, settings.limits.loginTtl, 'Lax')
  return url
}

export interface Pending {
  readonly login: Login
  readonly provider: IdentityProvider
}

/** The login this browser began, and the provider it was begun at; spent by looking at it. */
export async function pendingLogin(c: Context, services: Services): Promise<Pending> {
  const state = c.req.query('state') ?? ''
  const jar = cookieJar(c, services.settings.baseUrl)
  const cookie = jar.read(cookieOf(state))
  const login = loginSchema.safeParse(await unsealed(services.keys, 'login+jwe', cookie ?? '', services.now())).data
  if (!login || !sameText(login.state, state)) {
    throw new OAuthError(
      'invalid_request',
      'Invalid or expired state: this sign-in was finished before, took too long, or was begun in another browser',
      { reason: cookie === undefined ? 'no login cookie' : 'login cookie refused' },
    )
  }
  jar.remove(cookieOf(state))
  const provider = services.providers.named(login.provider)
  // Each provider answers at an address of its own: what another one sends here was made for that one, and its code with it (RFC 9700 section 4.4).
  if (provider?.callback !== new URL(c.req.url).pathname) {
    throw new OAuthError('invalid_request', 'The answer came from another identity provider than the one that was chosen', {
      reason: `chosen: ${login.provider}`,
    })
  }
  return { login, provider }
}
