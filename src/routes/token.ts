// POST /token, /revoke and /introspect: forms in, JSON out, nothing cached.
import { Hono, type Context } from 'hono'
import { authenticateClient } from '../oauth/clients.ts'
import { introspected } from '../oauth/introspection.ts'
import { revokeToken } from '../oauth/revocation.ts'
import { answerTokenRequest, nothingIsRepeated } from '../oauth/token-endpoint.ts'
import { adminResourceOf, type Services } from '../services.ts'
import { readForm } from './form.ts'
import type { Variables } from './guards.ts'

export function tokenRoutes(services: Services): Hono<{ Variables: Variables }> {
  const { settings, keys, envelopes, machines, session } = services
  const grantServices = {
    keys,
    envelopes,
    machines,
    lifetimes: settings.limits,
    downstreams: settings.downstreams,
    adminResource: adminResourceOf(settings),
    session,
  }
  const routes = new Hono<{ Variables: Variables }>()
  routes.post('/token', async (c) => {
    const { authorization, form } = await credentialsAndForm(c)
    return c.json(await answerTokenRequest(authorization, form, grantServices), 200, NO_STORE)
  })
  routes.post('/revoke', async (c) => {
    const { authorization, form } = await credentialsAndForm(c)
    nothingIsRepeated(form)
    const { clientId } = await authenticateClient(keys, authorization, form)
    await revokeToken(clientId, form.get('token'), { envelopes, session })
    return c.body(null, 200, NO_STORE)
  })
  routes.post('/introspect', async (c) => {
    const { authorization, form } = await credentialsAndForm(c)
    nothingIsRepeated(form)
    const client = await authenticateClient(keys, authorization, form)
    return c.json(
      await introspected(client.clientId, form.get('token'), { envelopes, session, issuer: settings.baseUrl }),
      200,
      NO_STORE,
    )
  })
  return routes
}

const NO_STORE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' }

async function credentialsAndForm(c: Context): Promise<{ authorization: string | undefined; form: URLSearchParams }> {
  return { authorization: c.req.header('Authorization'), form: await readForm(c) }
}
