// What an identity system orders about this person: ended, blocked, let in again or asked about, with a receipt that names the signal.
import type { Identity } from '../../caller.ts'
import { askProvider, type ProviderQuestion } from '../access/ask-provider.ts'
import { NOTHING_ENDED, sumOfEnded, type By, type Ended, type Receipt } from '../contract/receipt.ts'
import { leavesReceipt, receiptOfSignal, type SignalOrder } from '../contract/signal.ts'
import { endEverything, endGrant } from '../revocation.ts'
import type { SessionContext } from '../session-context.ts'
import { isExchanged, type Grant } from '../store/grants.ts'

type Obedience = ProviderQuestion & Pick<SessionContext, 'codes' | 'profile'>

/**
 * When this resolves what it ended is closed. Undefined where nobody is known: then nothing was ended either. `person` is who they are, for
 * blocking somebody who was never here or is forgotten. Doing it again ends what there is then, and nothing twice.
 */
export async function obey(context: Obedience, order: SignalOrder, person?: Identity): Promise<Receipt | undefined> {
  const { profile } = context
  if (!profile.identity && (order.effect !== 'block' || !person)) return undefined
  if (!profile.identity && person) profile.remember(person, context.now())
  const ended = await carriedOut(context, order)
  const receipt = receiptOfSignal(order, ended, context.now())
  if (!leavesReceipt(receipt)) return receipt
  await Promise.all([
    context.outbox.put({
      type: 'signal_received',
      at: context.now(),
      ...byOf(order),
      reason: `${order.why}: ${closed(receipt)}`,
    }),
    context.outbox.putReceipt(receipt),
  ])
  return receipt
}

async function carriedOut(context: Obedience, order: SignalOrder): Promise<Ended> {
  const by = byOf(order)
  const everything = (): Promise<Ended> => endEverything(context, 'idp_logout', by)
  const effects: Readonly<Record<SignalOrder['effect'], () => Promise<Ended>>> = {
    end: everything,
    end_session: () => endSession(context, order.target.id ?? '', everything, by),
    block: () => block(context, everything, by),
    unblock: () => unblock(context, by),
    recheck: () => recheck(context, everything),
  }
  return await effects[order.effect]()
}

/** Blocked first: nothing that comes while the streams are being closed is let in. */
async function block({ profile, outbox, now }: Obedience, everything: () => Promise<Ended>, by: By): Promise<Ended> {
  profile.block('signal')
  const ended = await everything()
  await outbox.put({ type: 'person_blocked', at: now(), ...by })
  return ended
}

async function unblock({ profile, outbox, now }: Obedience, by: By): Promise<Ended> {
  const wasBlocked = profile.isBlocked
  profile.unblock('signal')
  if (wasBlocked && !profile.isBlocked) await outbox.put({ type: 'person_unblocked', at: now(), ...by })
  return NOTHING_ENDED
}

/**
 * Ends what began in one session at the provider, and what may have: sign-ins of providers that name no session. What a program exchanged
 * tokens for is none. With any of it go the sessions of the pages, of which nobody knows where they began. A session under which nobody
 * ever signed in here may be one by another name: then everything ends.
 */
async function endSession(context: Obedience, session: string, everything: () => Promise<Ended>, by: By): Promise<Ended> {
  const sessionOf = ({ id }: Grant): string | undefined => context.codes.providerSessionOf(id)
  if (!context.grants.all().some((grant) => sessionOf(grant) === session)) return await everything()
  const isMeant = (grant: Grant): boolean => (sessionOf(grant) ?? (isExchanged(grant) ? undefined : session)) === session
  const grants = context.grants.allLive(context.now()).filter(isMeant)
  context.pages.endAll()
  return sumOfEnded(await Promise.all(grants.map((grant) => endGrant(context, grant, 'idp_logout', 'credential_revoked', by))))
}

/** The provider's answer decides; where it can not be asked about this person, ever, nobody vouches for them any more. */
async function recheck(context: Obedience, everything: () => Promise<Ended>): Promise<Ended> {
  const hasGrants = context.grants.allLive(context.now()).length > 0
  if (!context.provider.tokens) return hasGrants ? await everything() : NOTHING_ENDED
  const asked = await askProvider(context)
  if (asked.outcome === 'unsupported') return await everything()
  // Whoever told it to ask will tell it again.
  if (asked.outcome === 'unavailable') throw new Error(`the identity provider could not be asked: ${asked.why}`)
  return asked.ended ?? NOTHING_ENDED
}

function byOf({ by, byName, why, signal }: SignalOrder): By {
  return { actor: by, actorName: byName, reason: signal.door === 'backchannel-logout' ? 'idp_logout' : why }
}

function closed({ streams, signal }: Receipt): string {
  const took = signal ? Math.max(0, signal.silentAt - signal.receivedAt) : 0
  return streams === 0
    ? `done ${took} ms after it was received`
    : `the last of ${streams} streams closed ${took} ms after it was received`
}
