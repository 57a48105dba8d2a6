// Revocation: how a grant, or everything a person has, ends; resolved when every stream of it is closed (ARCHITECTURE.md, law 1).
import { measures } from '../platform/measures.ts'
import { log } from '../platform/telemetry.ts'
import type { CloseReason } from './contract/leash-terms.ts'
import { closedAt, closingOf, THEMSELVES, type By, type Ended } from './contract/receipt.ts'
import { SIGNAL_ACTOR } from './contract/signal.ts'
import type { SessionContext } from './session-context.ts'
import { isExchanged, type Grant, type RevocationReason } from './store/grants.ts'
import type { SecurityEvent } from './store/outbox.ts'

/** What ending one grant takes. */
export type GrantRevocation = OpenStreams &
  Pick<SessionContext, 'grants' | 'subjects' | 'provider' | 'outbox' | 'transmissions' | 'now'>

/** What ending everything takes. */
export type Revocation = GrantRevocation & Pick<SessionContext, 'links' | 'pages' | 'credentials'>

/** Ends one grant; resolves when its streams are closed. */
export async function endGrant(
  context: GrantRevocation,
  grant: Grant,
  why: RevocationReason,
  reason: CloseReason = 'credential_revoked',
  by?: By,
): Promise<Ended> {
  const beganAt = Date.now()
  context.grants.revoke(grant, why, context.now())
  const revoked = closedAt(Date.now())
  // The program that opened it still has the token it did so with.
  if (why === 'administrator' && isExchanged(grant)) context.subjects.revoke(context.now())
  // With the last permission goes what the broker holds at the identity provider.
  if (context.grants.allLive(context.now()).length === 0) context.provider.end()
  log('info', 'grant.ended', { grant: grant.id, client: grant.clientId, why })
  const [ended] = await Promise.all([
    endStreams(context, reason, grant.id),
    context.outbox.put({ type: 'grant_ended', at: context.now(), ...described(grant), ...(by ?? { reason: why }) }),
    context.transmissions.put([grant], why),
  ])
  await Promise.all([written(), context.carrier().farewells()])
  measures.observe('revocations', (Date.now() - beganAt) / 1000, 'grant')
  return { ...ended, grants: 1, closing: closingOf([revoked, ended.closing]) }
}

/** Which sessions of the pages stay when everything ends: all of them, or the one in which it was ordered. */
export type PagesSpared = 'all' | { readonly session: string }

/** Ends everything the person has; resolves when every stream is closed. */
export async function endEverything(context: Revocation, why: RevocationReason, by?: By, spared?: PagesSpared): Promise<Ended> {
  const beganAt = Date.now()
  const now = context.now()
  const live = context.grants.allLive(now)
  for (const grant of live) context.grants.revoke(grant, why, now)
  const revoked = live.length > 0 ? closedAt(Date.now()) : undefined
  context.provider.end()
  const links = context.links.all().length
  context.links.endAll()
  context.subjects.revoke(now)
  const pages = spared === 'all' ? 0 : context.pages.endAll(spared?.session)
  // What an administrator does is written down whatever comes of it; of anybody else only what ended something.
  const isOrdered = by !== undefined && by.actor !== THEMSELVES && !by.actor.startsWith(SIGNAL_ACTOR)
  const isNews = live.length + links + pages > 0 || isOrdered
  context.credentials.forget()
  log('info', 'person.ended', { grants: live.length, why })
  const [ended] = await Promise.all([
    endStreams(context, 'credential_revoked'),
    isNews ? context.outbox.put({ type: 'person_ended', at: now, ...(by ?? { reason: why }) }) : undefined,
    context.transmissions.put(live, why),
  ])
  await Promise.all([written(), context.carrier().farewells()])
  measures.observe('revocations', (Date.now() - beganAt) / 1000, 'person')
  return { ...ended, grants: live.length, closing: closingOf([revoked, ended.closing]) }
}

/** Whatever carries something, or may answer without asking. */
export type OpenStreams = Pick<SessionContext, 'carrier' | 'leashes' | 'leases'>
type EndedStreams = Pick<Ended, 'streams' | 'unanswered' | 'closing'>

/** Ends what is open of a grant, or of the person. */
export async function endStreams(open: OpenStreams, reason: CloseReason, grantId?: string): Promise<EndedStreams> {
  const [owned, { streams, unanswered, closing }] = await Promise.all([
    endOwned(open, reason, grantId),
    endInRouters(open, reason, grantId),
  ])
  return { streams: owned.streams + streams, unanswered, closing: closingOf([owned.closing, closing]) }
}

async function endOwned(
  { carrier }: Pick<OpenStreams, 'carrier'>,
  reason: CloseReason,
  grantId?: string,
): Promise<Omit<EndedStreams, 'unanswered'>> {
  const streams = await carrier().end(reason, grantId)
  return { streams, closing: streams > 0 ? closedAt(Date.now()) : undefined }
}

/**
 * Ends what routers carry, and takes back what they may answer without asking. Resolved when each of them has said that it did, or can
 * not do anything any more.
 */
export async function endInRouters(
  { leashes, leases }: Omit<OpenStreams, 'carrier'>,
  reason: CloseReason,
  grantId?: string,
): Promise<EndedStreams> {
  const [leashed, leased] = await Promise.all([
    leashes.pull(reason, grantId),
    leases.drop((lease) => grantId === undefined || lease.grantId === grantId),
  ])
  const closing = closingOf([leashed.closing, leased.closing])
  return { streams: leashed.streams, unanswered: leashed.unanswered + leased.unanswered, closing }
}

/**
 * An ended stream may have an event on its way to the socket. A turn later it has been written: no byte of it follows the answer to
 * the revocation.
 */
async function written(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0))
}

/** What a security event says of a grant. */
export function described({
  id,
  clientId,
  clientName,
  resource,
}: Grant): Pick<SecurityEvent, 'grantId' | 'clientId' | 'clientName' | 'resource'> {
  return { grantId: id, clientId, clientName, resource }
}
