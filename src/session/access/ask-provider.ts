// What follows from what the identity provider says about a person: everything ends, some of it ends, or nothing has changed.
import { useNewIdentity, type AccessRules } from './allowed.ts'
import { describeError, log } from '../../platform/telemetry.ts'
import { learnProvisioned } from './provisioning.ts'
import type { SessionContext } from '../session-context.ts'
import { endEverything, type Revocation } from '../revocation.ts'
import type { Ended } from '../contract/receipt.ts'
import type { ConfirmationOutcome } from '../contract/token-refresher.ts'

/** What the question takes, and what may follow from its answer. */
export type ProviderQuestion = Revocation & AccessRules & Pick<SessionContext, 'checks' | 'provisioned'>

/** What the provider said, and what ended because of it. */
type ProviderAnswer = ConfirmationOutcome & { readonly ended?: Ended }

/** Asks the identity provider whether it still knows the person, and ends everything when it does not. */
export async function askProvider(context: ProviderQuestion): Promise<ProviderAnswer> {
  const person = context.profile.identity
  if (!person) return { outcome: 'unavailable', why: 'nobody has signed in here' }
  let isOtherwise = false
  const outcome = await context.provider.refresh(context.now(), person, (identity, losesEmail) => {
    // Providers leave out of a refreshed ID token what they gave at sign-in; missing groups, though, mean none.
    const email = identity.email ?? (losesEmail ? undefined : person.email)
    const known = { ...identity, email, name: identity.name ?? person.name }
    isOtherwise = context.profile.remember(known, context.now())
    if (isOtherwise) context.credentials.forget()
  })
  if (outcome.outcome === 'superseded') return outcome
  context.checks.note(outcome.outcome, context.now())
  if (outcome.outcome === 'ended') return { ...outcome, ended: await endEverything(context, 'idp_session_ended') }
  if (isOtherwise) {
    // While the Directory is away what it said last goes on: whoever is connected stays so.
    await learnProvisioned(context).catch((error: unknown) =>
      log('warn', 'directory.not_asked', { reason: describeError(error) }),
    )
    await useNewIdentity(context)
  }
  return outcome
}
