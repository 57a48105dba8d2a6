// The person's session at the identity provider: tokens sealed at rest, refreshed by one flight at a time.
//
// Layout: one row with the sealed tokens. Lifetime: replaced by every sign-in and refresh, deleted when the provider ends it.
// Trade-off: the opened tokens stay in memory while the object lives, because unsealing on every request would cost more than it guards.
import { LifecycleCapability } from 'agents/lifecycle'
import { decodeJwt } from 'jose'
import * as z from 'zod'
import type { Identity, IdpTokens } from '../../caller.ts'
import type { KeyRing } from '../../issuer/keys.ts'
import { seal, unseal } from '../../platform/crypto.ts'
import { describeError, log } from '../../platform/telemetry.ts'
import type { ConfirmationOutcome, PersonAtProvider, TokenRefresher } from '../contract/token-refresher.ts'

const tokensSchema = z.object({
  accessToken: z.string(),
  expiresAt: z.number().optional(),
  refreshToken: z.string().optional(),
  idToken: z.string().optional(),
})

type Confirmed = (identity: Identity, losesEmail: boolean) => void

export interface ProviderAccess {
  readonly keys: KeyRing
  readonly refresher: TokenRefresher
}

export class IdentityProviderSession extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  #access: ProviderAccess | undefined
  #tokens: IdpTokens | undefined
  #checkedAt = 0
  #flight: { readonly epoch: number; readonly outcome: Promise<ConfirmationOutcome> } | undefined
  // Counts sign-ins and ends: an answer that was asked for before one of them is of no account after it.
  #epoch = 0
  // In memory, and not begun by a sign-in: until the provider was asked once, a session that it has ended may look like a new one.
  #confirmed = { epoch: -1, at: 0 }

  constructor(storage: DurableObjectStorage) {
    super('identity-provider-session')
    this.#storage = storage
  }

  override onStart(): void {
    this.#storage.sql.exec(
      'CREATE TABLE IF NOT EXISTS idp_session (id INTEGER PRIMARY KEY CHECK (id = 1), sealed TEXT NOT NULL, checked_at INTEGER NOT NULL)',
    )
  }

  /** Called once after start; unseals what the last life of the object kept. */
  async open(access: ProviderAccess): Promise<void> {
    this.#access = access
    const [row] = this.#storage.sql.exec<{ sealed: string; checked_at: number }>('SELECT sealed, checked_at FROM idp_session')
    if (!row) return
    this.#checkedAt = row.checked_at
    const { current, previous } = access.keys
    const text =
      (await unseal(current.vault, row.sealed, this.lifecycle.name)) ??
      (previous && (await unseal(previous.vault, row.sealed, this.lifecycle.name)))
    if (text === undefined)
      return log('error', 'idp_session.unreadable', { cure: 'set ENCRYPTION_KEY_PREVIOUS to the key used before' })
    this.#tokens = tokensSchema.parse(JSON.parse(text))
  }

  /** Unix seconds of the last time the provider confirmed the person. */
  get checkedAt(): number {
    return this.#checkedAt
  }

  /** Whether the provider was asked later than then about the session as it is, and has last said yes. */
  isConfirmedSince(then: number): boolean {
    return this.#confirmed.epoch === this.#epoch && this.#confirmed.at > then
  }

  get tokens(): IdpTokens | undefined {
    return this.#tokens
  }

  /** Begins a session with the tokens of a fresh sign-in. */
  begin(tokens: IdpTokens, now: number): Promise<void> {
    this.#epoch += 1
    return this.#keep(tokens, now, this.#epoch)
  }

  async #keep(tokens: IdpTokens, checkedAt: number, epoch: number): Promise<void> {
    if (!this.#access) throw new Error('identity provider session used before it was opened')
    const sealed = await seal(this.#access.keys.current.vault, JSON.stringify(tokens), this.lifecycle.name)
    if (epoch !== this.#epoch) return
    this.#storage.sql.exec('INSERT OR REPLACE INTO idp_session (id, sealed, checked_at) VALUES (1, ?, ?)', sealed, checkedAt)
    this.#tokens = tokens
    this.#checkedAt = checkedAt
  }

  #confirm(now: number): void {
    this.#storage.sql.exec('UPDATE idp_session SET checked_at = ?', now)
    this.#checkedAt = now
  }

  end(): void {
    this.#epoch += 1
    this.#storage.sql.exec('DELETE FROM idp_session')
    this.#tokens = undefined
  }

  /** Asks the provider once, however many callers wait: a rotating provider would take the second call for a replay. */
  refresh(now: number, person: PersonAtProvider, confirmed: Confirmed): Promise<ConfirmationOutcome> {
    if (this.#flight?.epoch === this.#epoch) return this.#flight.outcome
    const outcome = this.#refresh(now, person, confirmed).finally(() => {
      if (this.#flight === flight) this.#flight = undefined
    })
    const flight = { epoch: this.#epoch, outcome }
    this.#flight = flight
    return outcome
  }

  async #refresh(now: number, person: PersonAtProvider, confirmed: Confirmed): Promise<ConfirmationOutcome> {
    if (!this.#access || !this.#tokens) return { outcome: 'unavailable', why: 'no tokens of the identity provider are kept' }
    const epoch = this.#epoch
    try {
      const outcome = await this.#access.refresher.refresh(this.#tokens, person, (fresh) =>
        this.#keep(fresh, this.#checkedAt, epoch),
      )
      // Above all a refusal: it ends everything, and was said about a session that is over.
      if (epoch !== this.#epoch) return { outcome: 'superseded' }
      this.#confirmed = { epoch, at: outcome.outcome === 'refreshed' ? now : 0 }
      // Kept before it was verified, confirmed only after.
      if (outcome.outcome === 'refreshed') this.#confirm(now)
      if (outcome.outcome === 'refreshed' && outcome.identity) confirmed(outcome.identity, outcome.losesEmail ?? false)
      return outcome
    } catch (error) {
      if (epoch !== this.#epoch) return { outcome: 'superseded' }
      return { outcome: 'unavailable', why: describeError(error) }
    }
  }
}

/** What the provider calls a session, in its ID token, which was verified when it came. */
export function sessionIn({ idToken }: IdpTokens): string | undefined {
  if (idToken === undefined) return undefined
  try {
    const { sid } = decodeJwt(idToken)
    return typeof sid === 'string' && sid !== '' ? sid : undefined
  } catch {
    return undefined
  }
}
