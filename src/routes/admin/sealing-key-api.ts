// /admin/api/sealing-key: the public half for programs, the wrapped private halves for readers, and the door by which a page brings a new one.
import type { Hono } from 'hono'
import type { Services } from '../../services.ts'
import { actingAs, logActed, type Administered } from './administrator.ts'
import { assertSignedInLately } from './recent-sign-in.ts'
import { AdminRefusal } from './refusal.ts'
import { bodyOf, newSealingKey } from './requests.ts'
import { currentSealingKey, keepSealingKey, listSealingKeys } from './sealing-key.ts'

const NO_STORE = { 'Cache-Control': 'no-store' }

export function sealingKeyApi(routes: Hono<Administered>, services: Services): void {
  routes.get('/sealing-key', async (c) => {
    const { wrapped: _, ...shown } = await currentSealingKey(services)
    return c.json(shown, 200, NO_STORE)
  })
  routes.get('/sealing-keys', async (c) => c.json({ keys: await listSealingKeys(services) }, 200, NO_STORE))
  routes.post('/sealing-key', async (c) => {
    const administrator = c.get('administrator')
    // Whoever steals a token of a machine must not be able to have everything sealed to a key of theirs.
    if (administrator.via === 'machine')
      throw new AdminRefusal('forbidden', 'a sealing key is made by a person, at /admin/sealing-key', administrator.actor)
    assertSignedInLately(administrator.signedInAt ?? 0, services.now(), administrator.actor)
    const { reason, ...made } = await bodyOf(c, newSealingKey)
    const receipt = await keepSealingKey(services, made, actingAs(c, administrator, reason))
    logActed(c, receipt)
    return c.json(receipt, 201, { ...NO_STORE, Location: `/admin/api/receipts/${receipt.id}` })
  })
}
