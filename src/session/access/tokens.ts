// Codes and refresh tokens: who gets which facts for a pair of tokens, and when a grant dies of it (ARCHITECTURE.md, “Credentials”).
import type { Identity, IdpTokens } from '../../caller.ts'
import { log } from '../../platform/telemetry.ts'
import type { CodeOutcome, Redemption } from '../store/codes.ts'
import { REPLAY_WINDOW, type Grant, type NewGrant } from '../store/grants.ts'
import { mayUse, useNewIdentity, type AccessRules, type IdentityUse } from './allowed.ts'
import { askProvider, type ProviderQuestion } from './ask-provider.ts'
import { learnProvisioned } from './provisioning.ts'
import { sessionIn } from '../store/identity-provider-session.ts'
import { linkWanted } from './own-sign-in.ts'
import type { SessionContext } from '../session-context.ts'
import { described, endGrant, type GrantRevocation } from '../revocation.ts'
import { THEMSELVES } from '../contract/receipt.ts'
import { MinuteLimit } from './minute-limit.ts'
import { downstreamFor } from '../../settings/downstreams.ts'

export interface SignIn {
  readonly identity: Identity
  readonly tokens: IdpTokens
  readonly grant: Omit<NewGrant, 'endsAt'>
  readonly redirectUri: string
  readonly codeChallenge: string
}

/** What a code is made of. */
export interface IssuedCode {
  readonly jti: string
  readonly grantId: string
  readonly expiresAt: number
  /** The person has to be led by the downstream's own sign-in before the code is any use; `scopes` is what that is asked for besides. */
  readonly link?: { readonly scopes: readonly string[] }
}

/** What a pair of token signedTokens is made of; the same facts always give the same pair. */
export interface TokenFacts {
  readonly grantId: string
  readonly clientId: string
  readonly resource: string
  readonly scopes: readonly string[]
  readonly generation: number
  readonly issuedAt: number
  readonly endsAt: number
}

export type TokenRefusal =
  | 'code_invalid'
  | 'code_replayed'
  | 'wrong_verifier'
  | 'wrong_redirect_uri'
  | 'wrong_resource'
  | 'refresh_reused'
  | 'refresh_invalid'
  | 'grant_ended'
  | 'idp_unavailable'
  | 'scope_missing'
  | 'too_often'

export type TokenOutcome =
  | { readonly granted: true; readonly facts: TokenFacts }
  | {
      readonly granted: false
      readonly refusal: TokenRefusal
      /** Seconds, where the same request may be granted later. */
      readonly retryAfter?: number
    }

/** A token as its claims describe it. */
export interface Presented {
  readonly grantId: string
  readonly clientId: string
  readonly generation: number
}

/** Why somebody whom the identity provider knows gets no grant. */
export type SignInRefusal = 'blocked' | 'not_allowed'

/** A person came back from the identity provider: opens a grant and issues the code for it. */
export async function signIn(
  context: GrantRevocation & AccessRules & Pick<SessionContext, 'codes' | 'credentials' | 'links' | 'provisioned'>,
  asked: SignIn,
): Promise<IssuedCode | SignInRefusal> {
  const { grants, codes, settings } = context
  const { revocations } = context.subjects
  await learnProvisioned(context, asked.identity)
  const refusal = refusalOf(context, asked)
  if (refusal) {
    // The newest there is to know of this person: it counts for what they have open elsewhere, too.
    const cutOff = refusal === 'not_allowed' ? keep(context, asked.identity) : undefined
    const { clientId, clientName, resource } = asked.grant
    await context.outbox.put({ type: 'sign_in_refused', at: context.now(), clientId, clientName, resource, reason: refusal })
    await cutOff
    return refusal
  }
  const { codeTtl, sessionTtl } = settings.limits
  const now = context.now()
  const surplus = makeRoom(context, now)
  const cutOff = keep(context, asked.identity)
  const grant = grants.open({ ...asked.grant, endsAt: now + sessionTtl }, now)
  const expiresAt = now + codeTtl
  const { redirectUri, codeChallenge } = asked
  const jti = codes.issue({ grantId: grant.id, redirectUri, codeChallenge, expiresAt, providerSession: sessionIn(asked.tokens) })
  // Only now is anything awaited: a revocation of the person that comes meanwhile finds the grant and ends it.
  await Promise.all([context.provider.begin(asked.tokens, now), cutOff])
  for (const oldest of surplus) await endGrant(context, oldest, 'limit_exceeded', 'limit_exceeded')
  // What was taken back while the Directory was asked is not brought back by a sign-in that had begun before.
  if (context.subjects.revocations !== revocations) await endGrant(context, grant, 'administrator')
  const link = linkWanted(context, grant.resource)
  if (!link) context.links.touch(grant.resource, now)
  return { jti, grantId: grant.id, expiresAt, ...(link && { link }) }
}

/** Forgets what nothing depends on; the grants to be ended so that there is room for one more, oldest first, of a kind before the others. */
export function makeRoom(
  { grants, codes, settings }: Pick<SessionContext, 'grants' | 'codes' | 'settings'>,
  now: number,
  first: (grant: Grant) => boolean = () => false,
): Grant[] {
  const { codeTtl, maxGrants } = settings.limits
  for (const { id } of grants.forgettable(now - codeTtl, maxGrants)) {
    codes.forgetGrant(id)
    grants.forget(id)
  }
  const live = grants.allLive(now)
  const inOrder = [...live.filter(first), ...live.filter((grant) => !first(grant))]
  return inOrder.slice(0, Math.max(0, live.length - maxGrants + 1))
}

function refusalOf({ profile, settings }: AccessRules, { identity, grant }: SignIn): SignInRefusal | undefined {
  if (profile.isBlocked) return 'blocked'
  const downstream = downstreamFor(settings, grant.resource)
  return !downstream || mayUse(downstream, profile.asKnown(identity), settings.baseUrl) ? undefined : 'not_allowed'
}

/** What the identity provider said last counts for everything the person has open. */
export async function keep(context: IdentityUse, identity: Identity): Promise<void> {
  if (context.profile.remember(identity, context.now())) await useNewIdentity(context)
}

/** Redeems an authorization code. A replay ends the grant it once opened (RFC 6749 section 4.1.2). */
export async function redeem(
  context: GrantRevocation & Pick<SessionContext, 'codes' | 'takenBack'>,
  asked: Redemption,
): Promise<TokenOutcome> {
  const waiting = context.grants.live(asked.grantId, context.now())
  // Before the code is looked at: while the Directory is away it is not spent. A refresh needs no such question, because from this one on
  // whatever is taken back comes to this object.
  if (waiting?.generation === 0 && (await endIfTakenBack(context, waiting))) return { granted: false, refusal: 'grant_ended' }
  const now = context.now()
  const outcome = context.codes.redeem(asked, now)
  const grant = context.grants.live(asked.grantId, now)
  if (!grant) return { granted: false, refusal: outcome === 'redeemed' ? 'grant_ended' : 'code_invalid' }
  if (outcome === 'repeated') return { granted: false, refusal: 'code_invalid' }
  const isAnother = asked.resource !== undefined && asked.resource !== grant.resource
  if (outcome === 'redeemed' && !isAnother) {
    const redeemed = context.grants.rotate(grant, now)
    // Only now has a client been let in: a sign-in whose code nobody redeems opens nothing.
    // Of this very sign-in: another may have begun since, in another session at the provider.
    const session = context.codes.providerSessionOf(grant.id)
    const providerSession = session !== undefined && { providerSession: session }
    const { createdAt: grantedAt } = grant
    await context.outbox.put({
      type: 'signed_in',
      at: now,
      grantedAt,
      actor: THEMSELVES,
      ...described(grant),
      ...providerSession,
    })
    return { granted: true, facts: facts(redeemed) }
  }
  await endGrant(context, grant, outcome === 'replayed' ? 'code_replayed' : 'code_failed')
  return { granted: false, refusal: REFUSAL[outcome] }
}

/**
 * True when a grant that waits for its code must not be used: then it has ended. What comes after the question finds the person, because the
 * Directory notes who asks.
 */
async function endIfTakenBack(
  context: GrantRevocation & Pick<SessionContext, 'takenBack'>,
  { id, clientId, resource, createdAt }: Grant,
): Promise<boolean> {
  const { isClientBlocked, notBefore } = await context.takenBack({ clientId, resource })
  if (!isClientBlocked && createdAt > notBefore) return false
  const grant = context.grants.live(id, context.now())
  if (grant) await endGrant(context, grant, 'administrator')
  return true
}

/** A code that was good for itself can fail only by what it was asked for. */
const REFUSAL: Readonly<Record<Exclude<CodeOutcome, 'repeated'>, TokenRefusal>> = {
  redeemed: 'wrong_resource',
  unknown: 'code_invalid',
  expired: 'code_invalid',
  wrong_verifier: 'wrong_verifier',
  wrong_redirect_uri: 'wrong_redirect_uri',
  replayed: 'code_replayed',
}

/** Seconds: however fast the grants of a person are refreshed, the provider is asked once in so many. */
const CONFIRMED_FOR = 10

/** Refreshing, one rotation of a grant at a time: parallel and repeated calls get the same facts. */
export class Refreshing {
  readonly #flights = new Map<string, Promise<TokenOutcome>>()
  /** A client rotates once an hour, and one that never stops is asked to wait. What is only repeated does not count. */
  readonly #rotations = new MinuteLimit()

  async refresh(context: ProviderQuestion, asked: Presented): Promise<TokenOutcome> {
    const now = context.now()
    const grant = context.grants.live(asked.grantId, now)
    if (!grant || grant.clientId !== asked.clientId) return { granted: false, refusal: 'grant_ended' }
    const state = context.grants.generationState(grant, asked.generation, now)
    // SDKs of the 2025 revisions that hold a refresh token answer a missing scope with it, get the same scopes again and give up
    // (typescript-sdk#2255). A refusal that is none of the token makes them ask for the scope; the token stays good.
    if (state === 'current' && context.grants.isTooNarrow(grant.id, Date.now()))
      return { granted: false, refusal: 'scope_missing' }
    if (state === 'current') return this.#oneRotation(context, grant.id)
    if (state === 'unknown') return { granted: false, refusal: 'refresh_invalid' }
    if (state === 'replay') {
      const lostForLong = now - grant.rotatedAt > REPLAY_WINDOW
      return { granted: true, facts: facts(lostForLong ? context.grants.restamp(grant, now) : grant) }
    }
    const { id, clientId, generation: current } = grant
    log('warn', 'refresh_token.reused', { grant: id, client: clientId, presented: asked.generation, current })
    await endGrant(context, grant, 'refresh_token_reused')
    return { granted: false, refusal: 'refresh_reused' }
  }

  #oneRotation(context: ProviderQuestion, grantId: string): Promise<TokenOutcome> {
    const flight = this.#flights.get(grantId) ?? this.#rotate(context, grantId).finally(() => this.#flights.delete(grantId))
    this.#flights.set(grantId, flight)
    return flight
  }

  async #rotate(context: ProviderQuestion, grantId: string): Promise<TokenOutcome> {
    const retryAfter = this.#rotations.waitFor(grantId, context.now())
    return retryAfter > 0 ? { granted: false, refusal: 'too_often', retryAfter } : rotate(context, grantId)
  }
}

async function rotate(context: ProviderQuestion, grantId: string): Promise<TokenOutcome> {
  const { idpOutageGrace } = context.settings.limits
  const isConfirmed = context.provider.isConfirmedSince(context.now() - Math.min(CONFIRMED_FOR, idpOutageGrace))
  const outcome = isConfirmed ? undefined : await askProvider(context)
  const now = context.now()
  if (outcome?.outcome === 'unavailable') {
    const { checkedAt } = context.provider
    log('warn', 'idp.unavailable', { why: outcome.why, checked_at: checkedAt })
    if (now - checkedAt > idpOutageGrace) return { granted: false, refusal: 'idp_unavailable' }
  }
  // The provider may have taken its time: what was revoked meanwhile stays revoked.
  const grant = context.grants.live(grantId, now)
  return grant ? { granted: true, facts: facts(context.grants.rotate(grant, now)) } : { granted: false, refusal: 'grant_ended' }
}

function facts({ id, clientId, resource, scopes, generation, rotatedAt, endsAt }: Grant): TokenFacts {
  return { grantId: id, clientId, resource, scopes, generation, issuedAt: rotatedAt, endsAt }
}
