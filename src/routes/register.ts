// POST /register: a client introduces itself (RFC 7591) and gets an id, anonymously and therefore slowly, briefly and in small numbers.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import type { ClientRecord } from '../clients/client-record.ts'
import { readRegistration, registrationResponse } from '../oauth/client-auth/client-metadata.ts'
import { clientSecretFor, newClientId } from '../oauth/client-auth/clients.ts'
import { OAuthError } from '../clients/oauth-error.ts'
import { supportedScopes } from '../oauth/resource.ts'
import { BoundedMap } from '../platform/bounded-map.ts'
import { log } from '../platform/telemetry.ts'
import { policyOf, type Services } from '../services.ts'
import { readText } from './form.ts'
import type { Variables } from './guards.ts'
import { sourceOf } from './client-network.ts'

export type RegisterServices = Pick<Services, 'settings' | 'keys' | 'directory' | 'now'>

const LARGEST_DOCUMENT = 64 * 1024
const MOST_REMEMBERED_REFUSALS = 1_000
const NO_STORE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' }

export function registerRoutes({ settings, keys, directory, now }: RegisterServices): Hono<{ Variables: Variables }> {
  const routes = new Hono<{ Variables: Variables }>()
  const policy = policyOf(settings)
  // What the Directory refused is refused here until its time is up: a flood must not keep the object busy that sign-ins need.
  const refusedUntil = new BoundedMap<string, number>(MOST_REMEMBERED_REFUSALS)

  routes.post('/register', async (c) => {
    const { metadata, scopes } = readRegistration(await jsonBody(c), policy, settings.redirectSchemes)
    const id = await newClientId(keys.current, metadata.authMethod)
    const client: ClientRecord = { ...metadata, id, registeredAt: now() }
    await register(client, await sourceOf(c, keys))
    const hasSecret = metadata.authMethod !== 'none' && metadata.authMethod !== 'private_key_jwt'
    const secret = hasSecret ? await clientSecretFor(keys.current, id) : undefined
    const offered = supportedScopes(settings.downstreams)
    const granted = scopes.filter((scope) => offered.includes(scope))
    log('info', 'client.registered', { client_id: id, request_id: c.get('requestId') })
    return c.json(registrationResponse(client, granted, secret), 201, NO_STORE)
  })
  return routes

  async function register(client: ClientRecord, source: string): Promise<void> {
    const until = refusedUntil.get(source) ?? 0
    if (until > client.registeredAt) throw tooMany(until - client.registeredAt)
    const outcome = await directory()
      .register(client, source)
      .catch((cause: unknown) => {
        throw new OAuthError('temporarily_unavailable', 'Clients can not register at the moment', { cause, retryAfter: 5 })
      })
    if (outcome.registered) return
    refusedUntil.set(source, client.registeredAt + outcome.retryAfter)
    throw tooMany(outcome.retryAfter)
  }
}

function tooMany(retryAfter: number): OAuthError {
  return new OAuthError('too_many_requests', `Too many clients register from here: try again in ${retryAfter} seconds`, {
    retryAfter,
  })
}

async function jsonBody(c: Context): Promise<unknown> {
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(c.req.header('Content-Type') ?? '')) {
    throw new OAuthError('invalid_client_metadata', 'The registration is not application/json')
  }
  const text = await readText(c, LARGEST_DOCUMENT, 'a registration')
  try {
    const document: unknown = JSON.parse(text)
    return document
  } catch (cause) {
    throw new OAuthError('invalid_client_metadata', 'The body is not valid JSON', { cause })
  }
}
