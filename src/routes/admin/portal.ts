// GET /admin and what lies below it: the pages on which administrators see who is connected.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import * as z from 'zod'
import { clientsPage } from '../../pages/portal/clients.tsx'
import { connectPage } from '../../pages/portal/connect.tsx'
import { eventsPage } from '../../pages/portal/events.tsx'
import { peoplePage } from '../../pages/portal/people.tsx'
import { personNow, personPage, type PersonView } from '../../pages/portal/person.tsx'
import { receiptNow, receiptPage, type ReceiptView } from '../../pages/portal/receipt.tsx'
import { receiptsPage } from '../../pages/portal/receipts.tsx'
import type { Services } from '../../services.ts'
import type { Visited } from '../pages-session.ts'
import { shownServers } from '../servers.ts'
import { administrators, portal, type PortalPages } from './portal-door.ts'
import { overviewRoutes } from './portal-overview.ts'
import { listClients, listEvents, listPeople, namesIn, showPerson } from './reading.ts'
import { ServerEras } from './server-eras.ts'

const PERSON_EVENTS = 30

export function portalRoutes(services: Services): Hono<Visited> {
  const routes = new Hono<Visited>()
  const guards = administrators(services)
  const page: PortalPages = (path, show) => void routes.get(path, ...guards, show)
  overviewRoutes(page, services)
  people(page, services)
  lists(page, services)
  receipts(page, services)
  const eras = new ServerEras(services.now)
  page('/admin/connect', async (c) => {
    const { settings, now } = services
    const said = await eras.of(settings.downstreams)
    return portal(c, connectPage({ servers: shownServers(settings), eras: said, now: now() }))
  })
  return routes
}

/** What a person types into a search or keeps in a link; what can not be read is as if it were not there. */
const query = z.object({
  search: z.string().trim().max(600).catch(''),
  after: z.string().max(600).optional().catch(undefined),
  before: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional().catch(undefined),
  type: z.string().max(40).catch(''),
  sub: z
    .string()
    .regex(/^[\w-]{43}$/)
    .catch(''),
  client: z.string().max(600).catch(''),
})

function asked(c: Context): z.output<typeof query> {
  return query.parse({ search: '', type: '', sub: '', client: '', ...c.req.query() })
}

function people(page: PortalPages, services: Services): void {
  page('/admin/people', async (c) => {
    const { search, after } = asked(c)
    const [{ items, next }, counts] = await Promise.all([listPeople(services, search, after), services.directory().counts()])
    const isFirst = after === undefined
    return portal(c, peoplePage({ search, people: items, known: counts.people, isFirst, next, now: services.now() }))
  })
  page('/admin/people/:sub', async (c) => {
    const person = await personView(services, c.req.param('sub') ?? '', PERSON_EVENTS)
    return person ? portal(c, personPage(person)) : await c.notFound()
  })
  page('/admin/people/:sub/streams', async (c) => {
    const person = await personView(services, c.req.param('sub') ?? '', 1)
    return person ? portal(c, personNow(person)) : await c.notFound()
  })
}

async function personView(services: Services, sub: string, events: number): Promise<PersonView | undefined> {
  const shown = await showPerson(services, sub, events)
  const identity = shown?.live?.identity ?? shown?.listed
  if (!shown || !identity) return undefined
  const { live, listed } = shown
  return {
    sub,
    name: identity.name,
    email: identity.email,
    groups: identity.groups,
    issuer: identity.issuer,
    subject: identity.subject,
    kind: listed?.kind ?? 'person',
    blocked: live?.blocked ?? listed?.blocked ?? false,
    lastSeenAt: live?.lastSeenAt ?? listed?.lastSeenAt ?? 0,
    grants: live?.grants ?? [],
    streams: live?.streams ?? [],
    requests: live?.requests ?? [],
    events: shown.events,
    now: services.now(),
  }
}

function lists(page: PortalPages, services: Services): void {
  page('/admin/clients', async (c) => {
    const { search, after } = asked(c)
    const { items, next } = await listClients(services, search, after)
    return portal(c, clientsPage({ search, clients: items, isFirst: after === undefined, next, now: services.now() }))
  })
  page('/admin/events', async (c) => {
    const { type, sub, client, before } = asked(c)
    const filter = { type: type || undefined, sub: sub || undefined, clientId: client || undefined, before }
    const { items: events, next } = await listEvents(services, filter)
    const names = await namesIn(services, [sub, ...events.flatMap((event) => event.sub ?? [])])
    const isFirst = before === undefined
    return portal(c, eventsPage({ filter: { type, sub, client }, events, names, isFirst, next, now: services.now() }))
  })
}

function receipts(page: PortalPages, services: Services): void {
  page('/admin/receipts', async (c) => {
    const { before } = asked(c)
    const { receipts: shown, next } = await services.directory().receipts(before)
    const names = await namesIn(
      services,
      shown.flatMap(({ target }) => target.sub ?? []),
    )
    const after = next === undefined ? undefined : String(next)
    return portal(c, receiptsPage({ receipts: shown, names, isFirst: before === undefined, next: after, now: services.now() }))
  })
  page('/admin/receipts/:id', async (c) => {
    const view = await receiptView(services, c.req.param('id') ?? '')
    return view ? portal(c, receiptPage(view)) : await c.notFound()
  })
  page('/admin/receipts/:id/signed', async (c) => {
    const signed = await services.directory().signedReceipt(c.req.param('id') ?? '')
    if (!signed) return await c.notFound()
    return c.json(signed, 200, { 'Cache-Control': 'no-store', 'Content-Disposition': 'attachment; filename="receipt.json"' })
  })
  page('/admin/receipts/:id/now', async (c) => {
    const view = await receiptView(services, c.req.param('id') ?? '')
    return view ? portal(c, receiptNow(view)) : await c.notFound()
  })
}

async function receiptView(services: Services, id: string): Promise<ReceiptView | undefined> {
  const found = await services.directory().receipt(id)
  if (!found) return undefined
  const { sub } = found.receipt.target
  const person = sub === undefined ? undefined : ((await services.directory().person(sub)) ?? { sub })
  return { ...found, person }
}
