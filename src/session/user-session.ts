// UserSession: the Durable Object of one person — composition of its capabilities and the only way in.
import { DurableObject } from 'cloudflare:workers'
import { Lifecycle } from 'agents/lifecycle'
import type { Caller } from '../caller.ts'
import type { KeyRing } from '../issuer/keys.ts'
import type { Settings } from '../settings.ts'
import type { Admission } from './admission.ts'
import { admit } from './admit.ts'
import { Codes, type Redemption } from './codes.ts'
import { Credentials } from './credentials.ts'
import { Grants, type RevocationReason } from './grants.ts'
import { IdentityProviderSession } from './identity-provider-session.ts'
import { Leashes } from './leashes.ts'
import { TokenBucket } from './limits.ts'
import { endEverything, endGrant, type Parts } from './parts.ts'
import { Profile } from './profile.ts'
import type { TokenRefresher } from './token-refresher.ts'
import { redeem, Refreshing, signIn, type IssuedCode, type Presented, type SignIn, type TokenOutcome } from './tokens.ts'

export interface SessionServices {
  readonly settings: Settings
  readonly keys: KeyRing
  readonly refresher: TokenRefresher
}

export abstract class UserSession extends DurableObject<Env> {
  readonly lifecycle: Lifecycle
  readonly #grants: Grants
  readonly #codes: Codes
  readonly #profile: Profile
  readonly #provider: IdentityProviderSession
  readonly #bucket: TokenBucket
  readonly #leashes: Leashes
  readonly #refreshing = new Refreshing()
  #parts: Parts | undefined

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#grants = new Grants(ctx.storage)
    this.#codes = new Codes(ctx.storage)
    this.#profile = new Profile(ctx.storage)
    this.#provider = new IdentityProviderSession(ctx.storage)
    this.#bucket = new TokenBucket(ctx.storage)
    this.#leashes = new Leashes((grantId) => this.#grants.live(grantId, now()) !== undefined)
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

  /** Runs once in the life of the object in memory, after the capabilities have read their tables. */
  async onStart(): Promise<void> {
    const services = await this.services()
    const { settings, keys } = services
    await this.#provider.open(services)
    this.#bucket.open({ requests: settings.limits.rateLimitRequests, window: settings.limits.rateLimitWindow }, Date.now())
    this.#parts = {
      settings,
      grants: this.#grants,
      codes: this.#codes,
      profile: this.#profile,
      provider: this.#provider,
      bucket: this.#bucket,
      leashes: this.#leashes,
      credentials: new Credentials(settings, keys),
      now,
    }
  }

  /** Only upgrades of leashes come by fetch; everything else is a method call. */
  onRequest(): Response {
    return new Response(null, { status: 404 })
  }

  async signIn(asked: SignIn): Promise<IssuedCode> {
    const issued = await signIn(await this.#started(), asked)
    await this.#scheduleSweep()
    return issued
  }

  async redeem(asked: Redemption): Promise<TokenOutcome> {
    return redeem(await this.#started(), asked)
  }

  async refresh(asked: Presented): Promise<TokenOutcome> {
    return this.#refreshing.refresh(await this.#started(), asked)
  }

  /** Decides about one MCP request: the one call it costs. */
  async admit(caller: Caller): Promise<Admission> {
    return admit(await this.#started(), caller)
  }

  /** Whether a token of this grant and generation would be taken (RFC 7662 `active`). */
  async isActive(asked: Presented, kind: 'access' | 'refresh'): Promise<boolean> {
    const { grants } = await this.#started()
    const grant = grants.live(asked.grantId, now())
    if (grant?.clientId !== asked.clientId) return false
    return kind === 'access' || ['current', 'replay'].includes(grants.standing(grant, asked.generation, now()))
  }

  /** Ends one grant: when this returns its streams are closed. False when it was not alive. */
  async revokeGrant(grantId: string, why: RevocationReason): Promise<boolean> {
    const parts = await this.#started()
    const grant = parts.grants.live(grantId, now())
    if (grant) await endGrant(parts, grant, why)
    return grant !== undefined
  }

  /** Ends everything this person has: when this returns every stream is closed. Returns the number of grants. */
  async revokeAll(why: RevocationReason): Promise<number> {
    return endEverything(await this.#started(), why)
  }

  /** Host job: ends sessions that are over, forgets what nobody can ask about any more, and the object with the last grant. */
  async onJob(): Promise<{ rescheduleAt: number } | undefined> {
    const parts = await this.#started()
    for (const grant of parts.grants.all()) {
      if (grant.endsAt > now()) continue
      if (grant.revokedAt === null) await endGrant(parts, grant, 'session_expired', 'session_expired')
      parts.codes.forgetGrant(grant.id)
      parts.grants.forget(grant.id)
    }
    if (parts.grants.all().length > 0) return { rescheduleAt: this.#nextSweep() }
    await this.ctx.storage.deleteAll()
    return undefined
  }

  async #scheduleSweep(): Promise<void> {
    await this.lifecycle.jobs.push({ id: 'sweep', fn: 'sweep', time: this.#nextSweep() })
  }

  /** Milliseconds; a second late, so that what ends then has ended. */
  #nextSweep(): number {
    return Math.min(...this.#grants.all().map(({ endsAt }) => endsAt)) * 1000 + 1000
  }

  /** Native calls do not start the lifecycle by themselves; every method begins here. */
  async #started(): Promise<Parts> {
    await this.lifecycle.start()
    if (!this.#parts) throw new Error('the session was used before it started')
    return this.#parts
  }
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}
