// Who may use a downstream, and what ends when somebody may not any more. Judged by what the identity provider last said, and by the
// settings as they are now: nothing about it is stored, so a change of either counts from the next request on.
import type { Identity } from '../../caller.ts'
import { log } from '../../platform/telemetry.ts'
import { downstreamFor, type Downstream } from '../../settings/downstreams.ts'
import { meansPerson } from '../../settings/people.ts'
import type { Grant } from '../store/grants.ts'
import { endStreams, type EndedStreams, type OpenStreams } from '../revocation.ts'
import type { SessionContext } from '../session-context.ts'

/** What an administrator gave a machine is decided already; its name is no e-mail address, and it is in no group. */
export function mayUse({ allow }: Downstream, identity: Identity, baseUrl: string): boolean {
  if (!allow || identity.issuer === baseUrl) return true
  return meansPerson(allow, identity)
}

/** What it is judged by. */
export type AccessRules = Pick<SessionContext, 'profile' | 'settings'>

/** What rests on what is known of the person. */
export type IdentityUse = AccessRules & OpenStreams & Pick<SessionContext, 'credentials' | 'grants' | 'now' | 'outbox'>

/** Whether the person of this object may go on with a grant. */
export function isAllowed({ profile, settings }: AccessRules, { resource }: Pick<Grant, 'resource'>): boolean {
  const downstream = downstreamFor(settings, resource)
  return !downstream || !profile.identity || mayUse(downstream, profile.identity, settings.baseUrl)
}

/** What is known of a person has changed: nothing is shown of them that was signed before, and nothing stays open that they may not use. */
export async function useNewIdentity(context: IdentityUse): Promise<EndedStreams> {
  context.credentials.forget()
  const [dropped, ended] = await Promise.all([context.leases.drop(), endDisallowed(context), context.outbox.report()])
  return { ...ended, unanswered: ended.unanswered + dropped.unanswered }
}

/** Ends what is open where the person may not go on. The grant stays: whoever comes back into the group needs no new sign-in. */
export async function endDisallowed(
  context: AccessRules & OpenStreams & Pick<SessionContext, 'grants' | 'now'>,
): Promise<EndedStreams> {
  const [disallowed, allowed] = partition(context.grants.allLive(context.now()), (grant) => !isAllowed(context, grant))
  const ended = await Promise.all([
    ...disallowed.map((grant) => endStreamsOf(context, grant)),
    ...allowed.map((grant) => endCallsOf(context, grant)),
  ])
  return {
    streams: ended.reduce((sum, { streams }) => sum + streams, 0),
    unanswered: ended.reduce((sum, { unanswered }) => sum + unanswered, 0),
  }
}

async function endStreamsOf(context: OpenStreams, { id, clientId }: Grant): Promise<EndedStreams> {
  const ended = await endStreams(context, 'policy_changed', id)
  if (ended.streams > 0) log('info', 'grant.not_allowed', { grant: id, client: clientId, streams: ended.streams })
  return ended
}

/** What is still being called, and may not be any more. */
async function endCallsOf({ carrier, leashes }: OpenStreams, { id }: Grant): Promise<EndedStreams> {
  const isForbidden = (stream: { readonly grantId: string; readonly label: string }): boolean =>
    stream.grantId === id && !carrier().mayGoOn(stream)
  const leashed = leashes.open().filter(isForbidden)
  const pulled = await Promise.all(leashed.map(({ streamId }) => leashes.pullStream('policy_changed', streamId)))
  const owned = carrier().open().filter(isForbidden)
  const ended = owned.map((stream) => carrier().endStream('policy_changed', stream.id))
  return {
    streams: pulled.reduce((sum, { streams }) => sum + streams, 0) + ended.reduce((sum, streams) => sum + streams, 0),
    unanswered: pulled.reduce((sum, { unanswered }) => sum + unanswered, 0),
  }
}

function partition<Item>(items: readonly Item[], isFirst: (item: Item) => boolean): readonly [readonly Item[], readonly Item[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))]
}
