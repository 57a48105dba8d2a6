// Who may use a downstream, and what ends when somebody may not any more. Judged by what the identity provider last said, and by the
// settings as they are now: nothing about it is stored, so a change of either counts from the next request on.
import type { Identity } from '../../caller.ts'
import { log } from '../../platform/telemetry.ts'
import { downstreamFor, type Downstream } from '../../settings/downstreams.ts'
import { meansPerson } from '../../settings/people.ts'
import type { Grant } from '../store/grants.ts'
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
export async function useNewIdentity(context: IdentityUse): Promise<void> {
  context.credentials.forget()
  await Promise.all([context.leases.drop(), endDisallowed(context), context.outbox.report()])
}

/** Ends what is open where the person may not go on. The grant stays: whoever comes back into the group needs no new sign-in. */
export async function endDisallowed(context: AccessRules & OpenStreams & Pick<SessionContext, 'grants' | 'now'>): Promise<void> {
  await Promise.all(
    context.grants
      .allLive(context.now())
      .filter((grant) => !isAllowed(context, grant))
      .map((grant) => endStreamsOf(context, grant)),
  )
}

async function endStreamsOf(context: OpenStreams, { id, clientId }: Grant): Promise<void> {
  const { streams } = await endStreams(context, 'policy_changed', id)
  if (streams > 0) log('info', 'grant.not_allowed', { grant: id, client: clientId, streams })
}
