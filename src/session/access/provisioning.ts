// What a company's directory has told of the person by SCIM, and what follows when it has changed.
import type { Identity } from '../../caller.ts'
import type { By, Ended } from '../contract/receipt.ts'
import { endEverything, type Revocation } from '../revocation.ts'
import type { SessionContext } from '../session-context.ts'
import { useNewIdentity, type AccessRules } from './allowed.ts'

type ProvisioningContext = Pick<SessionContext, 'profile' | 'provisioned' | 'settings'>

/**
 * Asks what counts for somebody now; to be called before anything is opened for them. Rejects while the Directory is away: then nobody knows.
 * True when anything a downstream is told has changed.
 */
export async function learnProvisioned(
  { profile, provisioned, settings }: ProvisioningContext,
  said = profile.said,
): Promise<boolean> {
  // What an administrator gave a machine is in no company's directory.
  if (!said || said.issuer === settings.baseUrl) return false
  const { issuer, groups }: Identity = said
  const question = profile.ask()
  return profile.provision(question, await provisioned({ issuer, groups }))
}

/** Something has changed for this person, or for everybody: when this resolves nothing is open that may not be. */
export async function learn(context: ProvisioningContext & AccessRules & Revocation, by: By): Promise<Ended> {
  const { profile, outbox, now } = context
  const wasDeactivated = profile.isDeactivated
  await learnProvisioned(context)
  if (profile.isDeactivated) {
    const ended = await endEverything(context, 'administrator', by)
    if (!wasDeactivated) await outbox.put({ type: 'person_blocked', at: now(), ...by })
    return ended
  }
  if (wasDeactivated) await outbox.put({ type: 'person_unblocked', at: now(), ...by })
  return await useNewIdentity(context)
}
