// A person's connection to a downstream that wants them to sign in there: made, used, and ended together with what rests on it.
import { log } from '../../platform/telemetry.ts'
import { downstreamFor, type Downstream } from '../../settings/downstreams.ts'
import type { Refused } from '../contract/admission.ts'
import type { Link } from '../contract/link-client.ts'
import type { SessionContext } from '../session-context.ts'
import { endGrant, type GrantRevocation } from '../revocation.ts'
import { sumOfEnded, type By, type Ended } from '../contract/receipt.ts'

/** Seconds a client is asked to wait while an authorization server does not answer. */
const TRY_AGAIN_AFTER = 5
/** A token this close to its end is renewed first, so that it does not die on the way. */
export const LINK_MARGIN = 30

export interface LinkMade {
  /** Our own resource. */
  readonly resource: string
  readonly link: Link
  /** The sign-in that waits for it; absent when the person came from their own page. */
  readonly signIn?: { readonly grantId: string; readonly jti: string }
  /** When the person was sent there, unix seconds. */
  readonly since: number
}

/** What a person sees of a connection. */
export interface LinkState {
  readonly resource: string
  readonly issuer: string
  /** What has to be asked for the next time. */
  readonly scopes: readonly string[]
}

/** Whether a sign-in for this resource has to lead by the downstream's own, and what that is to be asked for besides. */
export function linkWanted(
  { settings, links }: Pick<SessionContext, 'settings' | 'links'>,
  resource: string,
): { readonly scopes: readonly string[] } | undefined {
  const downstream = downstreamFor(settings, resource)
  if (downstream?.auth !== 'oauth') return undefined
  const missing = links.missing(resource)
  return links.find(resource) && missing.length === 0 ? undefined : { scopes: scopesWith(links.find(resource), missing) }
}

/** SEP-2350: whoever asks for more asks for what there was as well. */
function scopesWith(link: Link | undefined, missing: readonly string[]): readonly string[] {
  return missing.length === 0 ? [] : [...new Set([...(link?.scopes ?? []), ...missing])]
}

/** Undefined when what it was made for has ended meanwhile: then nothing is kept. Else until when the waiting code is good. */
export async function keepLink(
  context: Pick<SessionContext, 'codes' | 'grants' | 'links' | 'now' | 'profile' | 'settings' | 'subjects' | 'takenBack'>,
  made: LinkMade,
): Promise<{ readonly codeExpiresAt: number } | undefined> {
  const { resource, link, signIn, since } = made
  const waiting = signIn && context.grants.live(signIn.grantId, context.now())
  const { isClientBlocked, notBefore } = await context.takenBack({ resource, ...(waiting && { clientId: waiting.clientId }) })
  const isTakenBack = isClientBlocked || (waiting?.createdAt ?? since) <= notBefore
  // A grant that waits has ended exactly when it was taken back. Without one there are only seconds, and the same second counts as before.
  const isOver = (): boolean =>
    context.profile.isBlocked ||
    (signIn ? context.grants.live(signIn.grantId, context.now()) === undefined : since <= context.subjects.revokedAt)
  if (isTakenBack || isOver()) {
    context.links.decline(link)
    return undefined
  }
  const madeAt = waiting?.createdAt ?? since
  if (!(await context.links.begin(resource, { ...link, madeAt }, context.now()))) return undefined
  if (isOver()) {
    context.links.end(resource)
    return undefined
  }
  log('info', 'link.made', { resource, issuer: link.issuer })
  const codeExpiresAt = context.now() + context.settings.limits.codeTtl
  // The client gets its code only now; the time it has to redeem it begins now, too.
  if (signIn) context.codes.extend(signIn.jti, codeExpiresAt)
  return { codeExpiresAt }
}

/** Ends a connection, and every grant that is worth nothing without it: clients sign in again, and are led by the downstream. */
export async function endLink(
  context: GrantRevocation & Pick<SessionContext, 'links'>,
  resource: string,
  why: string,
  by?: By,
): Promise<Ended> {
  const had = context.links.end(resource)
  if (had) log('info', 'link.ended', { resource, why })
  const grants = context.grants.allLive(context.now()).filter((grant) => grant.resource === resource)
  const ended = await Promise.all(grants.map((grant) => endGrant(context, grant, 'not_linked', 'credential_revoked', by)))
  return sumOfEnded(ended)
}

/** The credential for a downstream of the mode `oauth`, renewed where it has to be. */
export async function linkedCredential(
  context: GrantRevocation & Pick<SessionContext, 'links'>,
  { resource }: Downstream,
): Promise<{ readonly authorization: string } | Refused> {
  const { links, now } = context
  const link = links.find(resource)
  if (!link) return REFUSED_UNLINKED
  if (link.expiresAt === undefined || link.expiresAt > now() + LINK_MARGIN) return bearer(link)
  const { outcome } = link.refreshToken === undefined ? ({ outcome: 'unavailable' } as const) : await links.refresh(resource)
  const fresh = links.find(resource)
  if ((outcome === 'refreshed' || outcome === 'superseded') && fresh) return bearer(fresh)
  if (outcome === 'superseded') return REFUSED_UNLINKED
  if (outcome === 'unavailable' && link.expiresAt > now()) return bearer(link)
  if (outcome === 'unavailable' && link.refreshToken !== undefined)
    return { admitted: false, reason: 'auth_unavailable', retryAfter: TRY_AGAIN_AFTER }
  await endLink(context, resource, 'it could not be renewed')
  return REFUSED_UNLINKED
}

export const REFUSED_UNLINKED: Refused = { admitted: false, reason: 'not_linked' }

function bearer({ accessToken }: Link): { readonly authorization: string } {
  return { authorization: `Bearer ${accessToken}` }
}

/** Ends connections that nobody has signed in for as long as a session may last; true when there are others. */
export function sweepLinks({ links, settings, now }: Pick<SessionContext, 'links' | 'settings' | 'now'>): boolean {
  for (const { resource, usedAt } of links.all()) if (usedAt + settings.limits.sessionTtl <= now()) links.end(resource)
  return links.all().length > 0
}

export function linkStates(context: Pick<SessionContext, 'links' | 'settings'>): readonly LinkState[] {
  return context.links
    .all()
    .map(({ resource, issuer }) => ({ resource, issuer, scopes: linkWanted(context, resource)?.scopes ?? [] }))
}
