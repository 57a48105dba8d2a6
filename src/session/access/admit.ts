// Admission: may this caller go on, and as whom. In memory but for the first use of a refresh generation.
import type { Caller, Identity } from '../../caller.ts'
import { downstreamFor, type Downstream } from '../../settings/downstreams.ts'
import type { Admission, Refused, Vouched } from '../contract/admission.ts'
import { isAllowed, mayUse } from './allowed.ts'
import { askProvider, type ProviderQuestion } from './ask-provider.ts'
import type { Grant } from '../store/grants.ts'
import { linkedCredential } from './own-sign-in.ts'
import { noteUse } from './machine.ts'
import type { SessionContext } from '../session-context.ts'
import { toldGroups } from './told-groups.ts'

/** What an admission takes: what can vouch for the person, and what counts and notes the request. */
export type AdmissionContext = ProviderQuestion & Pick<SessionContext, 'bucket' | 'load' | 'recent' | 'recorder' | 'uses'>

/** Seconds a client is asked to wait while the identity provider does not answer. */
const TRY_AGAIN_AFTER = 5

/** A token this close to its end is renewed first, in seconds, so that the downstream never sees it die on the way. */
export const IDP_TOKEN_MARGIN = 60

/** `count`: how many messages the request brings, each of which costs the downstream a request; none, where a router renews its lease. */
export async function admit(context: AdmissionContext, caller: Caller, label: string, count = 1): Promise<Admission> {
  if (context.leases.out().length > 0) await haveReturned(context, caller, count)
  const now = context.now()
  const grant = context.grants.live(caller.grantId, now)
  const { identity } = context.profile
  const downstream = downstreamFor(context.settings, caller.resource)
  if (!grant || !identity || context.profile.isBlocked || !downstream || !speaksFor(caller, grant, now))
    return notLive(context, caller.grantId, now)
  const admission = await admitLive(context, caller, { grant, identity, downstream, now, count })
  const { clientId, clientName, resource } = grant
  if (count > 0)
    context.recent.note({ at: now, clientId, clientName, resource, label }, admission.admitted ? undefined : admission.reason)
  return admission
}

/** Where the allowance does not reach, routers give back what they have of it first; for a moment, because the answer waits. */
async function haveReturned({ grants, bucket, leases, now }: AdmissionContext, caller: Caller, count: number): Promise<void> {
  if (bucket.has(Date.now(), caller.resource, count) || !grants.live(caller.grantId, now())) return
  await Promise.race([leases.drop(), new Promise((resolve) => setTimeout(resolve, RETURN_WITHIN_MS))])
}

const RETURN_WITHIN_MS = 250

interface Live {
  readonly grant: Grant
  readonly identity: Identity
  readonly downstream: Downstream
  readonly now: number
  readonly count: number
}

/** A question of the broker's own to a downstream, on behalf of the person's request: why it may not be asked; otherwise it counts like one of theirs. */
export function charge({ bucket }: Pick<SessionContext, 'bucket'>, resource: string, count = 1): Refused | undefined {
  const { allowed, retryAfter, ...rate } = bucket.spend(Date.now(), resource, count)
  return allowed ? undefined : { admitted: false, reason: 'limit_exceeded', retryAfter, rate }
}

// The order matters: a grant that is over costs nothing from the bucket, and nothing is signed for a person over the limit.
async function admitLive(
  context: AdmissionContext,
  caller: Caller,
  { grant, identity, downstream, now, count }: Live,
): Promise<Admission> {
  const recording = context.recorder.watching(grant.id, now)
  const watched = recording && { recording }
  if (!mayUse(downstream, identity, context.settings.baseUrl)) return { ...watched, admitted: false, reason: 'access_denied' }
  const { allowed, retryAfter, ...rate } = context.bucket.spend(Date.now(), downstream.resource, count)
  if (!allowed) return { ...watched, admitted: false, reason: 'limit_exceeded', retryAfter, rate }
  if (context.checks.isUnconfirmed(now)) {
    // Not awaited: the answer is no, and whoever comes again finds what the provider has said meanwhile.
    void context.checks.askSoon(now)
    return { ...watched, admitted: false, reason: 'auth_unavailable', retryAfter: TRY_AGAIN_AFTER, rate }
  }
  context.uses.note(grant, now)
  if (count > 0) context.load.request()
  if (caller.generation > grant.usedGeneration) context.grants.markUsed(grant, caller.generation)
  if (identity.issuer === context.settings.baseUrl) await noteUse(context)
  const vouched = await vouchFor(context, grant, downstream)
  return 'reason' in vouched ? { ...watched, ...vouched, rate } : { ...watched, ...vouched, admitted: true, rate }
}

/** What the downstream is told about the person of a grant; also for requests the broker makes by itself to keep a stream going. */
export async function vouchFor(
  context: ProviderQuestion,
  grant: Grant,
  downstream: Downstream,
  purpose: 'request' | 'farewell' = 'request',
): Promise<Vouched | Refused> {
  const { identity } = context.profile
  if (!identity) return notLive(context, grant.id, context.now())
  if (purpose !== 'farewell' && !isAllowed(context, grant)) return { admitted: false, reason: 'access_denied' }
  if (downstream.auth === 'none') return told(context, identity, downstream, {})
  if (downstream.auth === 'static')
    return told(context, identity, downstream, { ...(downstream.headers && { headers: downstream.headers }) })
  const credential = await (purpose === 'farewell' ? credentialAtHand : credentialFor)(context, downstream, grant, context.now())
  if (!credential) return { admitted: false, reason: 'auth_unavailable', retryAfter: TRY_AGAIN_AFTER }
  if ('reason' in credential) return credential
  if (purpose === 'farewell') return told(context, identity, downstream, credential)
  // Signing and refreshing take a moment in which the grant may have ended, or the person may have left a group.
  if (!context.grants.live(grant.id, context.now())) return notLive(context, grant.id, context.now())
  return isAllowed(context, grant)
    ? told(context, identity, downstream, credential)
    : { admitted: false, reason: 'access_denied' }
}

const TOO_LARGE: Refused = { admitted: false, reason: 'identity_too_large' }

/** With as many groups as fit beside the credential. */
function told(
  context: Pick<SessionContext, 'settings'>,
  identity: Identity,
  downstream: Downstream,
  credential: Omit<Vouched, 'identity'>,
): Vouched | Refused {
  const { authorization = '', idpAccessToken: token = '', headers = {} } = credential
  const isOurs = downstream.auth === 'identity-jwt' || downstream.auth === 'access-service-token'
  const secrets = Object.values(headers).reduce((sum, value) => sum + value.length, 0)
  const foreign = isOurs ? 0 : authorization.length + token.length + secrets
  const groups = toldGroups(identity, downstream, context.settings, foreign)?.header
  if (!groups) return TOO_LARGE
  return { identity, ...(groups !== identity.groups && { groups }), ...credential }
}

function speaksFor(caller: Caller, grant: Grant, now: number): boolean {
  return grant.clientId === caller.clientId && grant.resource === caller.resource && caller.expiresAt > now
}

function notLive({ grants }: Pick<SessionContext, 'grants'>, grantId: string, now: number): Refused {
  const grant = grants.find(grantId)
  const isOver = grant !== undefined && grants.isOver(grant, now)
  return { admitted: false, reason: isOver ? 'session_expired' : 'credential_revoked' }
}

interface Credential {
  readonly authorization: string
  readonly idpAccessToken?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Nothing is renewed to say that it is over. */
async function credentialAtHand(
  context: ProviderQuestion,
  downstream: Downstream,
  grant: Grant,
  now: number,
): Promise<Credential | Refused | undefined> {
  const { auth, resource } = downstream
  const kept = auth === 'oauth' ? context.links.find(resource) : context.provider.tokens
  const renews = auth === 'oauth' || auth === 'idp-token'
  const isGood = kept !== undefined && (kept.expiresAt === undefined || kept.expiresAt > now + 60)
  return renews && !isGood ? undefined : await credentialFor(context, downstream, grant, now)
}

async function credentialFor(
  context: ProviderQuestion,
  downstream: Downstream,
  grant: Grant,
  now: number,
): Promise<Credential | Refused | undefined> {
  const { identity } = context.profile
  const { auth, headers } = downstream
  // A service token lets the broker through Access and says nothing about anybody: that Authorization is free for.
  if ((auth === 'identity-jwt' || auth === 'access-service-token') && identity) {
    const groups = toldGroups(identity, downstream, context.settings)?.jwt
    if (!groups) return TOO_LARGE
    const claims = { identity, groups, clientId: grant.clientId, grantId: grant.id, audience: downstream.url }
    return { authorization: await context.credentials.identityJwt(claims, now), ...(headers && { headers }) }
  }
  if (auth === 'oauth') return await linkedCredential(context, downstream)
  const token = await idpAccessToken(context, now)
  return token === undefined ? undefined : { authorization: `Bearer ${token}`, idpAccessToken: token }
}

async function idpAccessToken(context: ProviderQuestion, now: number): Promise<string | undefined> {
  const { tokens } = context.provider
  if (tokens && (tokens.expiresAt === undefined || tokens.expiresAt > now + IDP_TOKEN_MARGIN)) return tokens.accessToken
  const { outcome } = await askProvider(context)
  const fresh = context.provider.tokens
  // Superseded by a sign-in: what that brought is as new as what was asked for.
  const isGood = outcome === 'refreshed' || (outcome === 'superseded' && (fresh?.expiresAt ?? Infinity) > now)
  return isGood ? fresh?.accessToken : undefined
}
