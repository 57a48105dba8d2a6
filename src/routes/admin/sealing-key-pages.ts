// /admin/sealing-key: the page on which a sealing key is made and replaced. What it makes comes to the admin API, as any other page's would.
import { Hono } from 'hono/tiny'
import { sealingKeyPage } from '../../pages/portal/sealing-key.tsx'
import type { Services } from '../../services.ts'
import type { Visited } from '../pages-session.ts'
import { administrators, portal } from './portal-door.ts'
import { listSealingKeys } from './sealing-key.ts'

export function sealingKeyPages(services: Services): Hono<Visited> {
  const routes = new Hono<Visited>()
  routes.get('/admin/sealing-key', ...administrators(services), async (c) => {
    const { csrf } = c.get('visitor')
    return portal(c, sealingKeyPage({ keys: await listSealingKeys(services), broker: services.settings.baseUrl, csrf }))
  })
  return routes
}
