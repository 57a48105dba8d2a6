// The door of the portal: who may open its pages, and what each of them is sent with.
import type { Context, Handler, MiddlewareHandler } from 'hono'
import { pageHeaders } from '../../pages/headers.ts'
import type { Services } from '../../services.ts'
import { administratorsOnly, signedIn, type Visited } from '../pages-session.ts'
import type { Acting } from './actions.ts'

/** In this order: signed in, then an administrator; whoever is only signed in and tries is noted. */
export function administrators(services: Services): readonly [MiddlewareHandler<Visited>, MiddlewareHandler<Visited>] {
  return [
    signedIn(services),
    async function portalGuard(c, next) {
      const visitor = c.get('visitor')
      if (!visitor.isAdministrator)
        c.executionCtx.waitUntil(services.directory().noteRefusedAdministrator(visitor.sub, actorOf(c)))
      return await administratorsOnly(c, next)
    },
  ]
}

/** Adds a page that only administrators see. */
export type PortalPages = (path: string, show: Handler<Visited>) => void

export function portal(c: Context<Visited>, html: string, status: 200 | 400 = 200): Response {
  return c.body(html, status, pageHeaders('portal'))
}

/** As receipts and security events name an administrator. */
function actorOf(c: Context<Visited>): string {
  const { identity, sub } = c.get('visitor')
  return identity.email ?? identity.name ?? sub
}

export function actingIn(c: Context<Visited>, reason: string): Acting {
  return { actor: actorOf(c), reason, waitUntil: (work) => c.executionCtx.waitUntil(work) }
}
