// POST /backchannel-logout: the identity provider says that a person has signed out there, and everything they have here ends.
import { Hono } from 'hono/tiny'
import { IdentityError, type LoggedOut } from '../identity/provider.ts'
import { OAuthError } from '../clients/oauth-error.ts'
import { personName } from '../caller.ts'
import { log } from '../platform/telemetry.ts'
import { NOTHING_ENDED } from '../session/contract/receipt.ts'
import type { Services } from '../services.ts'
import { readForm } from './form.ts'
import type { Variables } from './guards.ts'

export function backchannelLogoutRoutes(services: Services): Hono<{ Variables: Variables }> {
  const routes = new Hono<{ Variables: Variables }>()
  routes.post('/backchannel-logout', async (c) => {
    const [token, another] = (await readForm(c)).getAll('logout_token')
    if (token === undefined || another !== undefined) throw refused('one logout_token is needed')
    const said = await verified(services, token)
    const sub = await subjectOf(services, said)
    const { jti, until } = said
    // Nobody had that session here, or it is long over: what was asked for is the case.
    const ended = sub === undefined ? NOTHING_ENDED : await services.session(sub).logOut({ jti, until })
    if (!ended) throw refused('this logout_token was used before')
    log('info', 'sign_out.told', { person: sub, grants: ended.grants, streams: ended.streams, request_id: c.get('requestId') })
    return c.body(null, 200, { 'Cache-Control': 'no-store' })
  })
  return routes
}

/** Section 2.8 of the specification: whatever is wrong with the token, the answer is 400. */
async function verified({ providers }: Services, token: string): Promise<LoggedOut> {
  try {
    return await providers.loggedOut(token)
  } catch (error) {
    if (error instanceof IdentityError && error.reason === 'invalid')
      throw refused('the logout_token is not valid here', error.detail)
    throw error
  }
}

/** The name of the object is known for a subject; for a session alone, the Directory may know whose it was. */
async function subjectOf(services: Services, { issuer, subject, session }: LoggedOut): Promise<string | undefined> {
  if (subject !== undefined) return await personName({ issuer, subject })
  return session === undefined ? undefined : await services.directory().personOfProviderSession(issuer, session)
}

function refused(message: string, reason?: string): OAuthError {
  return new OAuthError('invalid_request', message, { ...(reason !== undefined && { reason }) })
}
