// /admin/machines: the list of machine credentials, and the form that makes one and shows its token once.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import * as z from 'zod'
import { OAuthError } from '../../clients/oauth-error.ts'
import { LIFETIMES, machinesPage, newTokenPage } from '../../pages/portal/machines.tsx'
import type { Services } from '../../services.ts'
import { formOf, type Visited } from '../pages-session.ts'
import { createMachine, listMachines, wantsPerson } from './machines.ts'
import { actingIn, administrators, portal } from './portal-door.ts'
import { newMachine } from './requests.ts'

const DAY = 86_400
const beforeNumber = z.coerce.number().int().min(1).optional().catch(undefined)

export function machinePages(services: Services): Hono<Visited> {
  const routes = new Hono<Visited>()
  const guards = administrators(services)
  routes.get('/admin/machines', ...guards, (c) => list(c, services))
  routes.post('/admin/machines', ...guards, (c) => create(c, services))
  return routes
}

async function list(c: Context<Visited>, services: Services, complaint?: string): Promise<Response> {
  const before = beforeNumber.parse(c.req.query('before'))
  const { items, next } = await listMachines(services, before)
  const resources = services.settings.downstreams.filter((downstream) => !wantsPerson(downstream)).map(({ resource }) => resource)
  const { csrf } = c.get('visitor')
  const directories = services.providers.all.map(({ key, name }) => ({ key, name }))
  const view = {
    machines: items,
    isFirst: before === undefined,
    next,
    resources,
    directories,
    csrf,
    complaint,
    now: services.now(),
  }
  return portal(c, machinesPage(view), complaint === undefined ? 200 : 400)
}

async function create(c: Context<Visited>, services: Services): Promise<Response> {
  const form = await formOf(c, services)
  const resources = form.getAll('resource')
  const [provider, another] = form.getAll('scim')
  if (another !== undefined)
    return await list(c, services, 'Nothing was created: a credential is for the directory of one identity provider.')
  const days = LIFETIMES.find(([known]) => String(known) === form.get('days'))?.[0]
  const asked = newMachine.safeParse({
    name: form.get('name'),
    owner: form.get('owner'),
    scopes: [
      ...(resources.length > 0 ? ['mcp'] : []),
      ...(form.get('admin') === 'yes' ? ['admin'] : []),
      ...(provider === undefined ? [] : ['scim']),
      ...(form.get('metrics') === 'yes' ? ['metrics'] : []),
    ],
    ...(provider !== undefined && { provider }),
    ...(resources.length > 0 && { resources }),
    expiresAt: days === undefined ? undefined : services.now() + days * DAY,
    reason: form.get('reason'),
  })
  if (!asked.success)
    return await list(c, services, 'Nothing was created: give it a name, an owner and a reason, and say what it may use.')
  try {
    const { reason, ...wanted } = asked.data
    const { machine, token, receipt } = await createMachine(services, wanted, actingIn(c, reason))
    return portal(c, newTokenPage({ name: machine.name, id: machine.id, sub: machine.sub, token, receiptId: receipt.id }))
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    return await list(c, services, `Nothing was created: ${error.message}.`)
  }
}
