// Who may use a downstream, and what ends when somebody may not any more. Judged by what the identity provider last said, and by the
// settings as they are now: nothing about it is stored, so a change of either counts from the next request on.
import type { Identity } from '../../caller.ts'
import { log } from '../../platform/telemetry.ts'
import { downstreamFor, type Downstream } from '../../settings/downstreams.ts'
import { meansPerson } from '../../settings/people.ts'
import type { Grant } from '../store/grants.ts'
import type { SessionContext } from '../session-context.ts'

/** What an administrator gave a machine is decided already; its name is no e-mail address, and it is in no group. */
export function mayUse({ allow }: Downstream, identity: Identity, baseUrl: string): boolean {
  if (!allow || identity.issuer === baseUrl) return true
  return meansPerson(allow, identity)
}

/** What it is judged by. */
export type AccessRules = Pick<SessionContext, 'profile' | 'settings'>

/** Whether the person of this object may go on with a grant. */
export function isAllowed({ profile, settings }: AccessRules, { resource }: Pick<Grant, 'resource'>): boolean {
  const downstream = downstreamFor(settings, resource)
  return !downstream || !profile.identity || mayUse(downstream, profile.identity, settings.baseUrl)
}

/** Ends what is open where the person may not go on. The grant stays: whoever comes back into the group needs no new sign-in. */
export async function endDisallowed(
  context: AccessRules & Pick<SessionContext, 'grants' | 'leashes' | 'carrier' | 'now'>,
): Promise<void> {
  await Promise.all(
    context.grants
      .allLive(context.now())
      .filter((grant) => !isAllowed(context, grant))
      .map((grant) => endStreamsOf(context, grant)),
  )
}

async function endStreamsOf(context: Pick<SessionContext, 'leashes' | 'carrier'>, { id, clientId }: Grant): Promise<void> {
  const owned = context.carrier().end('policy_changed', id)
  const streams = owned + (await context.leashes.pull('policy_changed', id))
  if (streams > 0) log('info', 'grant.not_allowed', { grant: id, client: clientId, streams })
}
