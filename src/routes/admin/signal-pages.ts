// /admin/signals: the page on which administrators see by which doors access may be taken away, set streams up and test them.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { signalsPage, type SignalsView } from '../../pages/portal/signals.tsx'
import { log } from '../../platform/telemetry.ts'
import type { Services } from '../../services.ts'
import { titleOf } from '../../settings/downstreams.ts'
import { formOf, type Visited } from '../pages-session.ts'
import { administrators, portal } from './portal-door.ts'
import { AdminRefusal } from './refusal.ts'
import { listSignals, setUpStream, verifyServer, verifyStream } from './signals.ts'

export function signalPages(services: Services): Hono<Visited> {
  const routes = new Hono<Visited>()
  const guards = administrators(services)
  routes.get('/admin/signals', ...guards, (c) => show(c, services))
  routes.post('/admin/signals', ...guards, async (c) => {
    const form = await formOf(c, services)
    const asked = { what: form.get('do') ?? '', provider: form.get('provider') ?? '', server: form.get('server') ?? '' }
    log('info', 'admin.acted', {
      action: `signals ${asked.what}`,
      what: asked.provider || asked.server,
      actor: c.get('visitor').sub,
    })
    return await show(c, services, await done(services, asked))
  })
  return routes
}

interface SignalsForm {
  readonly what: string
  readonly provider: string
  readonly server: string
}

async function done(services: Services, { what, provider, server }: SignalsForm): Promise<SignalsView['notice']> {
  try {
    if (what === 'tell') {
      const { told, why } = await verifyServer(services, server)
      return { text: told ? 'The server has taken it.' : `The server has not taken it: it ${why}.`, isGood: told }
    }
    await (what === 'setup' ? setUpStream(services, provider) : verifyStream(services, provider))
    return { text: 'The transmitter was asked for a verification: it shows here when it has come.', isGood: true }
  } catch (error) {
    if (error instanceof AdminRefusal) return { text: error.message, isGood: false }
    throw error
  }
}

async function show(c: Context<Visited>, services: Services, notice?: SignalsView['notice']): Promise<Response> {
  const servers = services.settings.downstreams.flatMap((server) =>
    server.signals ? [{ name: server.name, title: titleOf(server), url: server.signals.url }] : [],
  )
  const { csrf } = c.get('visitor')
  return portal(c, signalsPage({ providers: await listSignals(services), servers, notice, csrf, now: services.now() }))
}
