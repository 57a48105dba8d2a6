// /admin/api: what administrators see and do, as JSON; documented by itself at /admin/api/openapi.json.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import type { Receipt } from '../../session/contract/receipt.ts'
import { log } from '../../platform/telemetry.ts'
import type { Services } from '../../services.ts'
import { revoke, setClientBlocked, setPersonBlocked, type Acting } from './actions.ts'
import { actingAs, adminApiOnly, logActed, type Administered } from './administrator.ts'
import { exportsApi } from './exports.ts'
import { evidenceApi } from './evidence-api.ts'
import { exported, EXPORT_HEADERS, type ExportFormat } from './export.ts'
import { createMachine, listMachines } from './machines.ts'
import { listClients, listEvents, listPeople, showPerson } from './reading.ts'
import { recordingApi } from './recording-api.ts'
import { AdminRefusal } from './refusal.ts'
import { sealingKeyApi } from './sealing-key-api.ts'
import { docsOf } from '../error-docs.ts'
import { listSignals, setUpStream, verifyServer, verifyStream } from './signals.ts'
import { bodyOf, eventsQuery, newMachine, newStream, numberedQuery, pageQuery, queryOf, revocation, why } from './requests.ts'
import { guard, onlyMethods } from '../guards.ts'

const NO_STORE = { 'Cache-Control': 'no-store' }

/** Mounted at /admin/api. */
export function adminApiRoutes(services: Services): Hono<Administered> {
  const routes = new Hono<Administered>()
  routes.onError((error, c) => {
    if (error instanceof AdminRefusal) return refused(c, error)
    // Everything else is said as it is everywhere: by app.ts.
    throw error
  })
  routes.use(guard(onlyMethods(['GET', 'HEAD', 'POST'])))
  routes.use(adminApiOnly(services))
  reading(routes, services)
  acting(routes, services)
  recordingApi(routes, services)
  sealingKeyApi(routes, services)
  evidenceApi(routes, services)
  exportsApi(routes, services)
  routes.all('*', () => {
    throw new AdminRefusal('not_found', 'the admin API has nothing at this address: see /admin/api/openapi.json')
  })
  return routes
}

function reading(routes: Hono<Administered>, services: Services): void {
  const directory = services.directory
  routes.get('/openapi.json', async () => {
    const { body } = await services.assets.fetch('https://assets.invalid/openapi.json')
    return new Response(body, { headers: { ...NO_STORE, 'Content-Type': 'application/json' } })
  })
  routes.get('/session', (c) => {
    const { actor, actorName, via, csrf } = c.get('administrator')
    return c.json({ actor, actorName, via, csrf }, 200, NO_STORE)
  })
  routes.get('/overview', async (c) => c.json(await directory().busyness(), 200, NO_STORE))
  routes.get('/people', async (c) => {
    const { search, after } = queryOf(c, pageQuery)
    const { items, next } = await listPeople(services, search, after)
    return c.json({ people: items, next }, 200, NO_STORE)
  })
  routes.get('/people/:sub', async (c) => {
    return c.json(found(await showPerson(services, c.req.param('sub')), 'person'), 200, NO_STORE)
  })
  routes.get('/clients', async (c) => {
    const { search, after } = queryOf(c, pageQuery)
    const { items, next } = await listClients(services, search, after)
    return c.json({ clients: items, next }, 200, NO_STORE)
  })
  routes.get('/machines', async (c) => {
    const { items, next } = await listMachines(services, queryOf(c, numberedQuery).before)
    return c.json({ machines: items, next }, 200, NO_STORE)
  })
  routes.get('/events', async (c) => {
    const { client, limit, format, ...asked } = queryOf(c, eventsQuery)
    const filter = { ...asked, clientId: client }
    const file = format ?? asFile(c.req.header('Accept') ?? '')
    if (file === 'jsonl' || file === 'csv')
      return c.body(exported(services, filter, file, limit), 200, { ...NO_STORE, ...EXPORT_HEADERS[file] })
    const { items, next } = await listEvents(services, { ...filter, most: limit })
    return c.json({ events: items, next }, 200, NO_STORE)
  })
  routes.get('/receipts', async (c) => c.json(await directory().receipts(queryOf(c, numberedQuery).before), 200, NO_STORE))
  routes.get('/signals', async (c) => c.json({ providers: await listSignals(services) }, 200, NO_STORE))
  routes.get('/receipts/:id', async (c) => c.json(found(await directory().receipt(c.req.param('id')), 'receipt'), 200, NO_STORE))
}

function acting(routes: Hono<Administered>, services: Services): void {
  routes.post('/revocations', async (c) => {
    const { target, reason } = await bodyOf(c, revocation)
    return receipted(c, found(await revoke(services, target, by(c, reason)), 'person'))
  })
  for (const [path, blocked] of [
    ['block', true],
    ['unblock', false],
  ] as const) {
    routes.post(`/people/:sub/${path}`, async (c) => {
      const { reason } = await bodyOf(c, why)
      return receipted(c, found(await setPersonBlocked(services, c.req.param('sub'), blocked, by(c, reason)), 'person'))
    })
    routes.post(`/clients/:id/${path}`, async (c) => {
      const { reason } = await bodyOf(c, why)
      const receipt = await setClientBlocked(services, c.req.param('id'), blocked, by(c, reason))
      return receipted(c, found(receipt, blocked ? 'client' : 'blocked client'))
    })
  }
  routes.post('/signals/:provider/stream', async (c) => {
    const { token } = await bodyOf(c, newStream)
    return c.json(await setUpStream(services, c.req.param('provider'), token), 201, NO_STORE)
  })
  routes.post('/signals/:provider/verify', async (c) => {
    await bodyOf(c, why)
    return c.json(await verifyStream(services, c.req.param('provider')), 200, NO_STORE)
  })
  routes.post('/servers/:name/verify', async (c) => {
    await bodyOf(c, why)
    return c.json(await verifyServer(services, c.req.param('name')), 200, NO_STORE)
  })
  routes.post('/machines', async (c) => {
    const { reason, ...asked } = await bodyOf(c, newMachine)
    return c.json(await createMachine(services, asked, by(c, reason)), 201, NO_STORE)
  })
}

function by(c: Context<Administered>, reason: string): Acting {
  return actingAs(c, c.get('administrator'), reason)
}

/** 202 while some of the people are still being asked: the receipt at the address tells when all have answered. */
function receipted(c: Context<Administered>, receipt: Receipt): Response {
  logActed(c, receipt)
  return c.json(receipt, receipt.state === 'done' ? 200 : 202, { ...NO_STORE, Location: `/admin/api/receipts/${receipt.id}` })
}

function found<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new AdminRefusal('not_found', `there is no such ${what}`)
  return value
}

function asFile(accept: string): ExportFormat | undefined {
  if (accept.includes('application/x-ndjson')) return 'jsonl'
  return accept.includes('text/csv') ? 'csv' : undefined
}

function refused(c: Context<Administered>, { code, status, message, actor }: AdminRefusal): Response {
  const request_id: string = c.get('requestId')
  log('warn', 'admin.refused', { code, status, actor, method: c.req.method, path: new URL(c.req.url).pathname, request_id })
  if (status === 401) c.header('WWW-Authenticate', 'Bearer realm="mcp-session-broker admin"')
  return c.json({ error: code, error_description: message, error_uri: docsOf(c, code), request_id }, status, NO_STORE)
}
