// GET and POST /authorize: check the request, ask the person, begin the sign-in at the identity provider.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import * as z from 'zod'
import type { ClientRecord } from '../clients/client-record.ts'
import {
  answer,
  askedFor,
  askedSchema,
  destination,
  rawRequest,
  type AuthorizationRequest,
  type Destination,
} from '../oauth/authorization.ts'
import { OAuthError } from '../clients/oauth-error.ts'
import { kindOfAccepted } from '../clients/redirect-uri.ts'
import { sealed, unsealed } from '../oauth/tokens/browser-state.ts'
import { consentPage } from '../pages/consent.tsx'
import { continuePage } from '../pages/continue.tsx'
import { pageHeaders } from '../pages/headers.ts'
import type { Redirect } from '../pages/redirect.tsx'
import { stoppedPage } from '../pages/stopped.tsx'
import { randomId, sameText, sha256 } from '../platform/crypto.ts'
import { log } from '../platform/telemetry.ts'
import type { Services } from '../services.ts'
import { downstreamFor, titleOf, type Downstream } from '../settings/downstreams.ts'
import { docsOf } from './error-docs.ts'
import { isFromOurPage } from './request-source.ts'
import { readForm } from './form.ts'
import type { Variables } from './guards.ts'
import { beginLogin } from './login.ts'
import { pending } from './pending.ts'
import { sourceOf } from './client-network.ts'

const ticketSchema = z.object({ asked: askedSchema, id: z.string(), nonceHash: z.string() })

const SCOPE_MEANING: Readonly<Record<string, string>> = {
  mcp: 'Use the tools, prompts and resources of this server in your name',
}

/** What a scope adds that some tools need is those tools. */
function meaningOf(scope: string, { toolScopes = [] }: Partial<Downstream> = {}): string {
  const tools = toolScopes.filter(({ scope: needed }) => needed === scope).map(({ tool }) => tool)
  return SCOPE_MEANING[scope] ?? (tools.length > 0 ? `Use these tools too: ${tools.join(', ')}` : scope)
}

export function authorizeRoutes(services: Services): Hono<{ Variables: Variables }> {
  const routes = new Hono<{ Variables: Variables }>()
  routes.get('/authorize', (c) => showConsent(c, services))
  routes.post('/authorize', (c) => takeDecision(c, services))
  return routes
}

async function showConsent(c: Context, services: Services): Promise<Response> {
  const { settings, keys, finder, now } = services
  const request = rawRequest(new URL(c.req.url).searchParams)
  const id = request.one('client_id')
  const client = id === undefined ? undefined : await finder.find(id, () => sourceOf(c, keys))
  const to = destination(request, client)
  if (!client) throw new OAuthError('invalid_client', 'Client not found')
  assertNotBlocked(client)
  let asked: AuthorizationRequest
  try {
    asked = askedFor(request, client, to, settings.downstreams)
  } catch (error) {
    if (error instanceof OAuthError) return sendError(c, services, client, to, error)
    throw error
  }
  const nonce = randomId(16)
  const ticketId = randomId(6)
  const ticket = { asked, id: ticketId, nonceHash: await sha256(nonce) }
  pending(c, settings.baseUrl, 'consent').write(ticketId, nonce, now(), settings.limits.loginTtl)
  const downstream = downstreamFor(settings, asked.resource)
  const page = consentPage({
    ticket: await sealed(keys, 'consent+jwe', ticket, now(), settings.limits.loginTtl),
    client: {
      name: client.name ?? '',
      id: client.id,
      ...hostOf(client),
      verified: client.knownBy !== undefined,
      loopbackOnly: client.redirectUris.every((uri) => kindOfAccepted(uri) === 'loopback'),
    },
    redirect: redirectTo(asked.redirectUri),
    resource: { url: asked.resource, name: downstream ? titleOf(downstream) : asked.resource },
    scopes: asked.scopes.map((name) => ({ name, meaning: meaningOf(name, downstream) })),
    identityProviders: services.providers.all.map(({ key, name, host }) => ({ key, name, host })),
    learns: learns(downstream),
    leadsToServer: downstream?.auth === 'oauth',
  })
  return c.body(page, 200, pageHeaders('sign-in'))
}

export function assertNotBlocked({ id, isBlocked }: ClientRecord): void {
  if (isBlocked) throw new OAuthError('access_denied', 'An administrator has blocked this application', { reason: id })
}

/** Where its document is, which is sure; otherwise where it says it is from. An operator's own client needs none. */
function hostOf({ id, knownBy, uri }: ClientRecord): { host?: string } {
  if (knownBy === 'settings') return {}
  const host = URL.parse(knownBy === 'document' ? id : (uri ?? ''))?.host
  return host === undefined || host === '' ? {} : { host }
}

function learns({ auth }: Partial<Downstream> = {}): readonly string[] {
  const always = ['Your name', 'Your e-mail address', 'Your user id at the identity provider', 'The groups you belong to']
  return auth === 'idp-token' ? [...always, 'A token to act for you at the identity provider'] : always
}

async function takeDecision(c: Context, services: Services): Promise<Response> {
  const { settings, keys, now, providers } = services
  // A page elsewhere could post a ticket of its own making.
  if (!isFromOurPage(c, settings.baseUrl))
    throw new OAuthError('access_denied', 'this form can only be sent from the page of this site')
  const form = await readForm(c)
  const ticket = ticketSchema.safeParse(await unsealed(keys, 'consent+jwe', form.get('ticket') ?? '', now())).data
  const waiting = pending(c, settings.baseUrl, 'consent')
  const nonce = ticket && waiting.read(ticket.id)
  if (!ticket || nonce === undefined || !sameText(await sha256(nonce), ticket.nonceHash)) {
    throw new OAuthError(
      'invalid_request',
      'Invalid or expired state: this page was answered before, is too old, or belongs to another browser',
      {
        reason: 'consent ticket refused',
      },
    )
  }
  waiting.remove(ticket.id)
  const { asked } = ticket
  const to: Destination = { redirectUri: asked.redirectUri, state: asked.state }
  const provider = form.get('decision') === 'allow' ? providers.only : providers.named(form.get('provider') ?? '')
  if (!provider) {
    log('info', 'consent.denied', { client: asked.clientId, request_id: c.get('requestId') })
    const url = answer(to, settings.baseUrl, {
      error: 'access_denied',
      error_description: 'the person did not allow the connection',
    })
    if (isTrusted(services, asked.clientId) || kindOfAccepted(url) === 'loopback')
      return returnToClient(c, url, asked.clientName, 'refused')
    return c.body(stoppedPage({ client: asked.clientName, redirect: redirectTo(url) }), 200, pageHeaders('sign-in'))
  }
  const url = await beginLogin(c, services, provider, { purpose: 'client', asked })
  return seeOther(c, url.href)
}

function sendError(c: Context, services: Services, client: ClientRecord, to: Destination, error: OAuthError): Response {
  log('info', 'authorize.refused', { code: error.code, reason: error.message, client: client.id, request_id: c.get('requestId') })
  const url = answer(to, services.settings.baseUrl, { error: error.code, error_description: error.message })
  const name = client.name ?? client.id
  if (isTrusted(services, client.id)) return returnToClient(c, url, name, 'refused')
  const refusal = { code: error.code, message: error.message, requestId: c.get('requestId'), docs: docsOf(c, error.code) }
  return c.body(stoppedPage({ client: name, redirect: redirectTo(url), refusal }), 400, pageHeaders('sign-in'))
}

/** Where those go that an operator has entered is known. Anybody else may have registered anything: there nobody is sent unasked. */
function isTrusted({ settings }: Services, id: string): boolean {
  return settings.clients.some(({ record }) => record.id === id)
}

function redirectTo(uri: string): Redirect {
  return { host: new URL(uri).host, uri, kind: kindOfAccepted(uri) }
}

/** 303, never 307: a client must get a GET without our form (RFC 9700 section 4.12). Apps with their own scheme get a page. */
export function returnToClient(c: Context, url: string, client: string, outcome: 'allowed' | 'refused'): Response {
  if (kindOfAccepted(url) !== 'private-scheme') return seeOther(c, url)
  return c.body(continuePage({ client, redirectUri: url, outcome }), 200, pageHeaders('sign-in'))
}

function seeOther(c: Context, url: string): Response {
  return c.body(null, 303, { Location: url, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' })
}
