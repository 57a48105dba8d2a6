// A login at the identity provider: what waits in a cookie while the person is away, and who it was begun for.
import type { Context } from 'hono'
import * as z from 'zod'
import { askedSchema, type AuthorizationRequest } from '../oauth/authorization.ts'
import type { IdentityProvider } from '../identity/provider.ts'
import { OAuthError } from '../clients/oauth-error.ts'
import { sealed, unsealed } from '../oauth/tokens/browser-state.ts'
import { randomId, sameText } from '../platform/crypto.ts'
import type { Services } from '../services.ts'
import { pending } from './pending.ts'

const secrets = { provider: z.string(), state: z.string(), nonce: z.string(), codeVerifier: z.string() }

const loginSchema = z.discriminatedUnion('purpose', [
  /** A client asked for access (RFC 6749 section 4.1). */
  z.object({ purpose: z.literal('client'), asked: askedSchema, ...secrets }),
  /** A person wants to see their own pages, or the portal. */
  z.object({ purpose: z.literal('pages'), returnTo: z.string().regex(/^\/(?:account|admin)(?:[/?].*)?$/), ...secrets }),
])
export type BegunLogin = Readonly<z.output<typeof loginSchema>>
export type LoginPurpose =
  | { readonly purpose: 'client'; readonly asked: AuthorizationRequest }
  | { readonly purpose: 'pages'; readonly returnTo: string }

/** Opening a page begins a login without a click; those a person has decided on are not pushed out by it. */
const WAITS_AS = { client: 'login', pages: 'visit' } as const
/** A person comes back to the beginning of the pages if the rest does not fit into a cookie. */
const LONGEST_RETURN = 500

/** The address of the identity provider to send the browser to; what comes back is only good in this browser. */
export async function beginLogin(
  c: Context,
  services: Services,
  provider: IdentityProvider,
  purpose: LoginPurpose,
): Promise<URL> {
  const { settings, keys, now } = services
  const secret = { state: randomId(24), nonce: randomId(16), codeVerifier: randomId(32) }
  const login: BegunLogin = { ...fitting(purpose), ...secret, provider: provider.key }
  const url = await provider.authorizationUrl({ ...login, redirectUri: settings.baseUrl + provider.callback })
  const transaction = await sealed(keys, 'login+jwe', login, now(), settings.limits.loginTtl)
  const waiting = pending(c, settings.baseUrl, WAITS_AS[login.purpose])
  waiting.write(login.state, transaction, now(), settings.limits.loginTtl)
  return url
}

function fitting(purpose: LoginPurpose): LoginPurpose {
  if (purpose.purpose === 'client' || purpose.returnTo.length <= LONGEST_RETURN) return purpose
  return { purpose: 'pages', returnTo: purpose.returnTo.startsWith('/admin') ? '/admin' : '/account' }
}

export interface PendingLogin {
  readonly login: BegunLogin
  readonly provider: IdentityProvider
}

/** The login this browser began, and the provider it was begun at; spent by looking at it. */
export async function pendingLogin(c: Context, services: Services): Promise<PendingLogin> {
  const state = c.req.query('state') ?? ''
  const { baseUrl } = services.settings
  const [ofClient, ofPages] = [pending(c, baseUrl, 'login'), pending(c, baseUrl, 'visit')]
  const cookie = ofClient.read(state) ?? ofPages.read(state)
  const login = loginSchema.safeParse(await unsealed(services.keys, 'login+jwe', cookie ?? '', services.now())).data
  if (!login || !sameText(login.state, state)) {
    throw new OAuthError(
      'invalid_request',
      'Invalid or expired state: this sign-in was finished before, took too long, or was begun in another browser',
      { reason: cookie === undefined ? 'no login cookie' : 'login cookie refused' },
    )
  }
  for (const waiting of [ofClient, ofPages]) waiting.remove(state)
  const provider = services.providers.named(login.provider)
  // Each provider answers at an address of its own: what another one sends here was made for that one, and its code with it (RFC 9700 section 4.4).
  if (provider?.callback !== new URL(c.req.url).pathname) {
    throw new OAuthError('invalid_request', 'The answer came from another identity provider than the one that was chosen', {
      reason: `chosen: ${login.provider}`,
    })
  }
  return { login, provider }
}
