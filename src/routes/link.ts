// A person connects to an MCP server that wants them to sign in there: on the way of a client's sign-in, or from their own page.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import * as z from 'zod'
import { attemptSchema, beginLink, finishLink } from '../linking/link-attempt.ts'
import { LinkError } from '../linking/link-error.ts'
import { clientDocumentPath, clientMetadata, linkCallbackPath, type Registrar } from '../linking/registration.ts'
import { answer } from '../oauth/authorization.ts'
import type { CodeEnvelope } from '../oauth/envelopes.ts'
import { OAuthError } from '../oauth/errors.ts'
import { sealed, unsealed } from '../oauth/sealed.ts'
import { sameText } from '../platform/crypto.ts'
import { log } from '../platform/telemetry.ts'
import type { Services } from '../services.ts'
import type { Downstream } from '../settings/downstreams.ts'
import { returnToClient } from './authorize.ts'
import { cookieJar } from './cookies.ts'
import type { Variables } from './guards.ts'

/** The client's sign-in that waits: everything is decided but the connection to the server. */
const waitingSchema = z.object({
  code: z.object({
    sub: z.string(),
    grantId: z.string(),
    clientId: z.string(),
    jti: z.string(),
    expiresAt: z.number(),
    clientSigns: z.boolean(),
  }),
  clientName: z.string(),
  redirectUri: z.string(),
  state: z.string().optional(),
})
type Waiting = z.output<typeof waitingSchema>

const awaySchema = z.object({ sub: z.string(), attempt: attemptSchema, waiting: waitingSchema.optional() })
type Away = z.output<typeof awaySchema>

/** One cookie per attempt, so that parallel tabs do not disturb each other. */
const cookieOf = (state: string): string => `mcp_link_${state.slice(0, 8)}`

export function linkRoutes(services: Services): Hono<{ Variables: Variables }> {
  const { baseUrl, downstreams } = services.settings
  const routes = new Hono<{ Variables: Variables }>()
  routes.get('/link/callback/*', (c) => comeBack(c, services))
  routes.get('/link/client/*', (c) => {
    const { pathname } = new URL(c.req.url)
    const downstream = downstreams.find((one) => one.auth === 'oauth' && clientDocumentPath(one) === pathname)
    if (!downstream) return c.notFound()
    const metadata = clientMetadata(baseUrl, downstream)
    const document = { client_id: baseUrl + pathname, ...metadata, token_endpoint_auth_method: 'none' }
    return c.json(document, 200, { 'Cache-Control': 'public, max-age=3600' })
  })
  return routes
}

export interface LinkBegun {
  readonly sub: string
  readonly resource: string
  /** What the server has asked for since the person was last sent there. */
  readonly scopes: readonly string[]
  readonly waiting?: { readonly code: CodeEnvelope & { readonly clientSigns: boolean } } & Omit<Waiting, 'code'>
}

/** Sends the browser to the server's own sign-in; what comes back is only good in this browser. */
export async function sendToServer(
  c: Context,
  services: Services,
  { sub, resource, scopes, waiting }: LinkBegun,
): Promise<Response> {
  const { settings, keys, now } = services
  const { url, attempt } = await beginLink(serverOf(services, resource), scopes, registrarOf(services))
  const away: Away = { sub, attempt, ...(waiting && { waiting }) }
  const { loginTtl } = settings.limits
  cookieJar(c, settings.baseUrl).write(
    cookieOf(attempt.state),
    await sealed(keys, 'link+jwe', away, now(), loginTtl),
    loginTtl,
    'Lax',
  )
  return c.body(null, 303, { Location: url.href, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' })
}

async function comeBack(c: Context, services: Services): Promise<Response> {
  const { sub, attempt, waiting } = await pendingLink(c, services)
  const downstream = serverOf(services, attempt.server)
  // Each server answers at an address of its own: what the sign-in of another one sends here was made for that one, and its code with it
  // (RFC 9700 section 4.4).
  if (linkCallbackPath(downstream) !== new URL(c.req.url).pathname) {
    throw new OAuthError('invalid_request', 'The answer came from the sign-in of another server than the one that was begun', {
      reason: `begun: ${downstream.name}`,
    })
  }
  const request_id = c.get('requestId')
  try {
    const link = await finishLink(downstream, attempt, new URL(c.req.url), registrarOf(services))
    const signIn = waiting && { grantId: waiting.code.grantId, jti: waiting.code.jti }
    const kept = await services.session(sub).link({ resource: downstream.resource, link, ...(signIn && { signIn }) })
    if (!kept) throw new LinkError('denied', 'access was taken back meanwhile')
    log('info', 'link.completed', { server: downstream.name, person: sub, request_id })
    if (!waiting) return c.body(null, 303, { Location: '/account', 'Cache-Control': 'no-store' })
    const code = await services.envelopes.code({ ...waiting.code, expiresAt: kept.codeExpiresAt })
    log('info', 'sign_in.completed', { client: waiting.code.clientId, person: sub, grant: waiting.code.grantId, request_id })
    return returnToClient(c, answerTo(waiting, services, { code }), waiting.clientName, 'allowed')
  } catch (error) {
    if (!(error instanceof LinkError) || !waiting) throw error
    // Without the connection the grant is worth nothing, and nobody has its code.
    await services.session(sub).revokeGrant(waiting.code.grantId, 'not_linked')
    if (error.reason !== 'denied') throw error
    const refusal = { error: 'access_denied', error_description: 'the person was not connected to the MCP server' }
    return returnToClient(c, answerTo(waiting, services, refusal), waiting.clientName, 'refused')
  }
}

function answerTo({ redirectUri, state }: Waiting, { settings }: Services, result: Readonly<Record<string, string>>): string {
  return answer({ redirectUri, state }, settings.baseUrl, result)
}

/** The attempt this browser began; spent by looking at it. */
async function pendingLink(c: Context, services: Services): Promise<Away> {
  const state = c.req.query('state') ?? ''
  const jar = cookieJar(c, services.settings.baseUrl)
  const cookie = jar.read(cookieOf(state))
  const away = awaySchema.safeParse(await unsealed(services.keys, 'link+jwe', cookie ?? '', services.now())).data
  if (!away || !sameText(away.attempt.state, state)) {
    throw new OAuthError(
      'invalid_request',
      'Invalid or expired state: this connection was finished before, took too long, or was begun in another browser',
      { reason: cookie === undefined ? 'no link cookie' : 'link cookie refused' },
    )
  }
  jar.remove(cookieOf(state))
  return away
}

/** Only those that want people to sign in; an operator may have changed that since. */
function serverOf({ settings }: Services, resource: string): Downstream {
  const found = settings.downstreams.find((known) => known.resource === resource && known.auth === 'oauth')
  if (!found) throw new OAuthError('invalid_target', 'There is no such server, or it does not want anybody to sign in')
  return found
}

function registrarOf({ settings, keys, directory, now }: Services): Registrar {
  const store = {
    registration: (resource: string) => directory().registration(resource),
    keepRegistration: (resource: string, text: string) => directory().keepRegistration(resource, text),
  }
  return { baseUrl: settings.baseUrl, keys, store, now }
}
