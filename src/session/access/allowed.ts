// Who may use a downstream, and what ends when somebody may not any more. Judged by what the identity provider last said, and by the
// settings as they are now: nothing about it is stored, so a change of either counts from the next request on.
import type { Identity } from '../../caller.ts'
import { log } from '../../platform/telemetry.ts'
import { downstreamFor, type Downstream } from '../../settings/downstreams.ts'
import { meansPerson } from '../../settings/people.ts'
import type { Grant } from '../store/grants.ts'
import { NOTHING_ENDED, sumOfEnded, type Ended } from '../contract/receipt.ts'
import { endStreams, type OpenStreams } from '../revocation.ts'
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
export async function useNewIdentity(context: IdentityUse): Promise<Ended> {
  context.credentials.forget()
  const [dropped, ended] = await Promise.all([context.leases.drop(), endDisallowed(context), context.outbox.report()])
  // What is asked again is no ending; what nobody could ask about went on until its time was over.
  return dropped.unanswered === 0 ? ended : sumOfEnded([ended, { ...NOTHING_ENDED, ...dropped }])
}

/** Ends what is open where the person may not go on. The grant stays: whoever comes back into the group needs no new sign-in. */
export async function endDisallowed(context: AccessRules & OpenStreams & Pick<SessionContext, 'grants' | 'now'>): Promise<Ended> {
  const grants = context.grants.allLive(context.now())
  return sumOfEnded(
    await Promise.all(
      grants.map((grant) => (isAllowed(context, grant) ? endCallsOf(context, grant) : endStreamsOf(context, grant))),
    ),
  )
}

async function endStreamsOf(context: OpenStreams, { id, clientId }: Grant): Promise<Ended> {
  const ended = await endStreams(context, 'policy_changed', id)
  if (ended.streams > 0) log('info', 'grant.not_allowed', { grant: id, client: clientId, streams: ended.streams })
  return { ...NOTHING_ENDED, ...ended }
}

/** What is still being called, and may not be any more. */
async function endCallsOf({ carrier, leashes }: OpenStreams, { id }: Grant): Promise<Ended> {
  const isForbidden = (stream: { readonly grantId: string; readonly label: string }): boolean =>
    stream.grantId === id && !carrier().mayGoOn(stream)
  const leashed = leashes.open().filter(isForbidden)
  const pulled = await Promise.all(leashed.map(({ streamId }) => leashes.pullStream('policy_changed', streamId)))
  const owned = carrier().open().filter(isForbidden)
  const ended = owned.map((stream) => ({ streams: carrier().endStream('policy_changed', stream.id) }))
  return sumOfEnded([...pulled, ...ended].map((streams) => ({ ...NOTHING_ENDED, ...streams })))
}
