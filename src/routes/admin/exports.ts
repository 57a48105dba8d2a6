// /admin/exports and /admin/api/exports: how far each sink has come, what it refuses, and the two buttons: test, and send again.
import { Hono } from 'hono/tiny'
import type { ExportState } from '../../directory/exports.ts'
import { exportsPage, type ExportsView } from '../../pages/portal/exports.tsx'
import { log } from '../../platform/telemetry.ts'
import type { Services } from '../../services.ts'
import { formOf, type Visited } from '../pages-session.ts'
import type { Administered } from './administrator.ts'
import { administrators, portal } from './portal-door.ts'
import { AdminRefusal } from './refusal.ts'
import { bodyOf, why } from './requests.ts'

const NO_STORE = { 'Cache-Control': 'no-store' }

export function exportsApi(routes: Hono<Administered>, services: Services): void {
  const { directory } = services
  routes.get('/exports', async (c) => c.json({ exports: await directory().exportStates() }, 200, NO_STORE))
  routes.post('/exports/:name/test', async (c) => {
    await bodyOf(c, why)
    const { outcome, why: because } = found(await directory().testExport(c.req.param('name')))
    return c.json({ taken: outcome === 'taken', why: because }, 200, NO_STORE)
  })
  routes.post('/exports/:name/retry', async (c) => {
    await bodyOf(c, why)
    return c.json({ left: found(await directory().retryExport(c.req.param('name'))) }, 200, NO_STORE)
  })
}

export function exportPages(services: Services): Hono<Visited> {
  const routes = new Hono<Visited>()
  const guards = administrators(services)
  const shown = async (csrf: string, notice?: ExportsView['notice']): Promise<string> => {
    const sinks: readonly ExportState[] = await services.directory().exportStates()
    return exportsPage({ sinks, notice, csrf, now: services.now() })
  }
  routes.get('/admin/exports', ...guards, async (c) => portal(c, await shown(c.get('visitor').csrf)))
  routes.post('/admin/exports', ...guards, async (c) => {
    const form = await formOf(c, services)
    const [what, sink] = [form.get('do') ?? '', form.get('sink') ?? '']
    const { csrf, sub } = c.get('visitor')
    log('info', 'admin.acted', { action: `export ${what === 'retry' ? 'retry' : 'test'}`, what: sink.slice(0, 40), actor: sub })
    return portal(c, await shown(csrf, await (what === 'retry' ? retried(services, sink) : tested(services, sink))))
  })
  return routes
}

async function tested(services: Services, sink: string): Promise<ExportsView['notice']> {
  const delivered = await services.directory().testExport(sink)
  if (!delivered) return { text: 'The settings name no such sink.', isGood: false }
  const isGood = delivered.outcome === 'taken'
  return {
    text: isGood ? `${sink} has taken the test event.` : `${sink} has not taken the test event: ${delivered.why}.`,
    isGood,
  }
}

async function retried(services: Services, sink: string): Promise<ExportsView['notice']> {
  const left = await services.directory().retryExport(sink)
  if (left === undefined) return { text: 'The settings name no such sink.', isGood: false }
  return { text: left === 0 ? `${sink} has taken all of them now.` : `${sink} still refuses ${left}.`, isGood: left === 0 }
}

function found<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new AdminRefusal('not_found', 'the settings name no such sink')
  return value
}
