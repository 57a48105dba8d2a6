// POST /token, /revoke and /introspect: forms in, JSON out, nothing cached.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import { ClientAuthentication } from '../oauth/client-auth/client-authentication.ts'
import { introspected } from '../oauth/introspection.ts'
import { revokePossessed, revokeToken } from '../oauth/revocation.ts'
import { answerTokenRequest, grantTypesOf, nothingIsRepeated } from '../oauth/token-endpoint.ts'
import { adminResourceOf, policyOf, type Services } from '../services.ts'
import { readForm } from './form.ts'
import type { Variables } from './guards.ts'
import { sourceOf } from './client-network.ts'

export function tokenRoutes(services: Services): Hono<{ Variables: Variables }> {
  const { settings, keys, signedTokens, machines, finder, statements, session, now } = services
  const known = { entered: settings.clients, policy: policyOf(settings), finder }
  const clients = new ClientAuthentication({ ...known, keys, issuer: settings.baseUrl, session, now })
  const grantServices = {
    keys,
    clients,
    signedTokens,
    machines,
    lifetimes: settings.limits,
    downstreams: settings.downstreams,
    adminResource: adminResourceOf(settings),
    grantTypes: grantTypesOf(settings.exchange),
    statements,
    longestSession: settings.exchange.longestSession,
    session,
    now,
  }
  const resources = [...settings.downstreams.map(({ resource }) => resource), adminResourceOf(settings)]
  const routes = new Hono<{ Variables: Variables }>()
  routes.post('/token', async (c) => {
    const { authorization, form } = await credentialsAndForm(c)
    const client = (id: string) => finder.find(id, () => sourceOf(c, keys))
    return c.json(await answerTokenRequest(authorization, form, { ...grantServices, client }), 200, NO_STORE)
  })
  routes.post('/revoke', async (c) => {
    const { authorization, form } = await credentialsAndForm(c)
    nothingIsRepeated(form)
    const token = form.get('token')
    if (!(await revokePossessed(token, { signedTokens, machines, session, resources }))) {
      const client = await clients.present(authorization, form)
      await revokeToken(client, token, { clients, signedTokens, session })
    }
    return c.body(null, 200, NO_STORE)
  })
  routes.post('/introspect', async (c) => {
    const { authorization, form } = await credentialsAndForm(c)
    nothingIsRepeated(form)
    const client = await clients.present(authorization, form)
    return c.json(
      await introspected(client, form.get('token'), { clients, signedTokens, session, issuer: settings.baseUrl }),
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
