// /admin/people/{sub}/recording: the flight recorder as a page, with its switch.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import * as z from 'zod'
import { recordingNow, recordingPage, recordingPath, SHOWN } from '../../pages/portal/recording.tsx'
import type { WireView } from '../../pages/portal/wire.tsx'
import type { Services } from '../../services.ts'
import { docsOf } from '../error-docs.ts'
import { formOf, type Visited } from '../pages-session.ts'
import { actingIn, administrators, portal } from './portal-door.ts'
import { describedPerson } from './reading.ts'
import { AdminRefusal } from './refusal.ts'
import { listSealingKeys } from './sealing-key.ts'
import { latelyRecorded, startRecording, stopRecording } from './recording.ts'

const switched = z.discriminatedUnion('do', [
  z.object({ do: z.literal('stop') }),
  z.object({
    do: z.literal('start'),
    grantId: z.string().max(200),
    minutes: z.coerce.number().int().min(1).max(1_440),
    bodies: z.literal('yes').optional(),
    fingerprint: z.string().max(43).optional(),
    reason: z.string().trim().min(1).max(300),
  }),
])

export function recordingPages(services: Services): Hono<Visited> {
  const routes = new Hono<Visited>()
  const guards = administrators(services)
  routes.get('/admin/people/:sub/recording', ...guards, (c) => shown(c, services, undefined))
  routes.get('/admin/people/:sub/recording/now', ...guards, async (c) => {
    const sub = c.req.param('sub')
    const [page, live] = await Promise.all([latelyRecorded(services, sub, SHOWN), services.session(sub).describe()])
    return page ? portal(c, recordingNow(wireOf(c, page.entries, live?.grants ?? []))) : await c.notFound()
  })
  routes.post('/admin/people/:sub/recording', ...guards, (c) => act(c, services))
  return routes
}

async function shown(c: Context<Visited>, services: Services, complaint: string | undefined): Promise<Response> {
  const sub = c.req.param('sub') ?? ''
  const [person, page, keys] = await Promise.all([
    describedPerson(services, sub),
    latelyRecorded(services, sub, SHOWN),
    listSealingKeys(services),
  ])
  if (!person || !page) return await c.notFound()
  const { name, email } = person.live?.identity ?? person.listed ?? {}
  const { csrf } = c.get('visitor')
  const grants = person.live?.grants ?? []
  const current = keys.find(({ replacedAt }) => replacedAt === undefined)
  const sealingKey = current && { ...current, isReplacement: keys.length > 1 }
  const keptFor = services.settings.limits.recordingTtl
  const view = { sub, name, email, grants, terms: page.terms, sealingKey, keptFor, csrf, complaint }
  return portal(c, recordingPage({ ...view, ...wireOf(c, page.entries, grants) }), complaint === undefined ? 200 : 400)
}

const filter = z.object({
  about: z.string().max(600).catch(''),
  outcome: z.string().max(20).catch(''),
})

function wireOf(
  c: Context<Visited>,
  entries: WireView['entries'],
  grants: readonly { id: string; resource: string }[],
): WireView {
  return {
    entries,
    filter: filter.parse({ about: '', outcome: '', ...c.req.query() }),
    urls: new Map(grants.map(({ id, resource }) => [id, resource])),
    docsOf: (code) => docsOf(c, code),
  }
}

async function act(c: Context<Visited>, services: Services): Promise<Response> {
  const asked = switched.safeParse(Object.fromEntries(await formOf(c, services)))
  if (!asked.success) return await shown(c, services, 'Nothing was switched: say why, in at most 300 characters.')
  const { data } = asked
  const sub = c.req.param('sub') ?? ''
  if (data.do === 'stop') {
    const { actor, actorName, reason } = actingIn(c, 'stopped on the page of the recorder')
    await stopRecording(services, sub, { actor, actorName, reason })
  } else {
    const { actor, actorName, reason } = actingIn(c, data.reason)
    const { grantId, minutes, bodies, fingerprint } = data
    const wanted = { bodies: bodies === 'yes', minutes, fingerprint, ...(grantId !== '' && { grantId }) }
    try {
      if (!(await startRecording(services, sub, wanted, { actor, actorName, reason }))) return await c.notFound()
    } catch (error) {
      if (!(error instanceof AdminRefusal)) throw error
      return await shown(c, services, `Nothing was switched: ${error.message}.`)
    }
  }
  return c.body(null, 303, { Location: recordingPath(sub), 'Cache-Control': 'no-store' })
}
