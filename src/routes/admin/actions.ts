// What administrators do: every action as a function that returns its receipt, for the API, the portal and the command line alike.
import { THEMSELVES, type Action, type ActionTarget, type AdminAction, type Receipt } from '../../session/contract/receipt.ts'
import type { Identity } from '../../caller.ts'
import { randomId } from '../../platform/crypto.ts'
import { describeError, log } from '../../platform/telemetry.ts'
import type { Services } from '../../services.ts'

/** What can be taken away. `sub` names the person whose it is; a client or resource without one is everybody's. */
export type Revocable =
  | { readonly what: 'everyone' }
  | { readonly what: 'person'; readonly sub: string }
  | { readonly what: 'client' | 'resource'; readonly id: string; readonly sub?: string | undefined }
  | { readonly what: 'grant' | 'mcp_session' | 'stream'; readonly id: string; readonly sub: string }

/** Who acts, as receipts and security events name them, and why. */
export interface Acting {
  readonly actor: string
  /** What they are called; decides nothing. */
  readonly actorName?: string | undefined
  readonly reason: string
  /** Their own session of the pages, if that is what they act from. */
  readonly session?: string | undefined
  /** Keeps the work going after the answer has been sent. */
  readonly waitUntil: (work: Promise<unknown>) => void
}

/** Takes away what is named. One person's is gone when this returns; everybody's is being gone through, see the receipt's state. */
export async function revoke(services: Services, target: Revocable, acting: Acting): Promise<Receipt | undefined> {
  if (target.what === 'everyone' || ('id' in target && target.sub === undefined)) {
    return await services.directory().begin(orderOf(services, 'revoke', target, acting), acting.session)
  }
  const { sub } = target
  const person = sub === undefined ? undefined : await known(services, sub)
  return sub === undefined || !person ? undefined : await carriedOut(services, sub, 'revoke', target, acting, person)
}

/** Shuts a person out or lets them in again. Undefined when nobody knows them. */
export async function setPersonBlocked(
  services: Services,
  sub: string,
  blocked: boolean,
  acting: Acting,
): Promise<Receipt | undefined> {
  const person = await known(services, sub)
  return person && (await carriedOut(services, sub, blocked ? 'block' : 'unblock', { what: 'person', sub }, acting, person))
}

/** Keeps everybody from connecting a client, or lets them again. Undefined when there is no such client, or nothing to unblock. */
export async function setClientBlocked(
  services: Services,
  id: string,
  blocked: boolean,
  acting: Acting,
): Promise<Receipt | undefined> {
  const order = orderOf(services, blocked ? 'block' : 'unblock', { what: 'client', id }, acting)
  return blocked ? await services.directory().blockClient(order) : await services.directory().unblockClient(order)
}

export function orderOf(
  services: Services,
  action: Action,
  target: ActionTarget,
  { actor, actorName, reason }: Acting,
): AdminAction {
  return { id: randomId(12), at: services.now(), by: actor, byName: actorName, why: reason, action, target }
}

/** Names of objects are hashes; anything else would only make an object that nobody needs. */
export const SUBJECT = /^[\w-]{43}$/

/** Who this is, as their own object or else the index says. */
async function known(services: Services, sub: string): Promise<Identity | undefined> {
  if (!SUBJECT.test(sub)) return undefined
  const found = (await services.session(sub).describe())?.identity ?? (await services.directory().person(sub))
  if (!found) return undefined
  const { issuer, subject, email, name, groups } = found
  return { issuer, subject, email, name, groups }
}

async function carriedOut(
  services: Services,
  sub: string,
  action: Action,
  target: ActionTarget,
  acting: Acting,
  person: Identity,
): Promise<Receipt | undefined> {
  const { actor, session } = acting
  // Where they do it themselves they see what has come of it, in that browser and in no other.
  const spared = actor === THEMSELVES && session !== undefined ? { session } : undefined
  const receipt = await services.session(sub).carryOut(orderOf(services, action, target, acting), person, spared)
  if (!receipt) return undefined
  // It is on its way from the person's object, where nothing loses it; whoever is shown it now need not wait for that.
  const stored = services
    .directory()
    .keepReceipt(receipt)
    .catch((error: unknown) => log('warn', 'receipt.not_stored', { receipt: receipt.id, reason: describeError(error) }))
  acting.waitUntil(stored)
  await Promise.race([stored, new Promise((resolve) => setTimeout(resolve, STORED_WITHIN_MS))])
  return receipt
}

const STORED_WITHIN_MS = 2_000
