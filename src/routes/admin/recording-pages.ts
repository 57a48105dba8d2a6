// /admin/people/{sub}/recording: the flight recorder as a page, with its switch.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import * as z from 'zod'
import { recordingNow, recordingPage, recordingPath, SHOWN } from '../../pages/portal/recording.tsx'
import type { Services } from '../../services.ts'
import { formOf, type Visited } from '../pages-session.ts'
import { actingIn, administrators, portal } from './portal-door.ts'
import { describedPerson } from './reading.ts'
import { latelyRecorded, startRecording, stopRecording } from './recording.ts'

const switched = z.discriminatedUnion('do', [
  z.object({ do: z.literal('stop') }),
  z.object({
    do: z.literal('start'),
    grantId: z.string().max(200),
    minutes: z.coerce.number().int().min(1).max(1_440),
    bodies: z.literal('yes').optional(),
    reason: z.string().trim().min(1).max(300),
  }),
])

export function recordingPages(services: Services): Hono<Visited> {
  const routes = new Hono<Visited>()
  const guards = administrators(services)
  routes.get('/admin/people/:sub/recording', ...guards, (c) => shown(c, services, undefined))
  routes.get('/admin/people/:sub/recording/now', ...guards, async (c) => {
    const page = await latelyRecorded(services, c.req.param('sub'), SHOWN)
    return page ? portal(c, recordingNow(page)) : await c.notFound()
  })
  routes.post('/admin/people/:sub/recording', ...guards, (c) => act(c, services))
  return routes
}

async function shown(c: Context<Visited>, services: Services, complaint: string | undefined): Promise<Response> {
  const sub = c.req.param('sub') ?? ''
  const [person, page] = await Promise.all([describedPerson(services, sub), latelyRecorded(services, sub, SHOWN)])
  if (!person || !page) return await c.notFound()
  const { name, email } = person.live?.identity ?? person.listed ?? {}
  const { csrf } = c.get('visitor')
  const view = { sub, name, email, grants: person.live?.grants ?? [], terms: page.terms, entries: page.entries, csrf, complaint }
  return portal(c, recordingPage(view), complaint === undefined ? 200 : 400)
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
    const wanted = { bodies: data.bodies === 'yes', minutes: data.minutes, ...(data.grantId !== '' && { grantId: data.grantId }) }
    if (!(await startRecording(services, sub, wanted, { actor, actorName, reason }))) return await c.notFound()
  }
  return c.body(null, 303, { Location: recordingPath(sub), 'Cache-Control': 'no-store' })
}
