// /account: a person's own clients and streams, and how they disconnect each of them or all; for everybody who can sign in.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import * as z from 'zod'
import { THEMSELVES, type Receipt } from '../session/contract/receipt.ts'
import { OAuthError } from '../clients/oauth-error.ts'
import { accountPage } from '../pages/account.tsx'
import { pageHeaders } from '../pages/headers.ts'
import type { Services } from '../services.ts'
import { revoke, type Revocable } from './admin/actions.ts'
import { changeConnection, signedInServers } from './account-servers.ts'
import { endPagesSession, formOf, ownFormOf, signedIn, type Visited } from './pages-session.ts'
import { shownServers } from './servers.ts'

const ending = z.discriminatedUnion('what', [
  z.object({ what: z.literal('person') }),
  z.object({ what: z.enum(['grant', 'stream']), id: z.string().min(1).max(200) }),
])

export function accountRoutes(services: Services): Hono<Visited> {
  const routes = new Hono<Visited>()
  const guard = signedIn(services)
  routes.get('/account', guard, (c) => show(c, services))
  routes.post('/account/disconnect', guard, (c) => disconnect(c, services))
  routes.post('/account/servers', guard, (c) => changeConnection(c, services))
  routes.post('/account/sign-out', guard, async (c) => {
    await formOf(c, services)
    await endPagesSession(c, services)
    return c.body(null, 303, { Location: '/', 'Cache-Control': 'no-store' })
  })
  return routes
}

async function show(c: Context<Visited>, services: Services): Promise<Response> {
  const { sub, identity, others, csrf, isAdministrator } = c.get('visitor')
  const [live, ended] = await Promise.all([services.session(sub).watch(), ownReceipt(services, sub, c.req.query('receipt'))])
  const html = accountPage({
    sub,
    name: identity.name,
    email: identity.email,
    isAdministrator,
    otherBrowsers: others,
    csrf,
    grants: live?.grants ?? [],
    servers: shownServers(services.settings),
    signedInTo: await signedInServers(services, sub),
    streams: live?.streams ?? [],
    ended,
    recording: live?.recording,
    now: services.now(),
  })
  return c.body(html, 200, pageHeaders('own'))
}

/** What the person ended themselves; anybody else's receipt is as if it were not there. */
async function ownReceipt(services: Services, sub: string, id: string | undefined): Promise<Receipt | undefined> {
  const found = id === undefined ? undefined : await services.directory().receipt(id)
  return found?.receipt.target.sub === sub ? found.receipt : undefined
}

async function disconnect(c: Context<Visited>, services: Services): Promise<Response> {
  const asked = ending.safeParse(Object.fromEntries(await ownFormOf(c, services)))
  if (!asked.success) throw new OAuthError('invalid_request', 'This form does not say what should be disconnected')
  const { sub, session } = c.get('visitor')
  const { data } = asked
  const target: Revocable = data.what === 'person' ? { what: 'person', sub } : { what: data.what, id: data.id, sub }
  const waitUntil = (work: Promise<unknown>): void => c.executionCtx.waitUntil(work)
  const receipt = await revoke(services, target, {
    actor: THEMSELVES,
    reason: 'disconnected on the account page',
    session,
    waitUntil,
  })
  const shown = receipt ? `/account?receipt=${receipt.id}` : '/account'
  return c.body(null, 303, { Location: shown, 'Cache-Control': 'no-store' })
}
