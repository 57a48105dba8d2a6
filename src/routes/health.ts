// GET /health: whether this isolate has its settings; it wakes no object and asks nobody. GET /ready: whether it can serve people, too.
import { Hono } from 'hono/tiny'
import { describeError, log } from '../platform/telemetry.ts'
import type { Services } from '../services.ts'
import type { Variables } from './guards.ts'

/** Anybody may ask: Directory hears of it once in so many seconds of each isolate. */
const REMEMBERED = 2
const WITHIN_MS = 3_000

export function healthRoutes({ directory, now }: Pick<Services, 'directory' | 'now'>): Hono<{ Variables: Variables }> {
  const routes = new Hono<{ Variables: Variables }>()
  let known = { ok: false, until: 0 }
  routes.get('/health', (c) => c.json({ ok: true, service: 'mcp-session-broker' }, 200, NOT_KEPT))
  routes.get('/ready', async (c) => {
    // The keys exist, or there would be no services. Results are remembered, never promises.
    if (known.until <= now()) known = { ok: await answers(directory), until: now() + REMEMBERED }
    if (known.ok) return c.json({ ok: true }, 200, NOT_KEPT)
    return c.json({ ok: false, error: 'storage_unavailable' }, 503, { ...NOT_KEPT, 'Retry-After': String(REMEMBERED) })
  })
  return routes
}

const NOT_KEPT = { 'Cache-Control': 'no-store' }

async function answers(directory: Services['directory']): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), WITHIN_MS)
  })
  try {
    // One row that nobody has: it starts the object, and reads its storage.
    await Promise.race([directory().registration(''), late])
    return true
  } catch (error) {
    log('error', 'ready.failed', { reason: describeError(error) })
    return false
  } finally {
    clearTimeout(timer)
  }
}
