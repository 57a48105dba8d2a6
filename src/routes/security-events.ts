// POST /security-events/NAME: a transmitter pushes a security event (RFC 8935), and what it takes away is gone before it is answered.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { sameText } from '../platform/crypto.ts'
import { log } from '../platform/telemetry.ts'
import type { StreamError } from '../session/contract/signal-stream.ts'
import type { Services } from '../services.ts'
import { readText } from './form.ts'
import type { Guarded } from './guards.ts'
import { RETRY_AFTER, takeSignal } from './signal.ts'

export const SECURITY_EVENTS_PATH = '/security-events'
const LARGEST_EVENT = 64 * 1024
const NO_STORE = { 'Cache-Control': 'no-store' }

export function securityEventRoutes(services: Services): Hono<Guarded> {
  const routes = new Hono<Guarded>()
  routes.post(`${SECURITY_EVENTS_PATH}/:name`, async (c) => await pushed(c, services))
  return routes
}

// What costs nothing comes first: who does not show the secret of the stream makes the broker neither read, nor ask, nor wake anything.
async function pushed(c: Context<Guarded>, services: Services): Promise<Response> {
  const receivedAt = Date.now()
  const name = c.req.param('name') ?? ''
  const source = services.signalSources.find(({ key }) => key === name)
  const sender = services.senders.get(name)
  const shown = c.req.header('Authorization') ?? ''
  const isShown = source?.pushSecrets.some((secret) => sameText(shown, `Bearer ${secret}`)) ?? false
  if (!sender || !isShown) return refused(c, 'authentication_failed', 'the authorization header is not that of this stream')
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/secevent+jwt') return refused(c, 'invalid_request', 'the body must be application/secevent+jwt')
  const token = (await readText(c, LARGEST_EVENT, 'a security event')).trim()
  const stream = await services.directory().signalStream(name)
  if (!stream) return refused(c, 'invalid_audience', 'there is no stream: it has to be set up first')
  const event = await sender.read(stream, token, receivedAt)
  if (event.kind === 'refused') return refused(c, event.err, event.why)
  if (event.kind === 'unknowable') return later(c, event.why)
  if (event.kind === 'signal') {
    const { outcome } = await takeSignal(c, services, event.signal)
    return outcome === 'unfinished' || outcome === 'crowded' ? later(c, outcome) : taken(c)
  }
  if (event.kind === 'nothing')
    log('info', 'signal.ignored', { provider: name, reason: event.why, request_id: c.get('requestId') })
  else if (!(await services.directory().hearOfStream(name, event)))
    return refused(c, 'invalid_state', 'nobody has asked for this verification')
  return taken(c)
}

function taken(c: Context<Guarded>): Response {
  return c.body(null, 202, NO_STORE)
}

/** RFC 8935 section 2.3: the transmitter sends it again. */
function later(c: Context<Guarded>, reason: string): Response {
  log('warn', 'signal.refused', { door: 'shared-signals', fault: 'unknowable', reason, request_id: c.get('requestId') })
  c.header('Retry-After', String(RETRY_AFTER))
  return c.json({ err: 'temporarily_unavailable', description: 'send it again in a moment' }, 503, NO_STORE)
}

function refused(c: Context<Guarded>, err: StreamError, description: string): Response {
  log('warn', 'signal.refused', { door: 'shared-signals', fault: err, reason: description, request_id: c.get('requestId') })
  return c.json({ err, description }, err === 'authentication_failed' ? 401 : 400, NO_STORE)
}
