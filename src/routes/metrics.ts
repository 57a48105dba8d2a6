// GET /metrics: what the deployment has counted, for a machine credential with the scope `metrics` (docs/operations/observability.md).
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { looksLikeMachineToken } from '../oauth/tokens/machine-tokens.ts'
import { CONTENT_TYPES, exposition, formatFor } from '../platform/open-metrics.ts'
import { metricsResourceOf, type Services } from '../services.ts'
import { bearerToken } from './bearer-token.ts'
import { guard, onlyMethods, refuse, type Guarded } from './guards.ts'
import { machineOf } from './machine-caller.ts'

export function metricsRoutes(services: Services): Hono<Guarded> {
  return new Hono<Guarded>().use('/metrics', guard(onlyMethods(['GET', 'HEAD']))).get('/metrics', async (c) => {
    const authorization = c.req.header('Authorization')
    if (!(await machineOf(authorization, metricsResourceOf(services.settings), services)))
      return await refused(c, services, bearerToken(authorization) ?? '')
    const format = formatFor(c.req.header('Accept'))
    const text = exposition(await services.directory().metrics(), format)
    return c.body(text, 200, { 'Content-Type': CONTENT_TYPES[format], 'Cache-Control': 'no-store', Vary: 'Accept' })
  })
}

/** RFC 6750 section 3.1: a token of ours for something else lacks the scope; any other is none. */
async function refused(c: Context<Guarded>, { machines }: Services, token: string): Promise<Response> {
  if (looksLikeMachineToken(token) && (await machines.identify(token))) {
    const said = 'this machine credential is not for metrics, or not any more'
    return refuse(c, 403, 'insufficient_scope', said, {
      'www-authenticate': 'Bearer error="insufficient_scope", scope="metrics"',
    })
  }
  const error = token === '' ? '' : ' error="invalid_token",'
  const said = 'present a machine credential with the scope metrics'
  return refuse(c, 401, 'unauthorized', said, { 'www-authenticate': `Bearer${error} scope="metrics"` })
}

const ROUTES: ReadonlySet<string> = new Set([
  '.sts',
  '.well-known',
  'account',
  'admin',
  'authorize',
  'backchannel-logout',
  'callback',
  'global-token-revocation',
  'health',
  'introspect',
  'link',
  'mcp',
  'messages',
  'metrics',
  'ready',
  'register',
  'revoke',
  'scim',
  'security-events',
  'servers',
  'sse',
  'token',
])

/** The first part of the path as a label, where it is one of ours: strangers ask for anything. */
export function routeOf(url: string): string {
  const path = url.indexOf('/', url.indexOf('//') + 2)
  const [first = ''] = url.slice(path + 1).split(/[/?#]/, 1)
  if (path === -1 || first === '') return 'home'
  return ROUTES.has(first) ? first : 'other'
}
