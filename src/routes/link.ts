// A person connects to an MCP server that wants them to sign in there: on the way of a client's sign-in, or from their own page.
import type { Context } from 'hono'
import { Hono } from 'hono/tiny'
import * as z from 'zod'
import { attemptSchema, beginLink, finishLink, type LinkAttempt } from '../linking/link-attempt.ts'
import { LinkError } from '../linking/link-error.ts'
import { clientDocumentPath, clientMetadata, linkCallbackPath, type Registrar } from '../linking/registration.ts'
import { answer } from '../oauth/authorization.ts'
import type { CodeClaims } from '../oauth/tokens/signed-tokens.ts'
import { OAuthError } from '../clients/oauth-error.ts'
import { sealed, unsealed } from '../oauth/tokens/browser-state.ts'
import { sameText } from '../platform/crypto.ts'
import { packed, unpacked } from '../platform/packed-text.ts'
import { log } from '../platform/telemetry.ts'
import type { Services } from '../services.ts'
import { downstreamFor, type Downstream } from '../settings/downstreams.ts'
import { authoritiesOf } from '../settings/people-names.ts'
import { isOf } from '../settings/people.ts'
import { AuthorizationResponses } from './authorization-responses.ts'
import { returnToClient } from './authorize.ts'
import type { Variables } from './guards.ts'
import { pending } from './pending.ts'

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
type WaitingSignIn = z.output<typeof waitingSchema>

/** A server may have hundreds of scopes, and a cookie has not that much room: they go packed. */
const awaySchema = z.object({
  sub: z.string(),
  since: z.number(),
  attempt: attemptSchema.omit({ scopes: true }),
  scopes: z.string(),
  waiting: waitingSchema.optional(),
})
type Away = z.output<typeof awaySchema>
/** Those that do not fit are not remembered; what was given is known from the answer. */
const LONGEST_SCOPES = 4_000

export function linkRoutes(services: Services): Hono<{ Variables: Variables }> {
  const { baseUrl, downstreams } = services.settings
  const routes = new Hono<{ Variables: Variables }>()
  const responses = new AuthorizationResponses(services.now)
  routes.get('/link/callback/*', (c) => comeBack(c, services, responses))
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
  readonly waiting?: { readonly code: CodeClaims & { readonly clientSigns: boolean } } & Omit<WaitingSignIn, 'code'>
}

/** Sends the browser to the server's own sign-in; what comes back is only good in this browser. */
export async function sendToServer(
  c: Context,
  services: Services,
  { sub, resource, scopes, waiting }: LinkBegun,
): Promise<Response> {
  const { settings, keys, now } = services
  const { url, attempt } = await beginLink(serverOf(services, resource), scopes, registrarOf(services))
  const { scopes: asked, ...rest } = attempt
  const scopesText = await packed(asked.join(' '))
  const fits = scopesText.length <= LONGEST_SCOPES
  const away: Away = { sub, since: now(), attempt: rest, scopes: fits ? scopesText : '', ...(waiting && { waiting }) }
  const { loginTtl } = settings.limits
  const text = await sealed(keys, 'link+jwe', away, now(), loginTtl)
  pending(c, settings.baseUrl, 'link').write(attempt.state, text, now(), loginTtl)
  return c.body(null, 303, { Location: url.href, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' })
}

async function comeBack(c: Context, services: Services, responses: AuthorizationResponses): Promise<Response> {
  const { sub, since, attempt, waiting } = await pendingLink(c, services)
  await responses.assertMayBeTaken(c, services.keys, attempt.state)
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
    const kept = await services.session(sub).link({ resource: downstream.resource, link, since, ...(signIn && { signIn }) })
    if (!kept) throw new LinkError('denied', 'access was taken back meanwhile')
    log('info', 'link.completed', { server: downstream.name, person: sub, request_id })
    if (!waiting) return c.body(null, 303, { Location: '/account', 'Cache-Control': 'no-store' })
    const code = await services.signedTokens.code({ ...waiting.code, expiresAt: kept.codeExpiresAt })
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

function answerTo(
  { redirectUri, state }: WaitingSignIn,
  { settings }: Services,
  result: Readonly<Record<string, string>>,
): string {
  return answer({ redirectUri, state }, settings.baseUrl, result)
}

interface Returned extends Omit<Away, 'attempt' | 'scopes'> {
  readonly attempt: LinkAttempt
}

/** The attempt this browser began; spent by looking at it. */
async function pendingLink(c: Context, services: Services): Promise<Returned> {
  const state = c.req.query('state') ?? ''
  const waiting = pending(c, services.settings.baseUrl, 'link')
  const cookie = waiting.read(state)
  const away = awaySchema.safeParse(await unsealed(services.keys, 'link+jwe', cookie ?? '', services.now())).data
  if (!away || !sameText(away.attempt.state, state)) {
    throw new OAuthError(
      'invalid_request',
      'Invalid or expired state: this connection was finished before, took too long, or was begun in another browser',
      { reason: cookie === undefined ? 'no link cookie' : 'link cookie refused' },
    )
  }
  waiting.remove(state)
  const scopes = away.scopes === '' ? [] : (await unpacked(away.scopes)).split(' ').filter((scope) => scope !== '')
  return { ...away, attempt: { ...away.attempt, scopes } }
}

/** Only those that want people to sign in; an operator may have changed that since. */
function serverOf({ settings }: Services, resource: string): Downstream {
  const found = downstreamFor(settings, resource)
  if (found?.auth !== 'oauth')
    throw new OAuthError('invalid_target', 'There is no such server, or it does not want anybody to sign in')
  return found
}

function registrarOf({ settings, keys, directory, now }: Services): Registrar {
  const store = {
    registration: (resource: string) => directory().registration(resource),
    keepRegistration: (resource: string, text: string) => directory().keepRegistration(resource, text),
  }
  return { baseUrl: settings.baseUrl, keys, store, opensHere: (issuer) => opensHere(settings, issuer), now }
}

/** An issuer may go by several names, as the tenants of Microsoft Entra do. */
function opensHere({ baseUrl, identityProviders, exchange }: Services['settings'], issuer: string): boolean {
  const exchanged = [...(exchange.subjects ? [exchange.subjects.issuer] : []), ...exchange.assertionIssuers]
  const authorities = authoritiesOf(identityProviders, exchange).filter((one) => exchanged.some((named) => isOf(one, named)))
  return URL.parse(issuer)?.origin === new URL(baseUrl).origin || authorities.some((one) => isOf(one, issuer))
}
