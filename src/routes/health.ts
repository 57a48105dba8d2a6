// GET /health: whether this isolate has its settings and can answer; it wakes no object and asks nobody.
import { Hono } from 'hono/tiny'
import type { Variables } from './guards.ts'

export function healthRoutes(): Hono<{ Variables: Variables }> {
  const routes = new Hono<{ Variables: Variables }>()
  routes.get('/health', (c) => c.json({ ok: true, service: 'mcp-session-broker' }, 200, { 'Cache-Control': 'no-store' }))
  return routes
}
