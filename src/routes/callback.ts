// GET /callback: the identity provider's answer becomes a user session, a grant and an authorization code.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { personName } from '../caller.ts'
import { IdentityError, type SignedIn } from '../identity/provider.ts'
import { answer, type Destination } from '../oauth/authorization.ts'
import { OAuthError } from '../clients/oauth-error.ts'
import { redirectUriIsRegistered } from '../clients/redirect-uri.ts'
import { describeError, log } from '../platform/telemetry.ts'
import type { Services } from '../services.ts'
import type { SignInRefusal } from '../session/access/tokens.ts'
import { AuthorizationResponses } from './authorization-responses.ts'
import { assertNotBlocked, returnToClient } from './authorize.ts'
import type { Variables } from './guards.ts'
import { sendToServer } from './link.ts'
import { pendingLogin, type BegunLogin } from './login.ts'
import { beginPagesSession } from './pages-session.ts'

export function callbackRoutes(services: Services): Hono<{ Variables: Variables }> {
  const routes = new Hono<{ Variables: Variables }>()
  const responses = new AuthorizationResponses(services.now)
  routes.get('/callback/*', (c) => finishSignIn(c, services, responses))
  return routes
}

async function finishSignIn(c: Context, services: Services, responses: AuthorizationResponses): Promise<Response> {
  const { login, provider } = await pendingLogin(c, services)
  await responses.assertMayBeTaken(c, services.keys, login.state)
  const signIn = (): Promise<SignedIn> => {
    const redirectUri = services.settings.baseUrl + provider.callback
    return provider.signIn(new URL(c.req.url), { ...login, redirectUri }, c.req.header('Cf-Access-Jwt-Assertion'))
  }
  return login.purpose === 'pages' ? finishForPages(c, services, login, signIn) : finishForClient(c, services, login, signIn)
}

/** A person who wants to see their own pages: no grant is opened, and no code is issued. */
async function finishForPages(
  c: Context,
  services: Services,
  login: Extract<BegunLogin, { purpose: 'pages' }>,
  signIn: () => Promise<SignedIn>,
): Promise<Response> {
  const { identity } = await signIn()
  await beginPagesSession(c, services, await personName(identity), identity)
  return c.body(null, 303, { Location: login.returnTo, 'Cache-Control': 'no-store' })
}

/** For our log, and for the person: their client is what tells them. */
const NOT_SIGNED_IN: Readonly<Record<SignInRefusal, { readonly event: string; readonly sentence: string }>> = {
  blocked: { event: 'sign_in.blocked', sentence: 'an administrator has blocked this person' },
  not_allowed: {
    event: 'sign_in.not_allowed',
    sentence: 'this server is for some people and groups only, and this account is not one of them: ask your administrator',
  },
}

async function finishForClient(
  c: Context,
  services: Services,
  login: Extract<BegunLogin, { purpose: 'client' }>,
  signIn: () => Promise<SignedIn>,
): Promise<Response> {
  const { settings } = services
  const { asked } = login
  const to: Destination = { redirectUri: asked.redirectUri, state: asked.state }
  // What was registered when consent was given may have been withdrawn since.
  const client = await services.directory().client(asked.clientId)
  if (!client || !redirectUriIsRegistered(asked.redirectUri, client.redirectUris))
    throw new OAuthError('invalid_client', 'Client not found')
  assertNotBlocked(client)
  try {
    const { identity, tokens } = await signIn()
    const sub = await personName(identity)
    const { clientId, clientName, resource, scopes, redirectUri, codeChallenge } = asked
    const issued = await services.session(sub).signIn({
      identity,
      tokens,
      grant: { clientId, clientName, resource, scopes },
      redirectUri,
      codeChallenge,
    })
    if (typeof issued === 'string') {
      const { event, sentence } = NOT_SIGNED_IN[issued]
      log('info', event, { client: clientId, person: sub, resource, request_id: c.get('requestId') })
      const refusal = { error: 'access_denied', error_description: sentence }
      return returnToClient(c, answer(to, settings.baseUrl, refusal), asked.clientName, 'refused')
    }
    const { link, ...ready } = issued
    const waits = { sub, clientId, ...ready, clientSigns: client.authMethod === 'private_key_jwt' }
    if (link) {
      const waiting = { code: waits, clientName, redirectUri, ...(asked.state !== undefined && { state: asked.state }) }
      return await sendToServer(c, services, { sub, resource, scopes: link.scopes, waiting })
    }
    const code = await services.signedTokens.code(waits)
    log('info', 'sign_in.completed', { client: clientId, person: sub, grant: issued.grantId, request_id: c.get('requestId') })
    return returnToClient(c, answer(to, settings.baseUrl, { code }), asked.clientName, 'allowed')
  } catch (error) {
    if (!(error instanceof IdentityError) || error.reason !== 'denied') throw error
    log('info', 'sign_in.denied', { client: asked.clientId, why: describeError(error), request_id: c.get('requestId') })
    const refusal = { error: 'access_denied', error_description: 'the identity provider did not sign the person in' }
    return returnToClient(c, answer(to, settings.baseUrl, refusal), asked.clientName, 'refused')
  }
}
