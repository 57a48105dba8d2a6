// UserSession: the Durable Object of one person — composition of its capabilities and the only way in.
import { DurableObject } from 'cloudflare:workers'
import { Lifecycle } from 'agents/lifecycle'
import type { Caller, Identity, IdpTokens } from '../caller.ts'
import type { KeyRing } from '../issuer/keys.ts'
import { log } from '../platform/telemetry.ts'
import type { Settings } from '../settings.ts'
import type { Admission } from './admission.ts'
import { Codes, type Redemption } from './codes.ts'
import { Credentials } from './credentials.ts'
import { Grants, type Grant, type NewGrant, type RevocationReason } from './grants.ts'
import { IdentityProviderSession } from './identity-provider-session.ts'
import { Leashes, type CloseReason } from './leashes.ts'
import { TokenBucket } from './limits.ts'
import { Profile } from './profile.ts'
import type { RefreshOutcome, TokenRefresher } from './token-refresher.ts'

export interface SessionServices {
  readonly settings: Settings
  readonly keys: KeyRing
  readonly refresher: TokenRefresher
}

export interface SignIn {
  readonly identity: Identity
  readonly tokens: IdpTokens
  readonly grant: Omit<NewGrant, 'endsAt'>
  readonly redirectUri: string
  readonly codeChallenge: string
}

/** What a code envelope is made of. */
export interface IssuedCode {
  readonly jti: string
  readonly grantId: string
  readonly expiresAt: number
}

/** What a pair of token envelopes is made of; the same facts always give the same pair. */
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
  | 'refresh_reused'
  | 'refresh_invalid'
  | 'grant_ended'
  | 'idp_unavailable'

export type TokenOutcome =
  | { readonly granted: true; readonly facts: TokenFacts }
  | { readonly granted: false; readonly refusal: TokenRefusal }

export interface Presented {
  readonly grantId: string
  readonly clientId: string
  readonly generation: number
}

export abstract class UserSession extends DurableObject<Env> {
  readonly lifecycle: Lifecycle
  readonly #grants: Grants
  readonly #codes: Codes
  readonly #profile: Profile
  readonly #provider: IdentityProviderSession
  readonly #bucket: TokenBucket
  readonly #leashes: Leashes
  readonly #rotations = new Map<string, Promise<TokenOutcome>>()
  #services: SessionServices | undefined
  #credentials: Credentials | undefined

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#grants = new Grants(ctx.storage)
    this.#codes = new Codes(ctx.storage)
    this.#profile = new Profile(ctx.storage)
    this.#provider = new IdentityProviderSession(ctx.storage)
    this.#bucket = new TokenBucket(ctx.storage)
    this.#leashes = new Leashes((grantId) => this.#grants.live(grantId, this.#now()) !== undefined)
    this.lifecycle = Lifecycle.install(this)
      .use(this.#grants)
      .use(this.#codes)
      .use(this.#profile)
      .use(this.#provider)
      .use(this.#bucket)
      .use(this.#leashes)
  }

  /** `worker.ts` supplies what lies to the left of this folder. */
  protected abstract services(): Promise<SessionServices>

  async onStart(): Promise<void> {
    const services = await this.services()
    const { limits } = services.settings
    await this.#provider.open(services)
    this.#bucket.open({ requests: limits.rateLimitRequests, window: limits.rateLimitWindow }, Date.now())
    this.#credentials = new Credentials(services.settings, services.keys)
    this.#services = services
  }

  /** Only upgrades of leashes come by fetch; everything else is a method call. */
  onRequest(): Response {
    return new Response(null, { status: 404 })
  }

  /** A person came back from the identity provider: opens a grant and issues the code for it. */
  async signIn(asked: SignIn): Promise<IssuedCode> {
    const { limits } = await this.#ready()
    const now = this.#now()
    await this.#provider.begin(asked.tokens, now)
    if (this.#profile.remember(asked.identity, now)) this.#credentials?.forget()
    const surplus = this.#grants.allLive(now).length - limits.maxGrants + 1
    for (const oldest of this.#grants.allLive(now).slice(0, Math.max(0, surplus)))
      await this.#end(oldest, 'limit_exceeded', 'limit_exceeded')
    const grant = this.#grants.open({ ...asked.grant, endsAt: now + limits.sessionTtl }, now)
    const expiresAt = now + limits.codeTtl
    const jti = this.#codes.issue({
      grantId: grant.id,
      redirectUri: asked.redirectUri,
      codeChallenge: asked.codeChallenge,
      expiresAt,
    })
    await this.#scheduleSweep()
    return { jti, grantId: grant.id, expiresAt }
  }

  /** Redeems an authorization code. A replay ends the grant it once opened (RFC 6749 section 4.1.2). */
  async redeem(asked: Redemption): Promise<TokenOutcome> {
    await this.#ready()
    const now = this.#now()
    const outcome = this.#codes.redeem(asked, now)
    const grant = this.#grants.find(asked.grantId)
    if (outcome === 'replayed' && grant) {
      await this.#end(grant, 'code_replayed')
      return { granted: false, refusal: 'code_replayed' }
    }
    if (outcome !== 'redeemed') {
      if (grant && outcome !== 'repeated') this.#grants.revoke(grant, 'code_replayed', now)
      return {
        granted: false,
        refusal: outcome === 'wrong_verifier' || outcome === 'wrong_redirect_uri' ? outcome : 'code_invalid',
      }
    }
    const live = this.#grants.live(asked.grantId, now)
    if (!live) return { granted: false, refusal: 'grant_ended' }
    return { granted: true, facts: facts(this.#grants.rotate(live, now)) }
  }

  /** Refreshes by the rules of design section 4; parallel and repeated calls get the same facts. */
  async refresh(asked: Presented): Promise<TokenOutcome> {
    await this.#ready()
    const now = this.#now()
    const grant = this.#grants.live(asked.grantId, now)
    if (!grant || grant.clientId !== asked.clientId) return { granted: false, refusal: 'grant_ended' }
    const standing = this.#grants.standing(grant, asked.generation, now)
    if (standing === 'unknown') return { granted: false, refusal: 'refresh_invalid' }
    if (standing === 'replay') {
      const lostForLong = now - grant.rotatedAt > 60
      return { granted: true, facts: facts(lostForLong ? this.#grants.restamp(grant, now) : grant) }
    }
    if (standing === 'reused') {
      log('warn', 'refresh_token.reused', {
        grant: grant.id,
        client: grant.clientId,
        presented: asked.generation,
        current: grant.generation,
      })
      await this.#end(grant, 'refresh_token_reused')
      return { granted: false, refusal: 'refresh_reused' }
    }
    const flight = this.#rotations.get(grant.id) ?? this.#rotate(grant.id).finally(() => this.#rotations.delete(grant.id))
    this.#rotations.set(grant.id, flight)
    return flight
  }

  /** Decides about one MCP request. The only storage write is the first use of a refresh generation. */
  async admit(caller: Caller): Promise<Admission> {
    const services = await this.#readyServices()
    const now = this.#now()
    const grant = this.#grants.live(caller.grantId, now)
    const identity = this.#profile.identity
    if (
      !grant ||
      !identity ||
      grant.clientId !== caller.clientId ||
      grant.resource !== caller.resource ||
      caller.expiresAt <= now
    ) {
      const expired = grant === undefined && (this.#grants.find(caller.grantId)?.endsAt ?? now + 1) <= now
      return { admitted: false, reason: expired ? 'session_expired' : 'credential_revoked' }
    }
    const { allowed, retryAfter, ...rate } = this.#bucket.spend(Date.now())
    if (!allowed) return { admitted: false, reason: 'limit_exceeded', retryAfter, rate }
    if (caller.generation > grant.usedGeneration) this.#grants.markUsed(grant, caller.generation)
    const downstream = services.settings.downstreams.find(({ resource }) => resource === caller.resource)
    if (!downstream || !this.#credentials) return { admitted: false, reason: 'credential_revoked' }
    if (downstream.auth === 'none') return { admitted: true, identity, rate }
    if (downstream.auth === 'identity-jwt') {
      const authorization = await this.#credentials.identityJwt(
        { identity, clientId: grant.clientId, grantId: grant.id, audience: downstream.url },
        now,
      )
      return this.#stillAdmitted(grant.id, { admitted: true, identity, authorization, rate })
    }
    const accessToken = await this.#idpAccessToken(now)
    if (accessToken === undefined) return { admitted: false, reason: 'auth_unavailable', retryAfter: 5, rate }
    return this.#stillAdmitted(grant.id, {
      admitted: true,
      identity,
      authorization: `Bearer ${accessToken}`,
      idpAccessToken: accessToken,
      rate,
    })
  }

  /** Whether a token of this grant and generation would be taken (RFC 7662 `active`). */
  async isActive(asked: Presented, kind: 'access' | 'refresh'): Promise<boolean> {
    await this.#ready()
    const now = this.#now()
    const grant = this.#grants.live(asked.grantId, now)
    if (grant?.clientId !== asked.clientId) return false
    return kind === 'access' || ['current', 'replay'].includes(this.#grants.standing(grant, asked.generation, now))
  }

  /** Ends one grant (RFC 7009 or an administrator): when this returns its streams are closed. False when it was not alive. */
  async revokeGrant(grantId: string, why: RevocationReason): Promise<boolean> {
    await this.#ready()
    const grant = this.#grants.live(grantId, this.#now())
    if (!grant) return false
    await this.#end(grant, why)
    return true
  }

  /** Ends everything this person has: when this returns every stream is closed. */
  async revokeAll(why: RevocationReason): Promise<number> {
    await this.#ready()
    const now = this.#now()
    const live = this.#grants.allLive(now)
    for (const grant of live) this.#grants.revoke(grant, why, now)
    this.#provider.end()
    this.#credentials?.forget()
    await this.#leashes.pull('credential_revoked')
    return live.length
  }

  /** Host job: ends sessions that are over, forgets what nobody can ask about any more, and the object with the last grant. */
  async onJob(): Promise<{ rescheduleAt: number } | undefined> {
    const now = this.#now()
    for (const grant of this.#grants.all()) {
      if (grant.endsAt > now) continue
      if (grant.revokedAt === null) await this.#end(grant, 'session_expired', 'session_expired')
      this.#codes.forgetGrant(grant.id)
      this.#grants.forget(grant.id)
    }
    const next = Math.min(...this.#grants.all().map((grant) => grant.endsAt))
    if (Number.isFinite(next)) return { rescheduleAt: next * 1000 + 1000 }
    await this.ctx.storage.deleteAll()
    return undefined
  }

  async #rotate(grantId: string): Promise<TokenOutcome> {
    const { limits } = await this.#ready()
    const outcome = await this.#askProvider()
    const now = this.#now()
    if (outcome.outcome === 'ended') {
      await this.revokeAll('idp_session_ended')
      return { granted: false, refusal: 'grant_ended' }
    }
    if (outcome.outcome === 'unavailable') {
      log('warn', 'idp.unavailable', { why: outcome.why, checked_at: this.#provider.checkedAt })
      if (now - this.#provider.checkedAt > limits.idpOutageGrace) return { granted: false, refusal: 'idp_unavailable' }
    }
    // The provider may have taken its time: what was revoked meanwhile stays revoked.
    const grant = this.#grants.live(grantId, now)
    if (!grant) return { granted: false, refusal: 'grant_ended' }
    return { granted: true, facts: facts(this.#grants.rotate(grant, now)) }
  }

  async #idpAccessToken(now: number): Promise<string | undefined> {
    const tokens = this.#provider.tokens
    if (tokens && (tokens.expiresAt === undefined || tokens.expiresAt > now + 60)) return tokens.accessToken
    const outcome = await this.#askProvider()
    if (outcome.outcome === 'ended') await this.revokeAll('idp_session_ended')
    return outcome.outcome === 'refreshed' ? this.#provider.tokens?.accessToken : undefined
  }

  async #askProvider(): Promise<RefreshOutcome> {
    const person = this.#profile.identity
    if (!person) return { outcome: 'unavailable', why: 'nobody has signed in here' }
    return this.#provider.refresh(this.#now(), person, (identity) => {
      if (this.#profile.remember(identity, this.#now())) this.#credentials?.forget()
    })
  }

  /** Signing and refreshing take a moment in which the grant may have ended. */
  #stillAdmitted(grantId: string, admission: Admission): Admission {
    return this.#grants.live(grantId, this.#now()) ? admission : { admitted: false, reason: 'credential_revoked' }
  }

  async #end(grant: Grant, why: RevocationReason, reason: CloseReason = 'credential_revoked'): Promise<void> {
    this.#grants.revoke(grant, why, this.#now())
    log('info', 'grant.ended', { grant: grant.id, client: grant.clientId, why })
    await this.#leashes.pull(reason, grant.id)
  }

  async #scheduleSweep(): Promise<void> {
    const next = Math.min(...this.#grants.all().map((grant) => grant.endsAt))
    await this.lifecycle.jobs.push({ id: 'sweep', fn: 'sweep', time: next * 1000 + 1000 })
  }

  async #readyServices(): Promise<SessionServices> {
    await this.lifecycle.start()
    if (!this.#services) throw new Error('the session was used before it started')
    return this.#services
  }

  async #ready(): Promise<Settings> {
    return (await this.#readyServices()).settings
  }

  #now(): number {
    return Math.floor(Date.now() / 1000)
  }
}

function facts(grant: Grant): TokenFacts {
  const { id, clientId, resource, scopes, generation, rotatedAt, endsAt } = grant
  return { grantId: id, clientId, resource, scopes, generation, issuedAt: rotatedAt, endsAt }
}
