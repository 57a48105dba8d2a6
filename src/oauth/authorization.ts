// The authorization request: every rule it must meet, in the order that decides where an error may be shown.
import * as z from 'zod'
import type { ClientRecord } from '../clients/client-record.ts'
import type { Downstream } from '../settings/downstreams.ts'
import { OAuthError } from '../clients/oauth-error.ts'
import { redirectUriIsRegistered } from '../clients/redirect-uri.ts'
import { canonicalResource, defaultScopes } from './resource.ts'

/** What was asked, once every rule is met; the shape that travels sealed through consent and login. */
export const askedSchema = z.object({
  clientId: z.string(),
  clientName: z.string(),
  redirectUri: z.string(),
  state: z.string().optional(),
  codeChallenge: z.string(),
  resource: z.string(),
  scopes: z.array(z.string()),
})
export type AuthorizationRequest = Readonly<z.output<typeof askedSchema>>

/** The parameters as they came. A parameter that came twice is kept as such: RFC 6749 section 3.1 forbids it. */
export interface RawRequest {
  readonly one: (name: string) => string | undefined
  readonly all: (name: string) => readonly string[]
}

export function rawRequest(parameters: URLSearchParams): RawRequest {
  // An empty value counts as absent (RFC 6749 section 3.1).
  const all = (name: string): string[] => parameters.getAll(name).filter((value) => value !== '')
  return { all, one: (name) => all(name)[0] }
}

/** Where an error may be sent: the client's own redirect URI, with its state. */
export interface Destination {
  readonly redirectUri: string
  readonly state: string | undefined
}

/**
 * Until client and redirect URI are known to belong together an error is shown to the person and sent nowhere
 * (RFC 6749 section 4.1.2.1): anything else would make this an open redirector.
 */
export function destination(request: RawRequest, client: ClientRecord | undefined): Destination {
  if (request.all('client_id').length > 1) throw new OAuthError('invalid_request', 'client_id was given more than once')
  if (request.one('client_id') === undefined) throw new OAuthError('invalid_request', 'Missing required parameters: client_id')
  if (!client) throw new OAuthError('invalid_client', 'Client not found')
  if (request.all('redirect_uri').length > 1) throw new OAuthError('invalid_request', 'redirect_uri was given more than once')
  const asked = request.one('redirect_uri') ?? (client.redirectUris.length === 1 ? client.redirectUris[0] : undefined)
  if (asked === undefined) throw new OAuthError('invalid_request', 'Missing required parameters: redirect_uri')
  if (!redirectUriIsRegistered(asked, client.redirectUris)) {
    throw new OAuthError('invalid_redirect_uri', 'Invalid redirect URI: it is not one this client registered')
  }
  return { redirectUri: asked, state: request.one('state') }
}

type Check = (request: RawRequest) => void

// From here on errors go back to the client. The cheap, structural rules come first, so that a request that is
// malformed in several ways is described by its grossest mistake.
const AFTER_REDIRECT: readonly Check[] = [
  nothingIsRepeated,
  codeIsAskedFor,
  answerGoesIntoTheQuery,
  challengeIsS256,
  someoneMayBeAsked,
]

export function askedFor(
  request: RawRequest,
  client: ClientRecord,
  to: Destination,
  downstreams: readonly Downstream[],
): AuthorizationRequest {
  for (const check of AFTER_REDIRECT) check(request)
  const downstream = canonicalResource(request.all('resource'), downstreams)
  const asked: AuthorizationRequest = {
    clientId: client.id,
    clientName: client.name ?? client.id,
    redirectUri: to.redirectUri,
    ...(to.state !== undefined && { state: to.state }),
    codeChallenge: request.one('code_challenge') ?? '',
    resource: downstream.resource,
    scopes: [...grantableScopes(request.one('scope'), downstream, client)],
  }
  return waitable(asked)
}

/**
 * It waits in the person's browser while they sign in, and cookies carry only so much (`routes/pending.ts`). RFC 6749 gives `state` no
 * length, and relays put several thousand characters into it.
 */
const LONGEST = 12_000

function waitable(asked: AuthorizationRequest): AuthorizationRequest {
  if (new TextEncoder().encode(JSON.stringify(asked)).length <= LONGEST) return asked
  throw new OAuthError('invalid_request', `state is too long: with everything else a request may have ${LONGEST} bytes`)
}

function nothingIsRepeated(request: RawRequest): void {
  for (const name of ['response_type', 'response_mode', 'scope', 'state', 'code_challenge', 'code_challenge_method', 'prompt']) {
    if (request.all(name).length > 1) throw new OAuthError('invalid_request', `${name} was given more than once`)
  }
}

function codeIsAskedFor(request: RawRequest): void {
  const type = request.one('response_type')
  if (type === undefined) throw new OAuthError('invalid_request', 'Missing required parameters: response_type')
  if (type !== 'code') throw new OAuthError('unsupported_response_type', 'response_type must be code')
}

function answerGoesIntoTheQuery(request: RawRequest): void {
  if ((request.one('response_mode') ?? 'query') !== 'query')
    throw new OAuthError('invalid_request', 'response_mode must be query')
}

/** PKCE for everyone, S256 only (OAuth 2.1 section 4.1.1; RFC 7636 section 4.2: 43 characters of base64url). */
function challengeIsS256(request: RawRequest): void {
  const challenge = request.one('code_challenge')
  if (challenge === undefined) throw new OAuthError('invalid_request', 'code_challenge is required (PKCE, RFC 7636)')
  if (request.one('code_challenge_method') !== 'S256')
    throw new OAuthError('invalid_request', 'code_challenge_method must be S256')
  if (!/^[\w-]{43}$/.test(challenge))
    throw new OAuthError('invalid_request', 'code_challenge is not the base64url of a SHA-256 hash')
}

function someoneMayBeAsked(request: RawRequest): void {
  // Consent is asked for every time, so an answer without showing anything is never possible.
  if ((request.one('prompt') ?? '').split(' ').includes('none')) {
    throw new OAuthError('consent_required', 'prompt=none can not be answered: consent is asked for each time')
  }
}

/**
 * Scopes we know, of those that were asked for; unknown ones are dropped, as RFC 6749 section 3.3 allows, because clients
 * ask for what other servers listed. Nothing known means what everybody gets, as far as this client may be given it.
 */
function grantableScopes(asked: string | undefined, downstream: Downstream, { scopes }: ClientRecord): readonly string[] {
  const offered = scopes ? downstream.scopes.filter((scope) => scopes.includes(scope)) : downstream.scopes
  if (scopes && offered.length === 0)
    throw new OAuthError('invalid_scope', 'This application may be given none of the scopes of this server')
  const wanted = new Set((asked ?? '').split(' '))
  const known = offered.filter((scope) => wanted.has(scope))
  return known.length > 0 ? known : defaultScopes({ ...downstream, scopes: offered })
}

/** The answer to the client: code or error, always with `state` and `iss` (RFC 9207), each exactly once. */
export function answer(to: Destination, issuer: string, result: Readonly<Record<string, string>>): string {
  const url = new URL(to.redirectUri)
  for (const name of ['code', 'state', 'iss', 'error', 'error_description']) url.searchParams.delete(name)
  for (const [name, value] of Object.entries(result)) url.searchParams.set(name, value)
  if (to.state !== undefined) url.searchParams.set('state', to.state)
  url.searchParams.set('iss', issuer)
  return url.href
}
