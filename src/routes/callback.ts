// GET /callback: the identity provider's answer becomes a user session, a grant and an authorization code.
import { Hono, type Context } from 'hono'
import { IdentityError } from '../identity/provider.ts'
import { answer, type Destination } from '../oauth/authorization.ts'
import { OAuthError } from '../oauth/errors.ts'
import { redirectUriIsRegistered } from '../oauth/redirect-uri.ts'
import { unsealed } from '../oauth/sealed.ts'
import { sameText, sha256 } from '../platform/crypto.ts'
import { describeError, log } from '../platform/telemetry.ts'
import type { Services } from '../services.ts'
import { loginCookie, loginSchema, returnToClient, type LoginTransaction } from './authorize.ts'
import { cookieJar } from './cookies.ts'
import type { Variables } from './guards.ts'

export function callbackRoutes(services: Services): Hono<{ Variables: Variables }> {
  const routes = new Hono<{ Variables: Variables }>()
  routes.get('/callback', (c) => finishSignIn(c, services))
  return routes
}

async function finishSignIn(c: Context, services: Services): Promise<Response> {
  const { settings } = services
  const login = await pendingLogin(c, services)
  const { asked } = login
  const to: Destination = { redirectUri: asked.redirectUri, state: asked.state }
  // What was registered when consent was given may have been withdrawn since.
  const client = await services.directory().client(asked.clientId)
  if (!client || !redirectUriIsRegistered(asked.redirectUri, client.redirectUris))
    throw new OAuthError('invalid_client', 'Client not found')
  try {
    const { identity, tokens } = await services.provider.signIn(new URL(c.req.url), {
      ...login,
      redirectUri: `${settings.baseUrl}/callback`,
    })
    // Before the grant exists: a Directory that is away must not fail a sign-in half-way.
    await services.directory().markUsed(asked.clientId)
    // Identity is issuer and subject, never the e-mail address: that one can be changed to somebody else's.
    const sub = await sha256(`${identity.issuer}\0${identity.subject}`)
    const { clientId, clientName, resource, scopes, redirectUri, codeChallenge } = asked
    const issued = await services.session(sub).signIn({
      identity,
      tokens,
      grant: { clientId, clientName, resource, scopes },
      redirectUri,
      codeChallenge,
    })
    if (issued === 'blocked') {
      log('info', 'sign_in.blocked', { client: clientId, person: sub, request_id: c.get('requestId') })
      const refusal = { error: 'access_denied', error_description: 'an administrator has blocked this person' }
      return returnToClient(c, answer(to, settings.baseUrl, refusal), asked.clientName, 'refused')
    }
    const code = await services.envelopes.code({
      sub,
      grantId: issued.grantId,
      clientId,
      jti: issued.jti,
      expiresAt: issued.expiresAt,
    })
    log('info', 'sign_in.completed', { client: clientId, person: sub, grant: issued.grantId, request_id: c.get('requestId') })
    return returnToClient(c, answer(to, settings.baseUrl, { code }), asked.clientName, 'allowed')
  } catch (error) {
    if (!(error instanceof IdentityError) || error.reason !== 'denied') throw error
    log('info', 'sign_in.denied', { client: asked.clientId, why: describeError(error), request_id: c.get('requestId') })
    const refusal = { error: 'access_denied', error_description: 'the identity provider did not sign the person in' }
    return returnToClient(c, answer(to, settings.baseUrl, refusal), asked.clientName, 'refused')
  }
}

/** The login this browser began; spent by looking at it. */
async function pendingLogin(c: Context, services: Services): Promise<LoginTransaction> {
  const state = c.req.query('state') ?? ''
  const jar = cookieJar(c, services.settings.baseUrl)
  const cookie = jar.read(loginCookie(state))
  const login = loginSchema.safeParse(await unsealed(services.keys, 'login+jwe', cookie ?? '', services.now())).data
  if (!login || !sameText(login.state, state)) {
    throw new OAuthError(
      'invalid_request',
      'Invalid or expired state: this sign-in was finished before, took too long, or was begun in another browser',
      { reason: cookie === undefined ? 'no login cookie' : 'login cookie refused' },
    )
  }
  jar.remove(loginCookie(state))
  return login
}
