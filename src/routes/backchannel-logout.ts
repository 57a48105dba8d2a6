// POST /backchannel-logout: the identity provider says that a person has signed out there, and everything they have here ends.
import { Hono } from 'hono/tiny'
import { IdentityError, type LoggedOut } from '../identity/provider.ts'
import { OAuthError } from '../clients/oauth-error.ts'
import { log } from '../platform/telemetry.ts'
import type { Receipt } from '../session/contract/receipt.ts'
import type { SignalSubject } from '../session/contract/signal.ts'
import type { Services } from '../services.ts'
import { readForm } from './form.ts'
import type { Variables } from './guards.ts'

/** Seconds until a provider may come again while somebody's object does not answer. */
const RETRY_AFTER = 5

export function backchannelLogoutRoutes(services: Services): Hono<{ Variables: Variables }> {
  const routes = new Hono<{ Variables: Variables }>()
  routes.post('/backchannel-logout', async (c) => {
    const receivedAt = Date.now()
    const [token, another] = (await readForm(c)).getAll('logout_token')
    if (token === undefined || another !== undefined) throw refused('one logout_token is needed')
    const said = await verified(services, token)
    const provider = services.providers.all.find((one) => one.issues(said.issuer))
    const { issuer, jti, until } = said
    const taken = await services.directory().signal({
      door: 'backchannel-logout',
      provider: provider?.key ?? '',
      providerName: provider?.name ?? issuer,
      issuer,
      jti,
      until,
      event: 'backchannel-logout',
      receivedAt,
      names: namedBy(said),
      effect: 'end',
    })
    if (taken.outcome === 'reused') throw refused('this logout_token was used before')
    if (taken.outcome === 'unfinished' || taken.outcome === 'crowded')
      throw new OAuthError('temporarily_unavailable', 'not everything has ended yet', { retryAfter: RETRY_AFTER })
    // Nobody had that session here, or it is long over: what was asked for is the case.
    for (const receipt of taken.outcome === 'done' ? taken.receipts : []) told(receipt, c.get('requestId'))
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

/** Everything of the person ends where the token names one; for a session alone, the Directory may know whose it was. */
function namedBy({ issuer, subject, session = '' }: LoggedOut): SignalSubject {
  return subject === undefined ? { what: 'session', issuer, session } : { what: 'person', issuer, subject }
}

function told({ target, grants, streams }: Receipt, requestId: string): void {
  log('info', 'sign_out.told', { person: target.sub, grants, streams, request_id: requestId })
}

function refused(message: string, reason?: string): OAuthError {
  return new OAuthError('invalid_request', message, { ...(reason !== undefined && { reason }) })
}
