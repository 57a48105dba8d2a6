// AssumeRoleWithWebIdentity, as programs made for AWS STS ask for it: a token of AUTH_ISSUER becomes temporary credentials, of which the
// session token is our access token. The role is the server it is for; the two parts of a key are there because SDKs want them.
import { randomId, sha256 } from '../platform/crypto.ts'
import type { VerifiedStatement } from '../session/contract/subject-token.ts'
import { WEB_IDENTITY_CLIENT, WEB_IDENTITY_NAME } from '../settings/clients.ts'
import type { Downstream } from '../settings/downstreams.ts'
import { scopesFor } from './grants/exchange.ts'
import { accessFor, assertNeedsNoSignIn, lifetimeOf, REFUSED, type StatedServices } from './tokens/subject-token-access.ts'

export const ACTION = 'AssumeRoleWithWebIdentity'
const VERSION = '2011-06-15'
/** The least AWS knows, and what it gives who asks for nothing else; in seconds. */
const SHORTEST_SESSION = 900
const USUAL_SESSION = 3_600
const DEFAULT_ROLE = '_default'
/** Not a registered client, and none can have this id: whoever holds the token may exchange it. */
const CLIENT = { id: WEB_IDENTITY_CLIENT, name: WEB_IDENTITY_NAME }

/** Codes of the public documentation of AWS STS, and the status each is sent with; the last but one is ours for a closed endpoint. */
const STATUS = {
  MissingAction: 400,
  InvalidAction: 400,
  ValidationError: 400,
  InvalidIdentityToken: 400,
  ExpiredTokenException: 400,
  AccessDenied: 403,
  NotImplemented: 501,
  IDPCommunicationError: 503,
} as const

export class WebIdentityError extends Error {
  override readonly name = 'WebIdentityError'
  readonly code: keyof typeof STATUS
  readonly status: (typeof STATUS)[keyof typeof STATUS]
  /** For the log only. */
  readonly reason: string | undefined

  constructor(code: keyof typeof STATUS, message: string, reason?: string) {
    super(message)
    this.code = code
    this.status = STATUS[code]
    this.reason = reason
  }
}

export interface AssumedRole {
  readonly statement: VerifiedStatement
  /** Name of the server the role stands for. */
  readonly server: string
  readonly sessionName: string
  readonly sessionToken: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Unix seconds. */
  readonly expiresAt: number
}

export async function assumeRole(parameters: URLSearchParams, services: StatedServices): Promise<AssumedRole> {
  const { statements, downstreams, longestSession, now } = services
  if (!statements.subject)
    throw new WebIdentityError(
      'NotImplemented',
      'tokens are not exchanged here: AUTH_ISSUER and AUTH_AUDIENCE are not configured',
    )
  assertIsAssumeRole(parameters)
  const sessionName = sessionNameIn(parameters)
  const downstream = roleIn(parameters, downstreams)
  assertNeedsNoSignIn(downstream)
  // A parameter of our own: AWS has none. Nobody was asked about a further scope, so it has to be named.
  const scopes = scopesFor(parameters.get('Scope'), downstream)
  const asked = durationIn(parameters, longestSession)
  const verdict = await statements.subject(required(parameters, 'WebIdentityToken'), 'jwt')
  if (!verdict.verified) throw REFUSALS[verdict.refusal](verdict.why)
  const { statement } = verdict
  const lifetime = lifetimeOf(statement, asked, now())
  if (lifetime <= 0) throw REFUSALS.expired('within the tolerance of clocks, but over')
  const use = { client: CLIENT, downstream, scopes, lifetime, sessionName }
  const access = await accessFor(statement, use, services)
  if (!access.granted) throw new WebIdentityError('AccessDenied', REFUSED[access.refusal], access.refusal)
  const id = await sha256(access.token)
  return {
    statement,
    server: downstream.name,
    sessionName,
    sessionToken: access.token,
    // Letters and digits alone, as SDKs check. Nothing is signed with the secret, and nothing accepts it.
    accessKeyId: `MCPB${id
      .replaceAll(/[^A-Za-z0-9]/g, '')
      .slice(0, 16)
      .toUpperCase()}`,
    secretAccessKey: randomId(30),
    expiresAt: access.expiresAt,
  }
}

const REFUSALS: Readonly<Record<'expired' | 'invalid' | 'unknown', (why: string) => WebIdentityError>> = {
  expired: (why) => new WebIdentityError('ExpiredTokenException', 'the web identity token has expired: get a new one', why),
  invalid: (why) => new WebIdentityError('InvalidIdentityToken', 'the web identity token is not valid here', why),
  unknown: (why) =>
    new WebIdentityError('IDPCommunicationError', 'the keys of the identity provider can not be fetched: try again', why),
}

/** Parameters of AWS that would narrow what the credentials may do: ignoring them would give more than was asked for. */
const NARROWING = /^(?:Policy|PolicyArns\..+|ProviderId)$/

function assertIsAssumeRole(parameters: URLSearchParams): void {
  for (const name of new Set(parameters.keys())) {
    // A request that was put together wrongly may hold a token where a name belongs; only names are repeated.
    const named = /^[A-Za-z]{1,40}$/.test(name) ? name : 'a parameter'
    if (parameters.getAll(name).length > 1) throw invalid(`${named} was given more than once`)
    if (NARROWING.test(name))
      throw invalid(`${name.split('.')[0]} is not supported: the credentials are for one server as a whole`)
  }
  const action = parameters.get('Action') ?? ''
  if (action === '') throw new WebIdentityError('MissingAction', 'the request names no Action')
  if (action !== ACTION) throw new WebIdentityError('InvalidAction', `the only Action here is ${ACTION}`)
  const version = parameters.get('Version') ?? VERSION
  if (version !== VERSION) throw invalid(`the only Version here is ${VERSION}`)
}

function sessionNameIn(parameters: URLSearchParams): string {
  const name = parameters.get('RoleSessionName') ?? 'session'
  if (!/^[\w+=,.@-]{2,64}$/.test(name)) throw invalid('RoleSessionName has 2 to 64 letters, digits and any of _+=,.@-')
  return name
}

/** The name alone, or as the resource name of AWS that its SDKs insist on: `arn:aws:iam::000000000000:role/_default`. */
function roleIn(parameters: URLSearchParams, downstreams: readonly Downstream[]): Downstream {
  const name = required(parameters, 'RoleArn').replace(/^arn:[\w-]*:iam::\d*:role\//, '')
  const [first, ...others] = downstreams
  const usual = others.length === 0 ? first : downstreams.find((downstream) => downstream.name === 'mcp')
  const downstream = name === DEFAULT_ROLE ? usual : downstreams.find((one) => one.name === name)
  if (!downstream) throw invalid('RoleArn is _default, or the name of a server that is brokered here')
  return downstream
}

function durationIn(parameters: URLSearchParams, longest: number): number {
  const text = parameters.get('DurationSeconds') ?? String(Math.min(USUAL_SESSION, longest))
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (seconds >= SHORTEST_SESSION && seconds <= longest) return seconds
  throw invalid(`DurationSeconds is a number from ${SHORTEST_SESSION} to ${longest}`)
}

function required(parameters: URLSearchParams, name: string): string {
  const value = parameters.get(name) ?? ''
  if (value === '') throw invalid(`${name} is missing`)
  return value
}

function invalid(message: string): WebIdentityError {
  return new WebIdentityError('ValidationError', message)
}
