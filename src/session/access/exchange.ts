// Token exchange: what an issuer has signed about a person opens a grant as a sign-in does, but for no longer than an access token lives.
//
// One grant stands for every exchange of a client for a resource: a build system that exchanges a thousand times an hour is one row, and
// ending it ends all of its tokens and streams. It ends with the last token it was used for; there is no refresh token.
import type { Identity } from '../../caller.ts'
import { log } from '../../platform/telemetry.ts'
import { isAllowed, useNewIdentity, type AccessRules } from './allowed.ts'
import { learnProvisioned } from './provisioning.ts'
import { exchangedGrantId, isExchanged, type Grant, type NewGrant } from '../store/grants.ts'
import type { SessionContext } from '../session-context.ts'
import { described, endGrant, type GrantRevocation } from '../revocation.ts'
import { THEMSELVES } from '../contract/receipt.ts'
import type { Statement } from '../contract/subject-token.ts'
import type { TakenBack } from '../contract/taken-back.ts'
import { makeRoom, type TokenFacts } from './tokens.ts'
import { CLOCK_TOLERANCE } from '../../platform/clock-tolerance.ts'

export interface Exchange {
  readonly statement: Statement
  readonly grant: Omit<NewGrant, 'endsAt'>
  /** How long the access token shall live, in seconds. */
  readonly lifetime: number
  /** The `jti` of an assertion, which is good once. */
  readonly once?: string
}

export type ExchangeRefusal = 'blocked' | 'client_blocked' | 'revoked' | 'reused' | 'crowded' | 'not_allowed'

export type ExchangeOutcome =
  /** `isNew` when a grant was opened for it. */
  | { readonly granted: true; readonly facts: TokenFacts; readonly isNew: boolean }
  | { readonly granted: false; readonly refusal: ExchangeRefusal }

/** Clocks of issuers differ by so many seconds: an assertion is remembered that much longer than it lives, and may have been signed that much earlier than it says. */

export async function grantByExchange(
  context: GrantRevocation & AccessRules & Pick<SessionContext, 'codes' | 'credentials' | 'provisioned' | 'takenBack'>,
  asked: Exchange,
): Promise<ExchangeOutcome> {
  const takenBack = await takenBackFrom(context, asked)
  const now = context.now()
  // Nobody has signed anything in the future: a clock that is ahead does not make a token newer than it is.
  const statement = { ...asked.statement, issuedAt: Math.min(asked.statement.issuedAt, now) }
  const refusal = refusalOf(context, { ...asked, statement }, takenBack, now)
  if (refusal) return await refused(context, asked, refusal)
  const isChanged = learn(context, statement, now)
  const mayBegin = isAllowed(context, asked.grant)
  const opened = mayBegin ? open(context, asked, takenBack, now) : undefined
  // Only now is anything awaited: a revocation of the person that comes meanwhile finds the grant and ends it.
  if (isChanged) await useNewIdentity(context)
  return opened ? await opened : await refused(context, asked, 'not_allowed')
}

/** While a grant stands the Directory's index leads here, and what is taken back ends it: a program that exchanges all day asks once. */
async function takenBackFrom(
  context: Pick<SessionContext, 'grants' | 'now' | 'profile' | 'provisioned' | 'settings' | 'subjects' | 'takenBack'>,
  { grant, statement }: Exchange,
): Promise<TakenBack> {
  const existing = existingGrant(context, grant, context.now())
  const heard = existing && context.subjects.heardOf(existing.id)
  if (heard) return heard
  const { clientId, resource } = grant
  const [takenBack] = await Promise.all([
    context.takenBack({ clientId, resource }),
    learnProvisioned(context, saidBy(context, statement)),
  ])
  return takenBack
}

/** With what the token leaves out as it was said before. */
function saidBy({ profile }: Pick<SessionContext, 'profile'>, { identity, saysGroups, losesEmail }: Statement): Identity {
  const known = profile.said
  return {
    ...identity,
    email: identity.email ?? (losesEmail ? undefined : known?.email),
    name: identity.name ?? known?.name,
    groups: saysGroups ? identity.groups : (known?.groups ?? []),
  }
}

function existingGrant({ grants }: Pick<SessionContext, 'grants'>, asked: Exchange['grant'], now: number): Grant | undefined {
  return grants.all().find((grant) => isSame(grant, asked) && grants.live(grant.id, now) !== undefined)
}

async function open(
  context: GrantRevocation & Pick<SessionContext, 'codes' | 'settings'>,
  { grant: asked, lifetime }: Exchange,
  takenBack: TakenBack,
  now: number,
): Promise<ExchangeOutcome> {
  const endsAt = now + lifetime
  const existing = existingGrant(context, asked, now)
  const surplus = existing ? [] : makeRoom(context, now, isExchanged)
  const grant = existing
    ? context.grants.prolong(existing, endsAt)
    : context.grants.rotate(context.grants.open({ ...asked, endsAt }, now, exchangedGrantId()), now)
  const { id, clientId, resource, scopes, generation } = grant
  context.subjects.hear(id, takenBack)
  if (!existing)
    await context.outbox.put({
      type: 'signed_in',
      at: now,
      grantedAt: grant.createdAt,
      actor: THEMSELVES,
      ...described(grant),
      reason: 'token exchange',
    })
  for (const oldest of surplus) await endGrant(context, oldest, 'limit_exceeded', 'limit_exceeded')
  const facts = { grantId: id, clientId, resource, scopes, generation, issuedAt: now, endsAt }
  return { granted: true, facts, isNew: existing === undefined }
}

// The assertion comes last: one that opens nothing for another reason is not used up by the attempt.
function refusalOf(
  { profile, subjects }: Pick<SessionContext, 'profile' | 'subjects'>,
  { statement, once }: Exchange,
  { isClientBlocked, notBefore }: TakenBack,
  now: number,
): ExchangeRefusal | undefined {
  if (profile.isBlocked) return 'blocked'
  if (isClientBlocked) return 'client_blocked'
  // `iat` has a resolution of one second, and others' clocks differ by up to a minute: a token of that moment counts as older.
  if (statement.issuedAt <= Math.max(notBefore, subjects.revokedAt) + CLOCK_TOLERANCE) return 'revoked'
  const use = once === undefined ? 'taken' : subjects.use(once, statement.expiresAt + CLOCK_TOLERANCE, now)
  return use === 'taken' ? undefined : use
}

async function refused(
  context: Pick<SessionContext, 'now' | 'outbox' | 'subjects'>,
  { grant, once }: Exchange,
  refusal: ExchangeRefusal,
): Promise<ExchangeOutcome> {
  const { clientId, clientName, resource } = grant
  if (refusal === 'reused') log('warn', 'assertion.reused', { client: clientId, jti: once })
  // A program tries again for as long as it runs: administrators hear of it, and not of every attempt.
  const isReported = (refusal === 'blocked' || refusal === 'not_allowed') && context.subjects.takeReport(context.now())
  if (isReported)
    await context.outbox.put({ type: 'sign_in_refused', at: context.now(), clientId, clientName, resource, reason: refusal })
  return { granted: false, refusal }
}

/**
 * Takes over what the token says about the person, and keeps what it does not say; true when that changed anything. A token that is older
 * than the last word says nothing new: groups that were taken away must not come back with it.
 */
function learn(context: Pick<SessionContext, 'profile' | 'credentials'>, statement: Statement, now: number): boolean {
  const { profile, credentials } = context
  if (profile.said && statement.issuedAt <= profile.lastSeenAt) return false
  const isChanged = profile.remember(saidBy(context, statement), now)
  if (isChanged) credentials.forget()
  return isChanged
}

function isSame(grant: Grant, asked: Exchange['grant']): boolean {
  return (
    isExchanged(grant) &&
    grant.clientId === asked.clientId &&
    grant.resource === asked.resource &&
    grant.scopes.join(' ') === asked.scopes.join(' ')
  )
}
