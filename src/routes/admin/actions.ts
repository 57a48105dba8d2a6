// What administrators do: every action as a function that returns its receipt, for the API, the portal and the command line alike.
import type { Action, ActionTarget, Order, Receipt } from '../../directory/receipts.ts'
import { randomId } from '../../platform/crypto.ts'
import { describeError, log } from '../../platform/telemetry.ts'
import type { Services } from '../../services.ts'
import type { Target } from '../../session/administration.ts'
import type { Ended } from '../../session/parts.ts'

/** What can be taken away. `sub` names the person whose it is; a client or resource without one is everybody's. */
export type Revocable =
  | { readonly what: 'everyone' }
  | { readonly what: 'person'; readonly sub: string }
  | { readonly what: 'client' | 'resource'; readonly id: string; readonly sub?: string | undefined }
  | { readonly what: 'grant' | 'mcp_session' | 'stream'; readonly id: string; readonly sub: string }

/** Who acts, as receipts and security events name them, and why. */
export interface Acting {
  readonly actor: string
  readonly reason: string
  /** Keeps the work going after the answer has been sent. */
  readonly waitUntil: (work: Promise<unknown>) => void
}

/** Takes away what is named. One person's is gone when this returns; everybody's is being gone through, see the receipt's state. */
export async function revoke(services: Services, target: Revocable, acting: Acting): Promise<Receipt | undefined> {
  if (target.what === 'everyone' || ('id' in target && target.sub === undefined)) {
    return await services.directory().begin(orderOf(services, 'revoke', target, acting))
  }
  const { sub } = target
  if (sub === undefined || !(await isKnown(services, sub))) return undefined
  const ending: Target = target.what === 'person' ? { what: 'everything' } : { what: target.what, id: target.id }
  const order = orderOf(services, 'revoke', target, acting)
  const { actor, reason } = acting
  return await done(services, order, await services.session(sub).end(ending, { actor, reason }), acting)
}

/** Shuts a person out or lets them in again. Undefined when nobody knows them. */
export async function setPersonBlocked(
  services: Services,
  sub: string,
  blocked: boolean,
  acting: Acting,
): Promise<Receipt | undefined> {
  const session = services.session(sub)
  const known = SUBJECT.test(sub) ? ((await session.describe())?.identity ?? (await services.directory().person(sub))) : undefined
  if (!known) return undefined
  const { issuer, subject, email, name, groups } = known
  const order = orderOf(services, blocked ? 'block' : 'unblock', { what: 'person', sub }, acting)
  const by = { actor: acting.actor, reason: acting.reason }
  return await done(services, order, await session.block(blocked, by, { issuer, subject, email, name, groups }), acting)
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

export function orderOf(services: Services, action: Action, target: ActionTarget, { actor, reason }: Acting): Order {
  return { id: randomId(12), at: services.now(), by: actor, why: reason, action, target }
}

/** Names of objects are hashes; anything else would only make an object that nobody needs. */
export const SUBJECT = /^[\w-]{43}$/

async function isKnown(services: Services, sub: string): Promise<boolean> {
  return SUBJECT.test(sub) && (await services.session(sub).describe()) !== undefined
}

async function done(services: Services, order: Order, { grants, streams }: Ended, { waitUntil }: Acting): Promise<Receipt> {
  const people = { total: 1, done: 1, failing: 0 }
  const receipt: Receipt = { ...order, people, grants, streams, acknowledgedAt: services.now(), state: 'done' }
  // The action is done and stays done: a Directory that is away delays the storing of the receipt, not the answer.
  const stored = store(services, receipt)
  waitUntil(stored)
  await Promise.race([stored, pause(STORED_WITHIN_MS)])
  return receipt
}

const STORED_WITHIN_MS = 2_000
const PAUSES_MS = [100, 500, 2_000, 5_000, 15_000]

async function store(services: Services, receipt: Receipt): Promise<void> {
  for (const milliseconds of PAUSES_MS) {
    try {
      return await services.directory().keepReceipt(receipt)
    } catch (error) {
      log('warn', 'receipt.not_stored', { receipt: receipt.id, reason: describeError(error) })
      await pause(milliseconds)
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
