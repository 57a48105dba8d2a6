// What an administrator, or the person, may do to a session: see what is open, end some of it or all, block and unblock.
import type { Identity } from '../../caller.ts'
import type { StreamDetail } from '../streams/carrier.ts'
import type { BulkAction } from '../store/bulk-action-log.ts'
import type { Grant } from '../store/grants.ts'
import type { LeashedStream } from '../contract/leash-terms.ts'
import type { PersonSummary } from '../store/outbox.ts'
import type { RecentRequest } from '../store/recent-requests.ts'
import type { RecordingTerms } from '../contract/recording.ts'
import { endLink } from '../access/own-sign-in.ts'
import {
  closedAt,
  closingOf,
  NOTHING_ENDED,
  receiptOfOne,
  sumOfEnded,
  THEMSELVES,
  type AdminAction,
  type Receipt,
  type By,
  type Ended,
} from '../contract/receipt.ts'
import type { SessionContext } from '../session-context.ts'
import { described, endEverything, endGrant, type GrantRevocation, type PagesSpared, type Revocation } from '../revocation.ts'

interface GrantDetail extends Pick<Grant, 'id' | 'clientId' | 'clientName' | 'resource' | 'scopes' | 'createdAt' | 'endsAt'> {
  readonly mcpSessions: number
}

export interface PersonDetail {
  readonly sub: string
  readonly identity: Identity
  readonly blocked: boolean
  /** Present where the company's directory has shut them out, and it alone can let them in. */
  readonly deactivated?: true
  /** Unix seconds of the last sign-in or refresh. */
  readonly lastSeenAt: number
  readonly grants: readonly GrantDetail[]
  readonly streams: readonly StreamDetail[]
  /** Newest first. */
  readonly requests: readonly RecentRequest[]
  /** Present while an administrator has what passes recorded. */
  readonly recording?: RecordingTerms
}

export type Target =
  | { readonly what: 'everything' }
  | { readonly what: 'grant' | 'client' | 'resource' | 'mcp_session' | 'stream'; readonly id: string }

export function describePerson(
  context: Pick<SessionContext, 'carrier' | 'grants' | 'leashes' | 'mcpSessions' | 'now' | 'profile' | 'recent' | 'recorder'>,
  sub: string,
): PersonDetail | undefined {
  const { identity, isBlocked, lastSeenAt } = context.profile
  if (!identity) return undefined
  const sessions = context.mcpSessions.all()
  const grants = context.grants.allLive(context.now()).filter(({ generation }) => generation > 0)
  const recording = context.recorder.terms(context.now())
  return {
    ...(recording && { recording }),
    sub,
    identity,
    blocked: isBlocked,
    ...(context.profile.isDeactivated && { deactivated: true as const }),
    lastSeenAt,
    grants: grants.map(({ id, clientId, clientName, resource, scopes, createdAt, endsAt }) => {
      const mcpSessions = sessions.filter(({ grantId }) => grantId === id).length
      return { id, clientId, clientName, resource, scopes, createdAt, endsAt, mcpSessions }
    }),
    requests: context.recent.newestFirst(),
    streams: [...context.leashes.open().map(leashed), ...context.carrier().open()].map((stream) => {
      return { ...stream, software: stream.software ?? context.carrier().softwareOf(stream) }
    }),
  }
}

/** The same for somebody who watches: how far each stream is too. The routers are asked, which costs a silent stream nothing before. */
export async function watchPerson(
  context: Parameters<typeof describePerson>[0] & Pick<SessionContext, 'leases'>,
  sub: string,
): Promise<PersonDetail | undefined> {
  const [counted] = await Promise.all([context.leashes.traffic(), context.leases.pause()])
  // Described after the wait: what has ended meanwhile is not shown.
  const person = describePerson(context, sub)
  return (
    person && {
      ...person,
      streams: person.streams.map((stream) => ({
        ...stream,
        traffic: counted.get(stream.id) ?? context.carrier().traffic(stream.id),
      })),
    }
  )
}

/** What the Directory keeps; undefined once nobody is known here any more. */
export function summaryOf(
  { profile, grants, links, now }: Pick<SessionContext, 'profile' | 'grants' | 'links' | 'now'>,
  sub: string,
): Omit<PersonSummary, 'number'> | undefined {
  const { identity, isBlocked, lastSeenAt } = profile
  if (!identity) return undefined
  const live = grants.allLive(now()).filter(({ generation }) => generation > 0)
  const clientIds = [...new Set(live.map(({ clientId }) => clientId))]
  const resources = [...new Set(live.map(({ resource }) => resource))]
  const linked = links.all().map(({ resource, madeAt }) => ({ resource, madeAt }))
  return { sub, identity, blocked: isBlocked, liveGrants: live.length, clientIds, resources, links: linked, lastSeenAt }
}

function leashed({ streamId, grantId, kind, label, software, openedAt }: LeashedStream): StreamDetail {
  return { id: streamId, grantId, kind, label, software, openedAt }
}

/** Ends what was named; when this resolves it is over. What is not there has ended already, and counts as nothing. */
async function endTarget(context: Revocation, target: Target, by: By, spared?: PagesSpared): Promise<Ended> {
  if (target.what === 'everything') return endEverything(context, 'administrator', by, spared)
  const { id } = target
  // A program that exchanges need have nothing open at this moment.
  if (target.what === 'client' || target.what === 'resource') context.subjects.revoke(context.now())
  if (target.what === 'stream') return endStream(context, id, by)
  if (target.what === 'mcp_session') return endMcpSession(context, id, by)
  const named: Readonly<Record<typeof target.what, (grant: Grant) => boolean>> = {
    grant: (grant) => grant.id === id,
    client: (grant) => grant.clientId === id,
    resource: (grant) => grant.resource === id,
  }
  const grants = endGrants(context, named[target.what], by)
  const links = target.what === 'resource' ? endLinks(context, [id], by) : undefined
  return sumOfEnded(await Promise.all([grants, links ?? NOTHING_ENDED]))
}

/**
 * What was ordered about this person alone. Its receipt leaves by the outbox, so that it is stored whatever becomes of the answer. What an
 * administrator orders has one whatever came of it; a person who presses a button again and again leaves nothing where nothing ended.
 */
export async function carryOut(
  context: Revocation & Pick<SessionContext, 'profile'>,
  order: AdminAction,
  person?: Identity,
  spared?: PagesSpared,
): Promise<Receipt | undefined> {
  // Somebody whose sessions are long over is known to the Directory alone, and has to be shut out all the same.
  if (!context.profile.identity && person) context.profile.remember(person, context.now())
  const by = { actor: order.by, actorName: order.byName, reason: order.why }
  const ended =
    order.action === 'revoke'
      ? await endTarget(context, targetOf(order), by, spared)
      : await setBlocked(context, order.action === 'block', by)
  if (order.by === THEMSELVES && ended.grants + ended.streams === 0) return undefined
  const receipt = receiptOfOne(order, ended, context.now())
  await context.outbox.putReceipt(receipt)
  return receipt
}

function targetOf({ target: { what, id = '' } }: AdminAction): Target {
  if (what === 'person') return { what: 'everything' }
  if (what === 'everyone' || what === 'machine' || what === 'group' || what === 'provider_session' || what === 'sealing_key')
    throw new Error(`one person is no place for an order about ${what}`)
  return { what, id }
}

/** The same, when it is one of many people who are asked: a second question gets the first answer, unless something is left to do. */
export async function runBulkAction(
  context: Revocation & Pick<SessionContext, 'bulkActions'>,
  target: Target,
  by: By,
  { id, grantedUntil = Infinity }: BulkAction,
): Promise<Ended> {
  const isMeant = ({ createdAt, clientId, resource }: Grant): boolean =>
    createdAt <= grantedUntil && (target.what === 'everything' || target.id === (target.what === 'client' ? clientId : resource))
  const live = context.grants.allLive(context.now())
  const meant = live.filter(isMeant)
  // A link outlives the grants it was made for, and belongs to no client.
  const links = context.links.all()
  const meantLinks = links.filter(
    ({ resource, madeAt }) =>
      madeAt <= grantedUntil && (target.what === 'everything' || (target.what === 'resource' && target.id === resource)),
  )
  const before = context.bulkActions.answered(id) ?? NOTHING_ENDED
  if (meant.length === 0 && meantLinks.length === 0) return before
  // Everything, when nothing is left: then the tokens of the identity provider go too.
  const isAll = target.what === 'everything' && meant.length === live.length && meantLinks.length === links.length
  // The Directory has ended everybody's sessions of the pages, of people who are not asked too, and knows whose is spared.
  const ending = isAll
    ? endEverything(context, 'administrator', by, 'all')
    : Promise.all([
        endGrants(context, isMeant, by),
        endLinks(
          context,
          meantLinks.map(({ resource }) => resource),
          by,
        ),
      ]).then(sumOfEnded)
  // In the turn that revokes: a crash while the streams are being closed leaves both or neither.
  context.bulkActions.remember(id, { ...before, grants: before.grants + meant.length }, context.now())
  try {
    const ended = sumOfEnded([before, await ending])
    context.bulkActions.remember(id, ended, context.now())
    return ended
  } catch (error) {
    // Not done: whoever asks again must not be told that it was.
    context.bulkActions.remember(id, before, context.now())
    throw error
  }
}

async function endMcpSession(context: Pick<SessionContext, 'carrier' | 'now' | 'outbox'>, id: string, by: By): Promise<Ended> {
  const streams = context.carrier().endSession(id)
  if (streams === undefined) return NOTHING_ENDED
  await context.outbox.put({ type: 'session_ended', at: context.now(), ...by })
  return { ...NOTHING_ENDED, streams, ...(streams > 0 && { closing: closedAt(Date.now()) }) }
}

async function endGrants(context: GrantRevocation, which: (grant: Grant) => boolean, by: By): Promise<Ended> {
  const grants = context.grants.allLive(context.now()).filter(which)
  const ended = await Promise.all(grants.map((grant) => endGrant(context, grant, 'administrator', 'credential_revoked', by)))
  return sumOfEnded(ended)
}

/** With them goes what rests on them, however young: it is refused from now on, and must not stay open. */
async function endLinks(
  context: GrantRevocation & Pick<SessionContext, 'links'>,
  resources: readonly string[],
  by: By,
): Promise<Ended> {
  return sumOfEnded(await Promise.all(resources.map((resource) => endLink(context, resource, 'administrator', by))))
}

async function endStream(
  context: Pick<SessionContext, 'carrier' | 'grants' | 'leashes' | 'now' | 'outbox'>,
  id: string,
  by: By,
): Promise<Ended> {
  const grantId = [...context.leashes.open().map(leashed), ...context.carrier().open()].find(
    (stream) => stream.id === id,
  )?.grantId
  const grant = grantId === undefined ? undefined : context.grants.find(grantId)
  const pulled = await context.leashes.pullStream('policy_changed', id)
  const owned = context.carrier().endStream('policy_changed', id)
  const streams = pulled.streams + owned
  const closing = closingOf([pulled.closing, owned > 0 ? closedAt(Date.now()) : undefined])
  if (streams > 0) await context.outbox.put({ type: 'stream_ended', at: context.now(), ...(grant && described(grant)), ...by })
  return { grants: 0, streams, unanswered: pulled.unanswered, closing }
}

/** Blocking ends everything first and last: nothing that comes in between is let in. */
async function setBlocked(context: Revocation & Pick<SessionContext, 'profile'>, blocked: boolean, by: By): Promise<Ended> {
  if (blocked) context.profile.block('administrator')
  else context.profile.unblock('administrator')
  const ended = blocked ? await endEverything(context, 'administrator', by) : NOTHING_ENDED
  await context.outbox.put({ type: blocked ? 'person_blocked' : 'person_unblocked', at: context.now(), ...by })
  return ended
}
