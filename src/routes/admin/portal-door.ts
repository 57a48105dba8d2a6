// The door of the portal: who may open its pages, and what each of them is sent with.
import type { Context, Handler, MiddlewareHandler } from 'hono'
import { pageHeaders } from '../../pages/headers.ts'
import type { Services } from '../../services.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import { calledNow, signedIn, visitorOf, type Visited, type Visitor } from '../pages-session.ts'
import type { Acting } from './actions.ts'
import { vouchedFor } from './access-visitor.ts'
import { actingAs, administratorOf } from './administrator.ts'

/** In this order: signed in, or vouched for, then an administrator; whoever is only signed in and tries is noted. */
export function administrators(services: Services): readonly [MiddlewareHandler<Visited>, MiddlewareHandler<Visited>] {
  const byCookie = signedIn(services)
  return [
    async function visitorGuard(c, next) {
      const vouched = await vouchedFor(c, services)
      if (vouched === undefined) return await byCookie(c, next)
      c.set('visitor', accepted(vouched))
      return await next()
    },
    async function portalGuard(c, next) {
      if (!administratorOf(c, services, c.get('visitor')))
        throw new OAuthError('access_denied', 'This page is for administrators')
      return await next()
    },
  ]
}

/** Who looks at the portal; undefined when nobody says so. */
export async function portalVisitorOf(c: Context, services: Services): Promise<Visitor | undefined> {
  const vouched = await vouchedFor(c, services)
  return vouched === undefined ? await visitorOf(c, services) : accepted(vouched)
}

/** A request that names an assertion is judged by it alone: no cookie makes a wrong one good. */
function accepted(vouched: Visitor | 'invalid'): Visitor {
  if (vouched === 'invalid')
    throw new OAuthError('access_denied', 'Cloudflare Access does not vouch for you here: open the page through Access')
  return vouched
}

/** Adds a page that only administrators see. */
export type PortalPages = (path: string, show: Handler<Visited>) => void

export function portal(c: Context<Visited>, html: string, status: 200 | 400 = 200): Response {
  return c.body(html, status, pageHeaders('portal'))
}

export function actingIn(c: Context<Visited>, reason: string): Acting {
  const visitor = c.get('visitor')
  return actingAs(c, { actor: visitor.sub, actorName: calledNow(visitor), session: visitor.session }, reason)
}
