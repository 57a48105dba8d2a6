// /admin/api/evidence: the chain of events and receipts with its signed head, and receipts as statements that prove themselves.
import type { Hono } from 'hono'
import * as z from 'zod'
import type { Services } from '../../services.ts'
import type { Administered } from './administrator.ts'
import { AdminRefusal } from './refusal.ts'
import { queryOf, revocation } from './requests.ts'

const number = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

export const evidenceQuery = z.object({
  after: number.default(0),
  limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
  /** Lines of other people come without what they say. */
  sub: revocation.shape.target.options[1].shape.sub.optional(),
})

const NO_STORE = { 'Cache-Control': 'no-store' }

export function evidenceApi(routes: Hono<Administered>, services: Services): void {
  const { directory, settings } = services
  routes.get('/evidence', async (c) => {
    return c.json({ issuer: settings.baseUrl, ...(await directory().evidenceHead()) }, 200, NO_STORE)
  })
  routes.get('/evidence/entries', async (c) => {
    const { after, limit, sub } = queryOf(c, evidenceQuery)
    return c.body(await directory().evidencePage(after, limit, sub), 200, { ...NO_STORE, 'Content-Type': 'application/json' })
  })
  routes.get('/receipts/:id/signed', async (c) => {
    const signed = await directory().signedReceipt(c.req.param('id'))
    if (!signed) throw new AdminRefusal('not_found', 'there is no such receipt')
    return c.json(signed, 200, NO_STORE)
  })
}
