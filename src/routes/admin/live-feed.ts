// GET /admin/live: the upgrade to the portal's live feed, decided here before the Directory is touched by it.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { UNTIL_HEADER, VISITOR_HEADER } from '../../directory/live-terms.ts'
import { OAuthError } from '../../clients/oauth-error.ts'
import type { Services } from '../../services.ts'
import type { Variables } from '../guards.ts'
import { isSocketOfOurPage } from '../request-source.ts'
import { portalVisitorOf } from './portal-door.ts'

export function liveFeedRoutes(services: Services): Hono<{ Variables: Variables }> {
  const routes = new Hono<{ Variables: Variables }>()
  routes.get('/admin/live', (c) => upgrade(c, services))
  return routes
}

async function upgrade(c: Context, services: Services): Promise<Response> {
  if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket')
    throw new OAuthError('invalid_request', 'This address is for the pages of the portal, which open a WebSocket')
  if (!isSocketOfOurPage(c, services.settings.baseUrl))
    throw new OAuthError('access_denied', 'Only the pages of this site may listen here')
  const visitor = await portalVisitorOf(c, services)
  if (!visitor?.isAdministrator) throw new OAuthError('access_denied', 'This is for administrators')
  // From an allow-list: nothing the client sent reaches the object.
  const headers = {
    Upgrade: 'websocket',
    [VISITOR_HEADER]: visitor.sub,
    [UNTIL_HEADER]: String(visitor.until),
  }
  const answer = await services.directory().fetch('https://directory/live', { headers })
  return new Response(null, { status: answer.status, webSocket: answer.webSocket })
}
