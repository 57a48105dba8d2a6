// What an issuer the operator trusts has signed about a person: subject tokens (RFC 8693) and assertions for a client (ID-JAG).
//
// Nobody signs in with these issuers here, so there is no nonce and no code to hold on to: signature, issuer, audience, kind and time are
// all there is, and each of them is looked at. What needs no key to be refused is refused before anybody is asked for keys.
import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'
import * as z from 'zod'
import { describeError } from '../platform/telemetry.ts'
import type { StatementKind, StatementReaders, Verdict, VerifiedStatement } from '../session/contract/subject-token.ts'
import { KeysAway } from '../oauth-client/key-set.ts'
import { RemoteError } from '../oauth-client/remote-error.ts'
import type { ExchangeSettings } from '../settings/exchange.ts'
import type { SubjectRule } from '../settings/subjects.ts'
import { identityFrom, losesEmail, type Claims } from './claims.ts'
import { Issuer } from './issuer.ts'
import type { IdentityProvider } from './provider.ts'
import { meansSubject } from './subject-rules.ts'
import { CLOCK_TOLERANCE } from '../platform/clock-tolerance.ts'

/** An assertion is used once and at once; what lives longer would have to be remembered for longer. */
const LONGEST_ASSERTION = 3_600
const LONGEST_TOKEN = 16_384

/** RFC 8725 section 3.11: a token of another kind is refused, however good its signature. */
const KINDS: Readonly<Record<StatementKind, readonly TokenKind[]>> = {
  id_token: ['id', 'scoped'],
  access_token: ['access', 'scoped'],
  jwt: ['id', 'access', 'scoped'],
  'id-jag': ['id-jag'],
}

const text = z.string().min(1).max(2_048)
const claimsSchema = z.object({
  sub: z.string().min(1).max(255),
  aud: z.union([text, z.array(text)]).transform((audience) => [audience].flat()),
  exp: z.number(),
  iat: z.number(),
  azp: text.optional(),
  jti: z.string().max(512).default(''),
  client_id: text.optional(),
  resource: z
    .union([text, z.array(text)])
    .default([])
    .transform((resource) => [resource].flat()),
  scope: z.string().optional(),
  // A logout token is signed with the same key and may be an ID token in everything else.
  events: z.undefined('it is a logout token').optional(),
  // RFC 7800: whoever shows such a token has to show the key too, and there is no way here to do so.
  cnf: z.undefined('it is bound to a key').optional(),
  // Where an issuer has several tenants a subject is unique within its tenant alone.
  tenant: z.undefined('it is of one of several tenants').optional(),
})
type StatementClaims = z.output<typeof claimsSchema>

/** Says what is wrong, if anything is. */
type Rule = (claims: StatementClaims, audiences: readonly string[], now: number) => string | false

const EVERY: readonly Rule[] = [
  ({ aud }, audiences) => !aud.some((one) => audiences.includes(one)) && 'it is for another audience',
  ({ iat }, _, now) => iat > now + CLOCK_TOLERANCE && 'it was issued in the future',
]
const RULES: Readonly<Record<'token' | 'id-jag', readonly Rule[]>> = {
  // OpenID Connect Core section 3.1.3.7, steps 4 and 5.
  token: [
    ({ aud, azp }) => aud.length > 1 && azp === undefined && 'it is for several audiences and names no party',
    ({ azp }, audiences) => azp !== undefined && !audiences.includes(azp) && 'it was issued to another party',
  ],
  'id-jag': [
    ({ aud }) => aud.length > 1 && 'it is for others too',
    ({ iat, exp }) => exp - iat > LONGEST_ASSERTION && 'it lives for too long',
    ({ jti }) => jti === '' && 'it has no jti',
  ],
}

/** What is needed of those that people sign in with. */
type Provider = Pick<IdentityProvider, 'issues' | 'stated' | 'signInIssuer'>

interface Terms {
  readonly kind: StatementKind
  readonly audiences: readonly string[]
  readonly allowed?: readonly SubjectRule[] | undefined
  readonly providers: readonly Provider[]
  readonly now: number
}

export interface SubjectTokenOptions {
  /** Our own issuer: whom assertions are for. */
  readonly broker: string
  readonly providers: readonly Provider[]
  /** Unix seconds. */
  readonly now: () => number
}

/** One reader per purpose the settings have opened; call it once per isolate. */
export function statementReaders(
  { subjects, assertionIssuers }: ExchangeSettings,
  options: SubjectTokenOptions,
): StatementReaders {
  const { broker, providers, now } = options
  const subjectIssuer = subjects && new Issuer(subjects.issuer, now)
  const asserting = assertionIssuers.map((issuer) => new Issuer(issuer, now))
  const { audiences = [], allowed } = subjects ?? {}
  return {
    subject:
      subjectIssuer && ((token, kind) => read([subjectIssuer], token, { kind, audiences, allowed, providers, now: now() })),
    assertion:
      asserting.length > 0
        ? (token) => read(asserting, token, { kind: 'id-jag', audiences: [broker], providers, now: now() })
        : undefined,
  }
}

async function read(issuers: readonly Issuer[], token: string, terms: Terms): Promise<Verdict> {
  const issuer = issuers.find((one) => one.isNamedBy(token))
  if (token.length > LONGEST_TOKEN || !issuer) return untrue('it is not of an issuer whose tokens are taken here')
  try {
    const said = saying(token, terms)
    if (typeof said === 'string') return untrue(said)
    await issuer.verify(token)
    return { verified: true, statement: said }
  } catch (error) {
    if (error instanceof KeysAway) return { verified: false, refusal: 'unknown', why: reasonOf(error.cause) }
    const isOver = error instanceof Error && 'code' in error && error.code === 'ERR_JWT_EXPIRED'
    return { verified: false, refusal: isOver ? 'expired' : 'invalid', why: reasonOf(error) }
  }
}

/** What the token says if it is genuine, or why it would not do even then. */
function saying(token: string, { kind, audiences, allowed, providers, now }: Terms): VerifiedStatement | string {
  const payload = decodeJwt(token)
  const tokenKind = tokenKindOf(token, payload)
  if (!KINDS[kind].includes(tokenKind)) return 'it is another kind of token'
  const parsed = claimsSchema.safeParse(payload)
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
  const claims = parsed.data
  // The party of an access token is the client that may call the API it is for; the audience has let that client in already.
  const own = kind === 'id-jag' ? RULES['id-jag'] : tokenKind === 'access' ? [] : RULES.token
  for (const rule of [...EVERY, ...own]) {
    const fault = rule(claims, audiences, now)
    if (fault !== false) return fault
  }
  // Where people sign in with this issuer too, its tokens are read as then: the same person, under the same restrictions.
  const { issuer, stated } = asSignedIn(payload, providers)
  const identity = identityFrom(issuer, stated)
  // Of an address too the rule wants what the issuer vouches for.
  const sure = identity.email === undefined ? { ...payload, email: undefined } : payload
  if (allowed && !meansSubject(allowed, sure)) return 'its subject is none of those that AUTH_SUBJECTS means'
  return {
    identity,
    saysGroups: stated['groups'] !== undefined,
    ...(losesEmail(stated, identity) && { losesEmail: true }),
    issuedAt: claims.iat,
    expiresAt: claims.exp,
    audience: claims.aud.find((one) => audiences.includes(one)) ?? '',
    isAccessToken: tokenKind === 'access' || tokenKind === 'scoped',
    jti: claims.jti,
    clientId: claims.client_id,
    resources: claims.resource,
    scope: claims.scope,
  }
}

/** Of an error of ours the sentence is for people who sign in; what happened is in its detail. */
function reasonOf(error: unknown): string {
  return error instanceof RemoteError ? error.detail : describeError(error)
}

function asSignedIn(payload: JWTPayload, providers: readonly Provider[]): { readonly issuer: string; readonly stated: Claims } {
  const { iss = '' } = payload
  for (const provider of providers) {
    const issuer = provider.signInIssuer?.(iss) ?? (provider.issues(iss) ? iss : undefined)
    if (issuer !== undefined) return { issuer, stated: provider.stated?.(payload) ?? payload }
  }
  return { issuer: iss, stated: payload }
}

/** `scoped` has scopes, which no ID token has, and says nothing else about its kind: it may be either. */
type TokenKind = 'id' | 'access' | 'scoped' | 'id-jag' | 'another'

const BY_TYPE: ReadonlyMap<string, TokenKind> = new Map([
  ['at+jwt', 'access'],
  ['application/at+jwt', 'access'],
  ['oauth-id-jag+jwt', 'id-jag'],
  ['application/oauth-id-jag+jwt', 'id-jag'],
])

/**
 * By its header, and where that says no more than that it is a JWT by a claim of its own: Keycloak says `typ`, Amazon Cognito `token_use`.
 * An access token that is taken for an ID token would live on in what it is exchanged for.
 */
function tokenKindOf(token: string, { typ, token_use: use, scope, scp }: JWTPayload): TokenKind {
  const type = typeOf(token)
  const named = BY_TYPE.get(type)
  if (named !== undefined) return named
  if (type !== '' && type !== 'jwt') return 'another'
  const words = [typ, use].flatMap((word) => (typeof word === 'string' ? [word.toLowerCase()] : []))
  if (words.some((word) => word === 'bearer' || word === 'access')) return 'access'
  if (words.some((word) => /^(?:refresh|offline|logout|serialized-id|.+token)$/.test(word))) return 'another'
  return scope === undefined && scp === undefined ? 'id' : 'scoped'
}

/** In lower case, empty when there is none: media types are compared like that (RFC 7515 section 4.1.9). */
function typeOf(token: string): string {
  try {
    return z
      .object({ typ: z.string().default('') })
      .parse(decodeProtectedHeader(token))
      .typ.toLowerCase()
  } catch {
    return 'unreadable'
  }
}

function untrue(why: string): Verdict {
  return { verified: false, refusal: 'invalid', why }
}
