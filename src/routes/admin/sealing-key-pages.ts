// /admin/sealing-key: the page on which a sealing key is made and replaced. What it makes comes to the admin API, as any other page's would.
import { Hono } from 'hono/tiny'
import { sealingKeyPage } from '../../pages/portal/sealing-key.tsx'
import type { Services } from '../../services.ts'
import { sentToSignIn, type Visited } from '../pages-session.ts'
import { administrators, portal } from './portal-door.ts'
import { hasJustSignedIn } from './recent-sign-in.ts'
import { listSealingKeys } from './sealing-key.ts'

/** Access asks only whom it has forgotten. */
const SIGN_IN_AT = { cookie: '/admin/sealing-key/sign-in', access: '/cdn-cgi/access/logout' } as const

export function sealingKeyPages(services: Services): Hono<Visited> {
  const routes = new Hono<Visited>()
  routes.get('/admin/sealing-key', ...administrators(services), async (c) => {
    const { csrf, signedInAt, via } = c.get('visitor')
    const signInAt = hasJustSignedIn(signedInAt, services.now()) ? undefined : SIGN_IN_AT[via]
    const keys = await listSealingKeys(services)
    return portal(c, sealingKeyPage({ keys, broker: services.settings.baseUrl, csrf, signInAt }))
  })
  routes.get('/admin/sealing-key/sign-in', ...administrators(services), (c) => sentToSignIn(c, services, '/admin/sealing-key'))
  return routes
}
