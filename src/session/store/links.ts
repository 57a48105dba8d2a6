// The person's own tokens for downstreams that ask for them: sealed at rest, refreshed by one flight at a time.
//
// Layout: one row per downstream, by our resource. Lifetime: until the person disconnects, everything of theirs ends, the server refuses
// to renew it, or SESSION_TTL after the last sign-in for that downstream. Trade-off: the opened tokens stay in memory while the
// object lives, as those of the identity provider do.
import { LifecycleCapability } from 'agents/lifecycle'
import type { KeyRing } from '../../issuer/keys.ts'
import { seal, unseal } from '../../platform/crypto.ts'
import { log } from '../../platform/telemetry.ts'
import { linkSchema, type Link, type LinkClient, type RenewalOutcome } from '../contract/link-client.ts'

export interface LinksAccess {
  readonly keys: KeyRing
  readonly linkClient: LinkClient
  readonly waitUntil: (work: Promise<unknown>) => void
  /** There is one more, or one less. */
  readonly changed: () => void
  /** There is another token for this downstream. */
  readonly renewed: (resource: string) => void
}

/** What others know of a link: nothing that opens anything. */
export interface KeptLink {
  readonly resource: string
  readonly issuer: string
  /** Unix seconds of the last sign-in for it, and of what it was made in. */
  readonly usedAt: number
  readonly madeAt: number
}

interface LinkInUse {
  readonly link: Link
  readonly usedAt: number
}

export class Links extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  #access: LinksAccess | undefined
  readonly #kept = new Map<string, LinkInUse>()
  /** Scopes a downstream has asked for that its token does not have. */
  readonly #missing = new Map<string, readonly string[]>()
  readonly #flights = new Map<string, Flight>()
  // Count ends: what was asked for, or sealed, before one of them is not kept after it.
  readonly #ends = new Map<string, number>()
  #endsOfAll = 0

  constructor(storage: DurableObjectStorage) {
    super('links')
    this.#storage = storage
  }

  override onStart(): void {
    this.#storage.sql.exec(
      `CREATE TABLE IF NOT EXISTS links (
        resource TEXT PRIMARY KEY, sealed TEXT NOT NULL, used_at INTEGER NOT NULL, missing TEXT NOT NULL DEFAULT '')`,
    )
  }

  /** Called once after start; unseals what the last life of the object kept. */
  async open(access: LinksAccess): Promise<void> {
    this.#access = access
    const { current, previous } = access.keys
    const rows = [...this.#storage.sql.exec<LinkRow>('SELECT * FROM links')]
    for (const { resource, sealed, used_at: usedAt, missing } of rows) {
      const context = this.#contextOf(resource)
      const text = (await unseal(current.vault, sealed, context)) ?? (previous && (await unseal(previous.vault, sealed, context)))
      if (text === undefined) log('error', 'link.unreadable', { cure: 'set ENCRYPTION_KEY_PREVIOUS to the key used before' })
      else this.#kept.set(resource, { link: linkSchema.parse(JSON.parse(text)), usedAt })
      if (missing !== '') this.#missing.set(resource, missing.split(' '))
    }
  }

  find(resource: string): Link | undefined {
    return this.#kept.get(resource)?.link
  }

  all(): readonly KeptLink[] {
    return [...this.#kept].map(([resource, { link, usedAt }]) => ({
      resource,
      issuer: link.issuer,
      usedAt,
      madeAt: link.madeAt ?? 0,
    }))
  }

  /** What must never be in a recording. */
  get secrets(): readonly string[] {
    return [...this.#kept.values()].flatMap(({ link: { accessToken, refreshToken, client } }) =>
      [accessToken, refreshToken, client.secret].filter((secret) => secret !== undefined),
    )
  }

  /**
   * The person has come back from the downstream's authorization server. What they had there before is given back. False when the
   * connection was ended meanwhile: then nothing is kept, and what the server gave is given back as well.
   */
  async begin(resource: string, link: Link, now: number): Promise<boolean> {
    const ends = this.#endsOf(resource)
    const sealed = await this.#seal(resource, link)
    if (ends !== this.#endsOf(resource)) {
      this.#giveBack(link)
      return false
    }
    const before = this.#kept.get(resource)?.link
    this.#storage.sql.exec(
      `INSERT OR REPLACE INTO links (resource, sealed, used_at, missing)
        VALUES (?, ?, ?, '')`,
      resource,
      sealed,
      now,
    )
    this.#kept.set(resource, { link, usedAt: now })
    this.#missing.delete(resource)
    if (!before) this.#access?.changed()
    this.#access?.renewed(resource)
    // Of one authorization server the new tokens may be the old ones' own, and would end with them.
    if (before && before.issuer !== link.issuer) this.#giveBack(before)
    return true
  }

  /** For tokens that came too late to be kept. */
  decline(link: Link): void {
    this.#giveBack(link)
  }

  /** The person has signed in for this downstream again. */
  touch(resource: string, now: number): void {
    const kept = this.#kept.get(resource)
    if (!kept) return
    this.#storage.sql.exec('UPDATE links SET used_at = ? WHERE resource = ?', now, resource)
    this.#kept.set(resource, { ...kept, usedAt: now })
  }

  /** Remembered for the next time the person is sent there. */
  miss(resource: string, scopes: readonly string[]): void {
    const missing = [...new Set([...this.missing(resource), ...scopes])]
    this.#storage.sql.exec('UPDATE links SET missing = ? WHERE resource = ?', missing.join(' '), resource)
    this.#missing.set(resource, missing)
  }

  missing(resource: string): readonly string[] {
    return this.#missing.get(resource) ?? []
  }

  /** Forgets the tokens at once and gives them back afterwards. False when there were none. */
  end(resource: string): boolean {
    const kept = this.#kept.get(resource)
    this.#ends.set(resource, (this.#ends.get(resource) ?? 0) + 1)
    this.#storage.sql.exec('DELETE FROM links WHERE resource = ?', resource)
    this.#kept.delete(resource)
    this.#missing.delete(resource)
    if (kept) {
      this.#giveBack(kept.link)
      this.#access?.changed()
    }
    return kept !== undefined
  }

  endAll(): void {
    this.#endsOfAll += 1
    for (const resource of this.#kept.keys()) this.end(resource)
    // Also what could not be read.
    this.#storage.sql.exec('DELETE FROM links')
  }

  /** Asks the authorization server once, however many callers wait: a rotating one would take the second call for a replay. */
  refresh(resource: string): Promise<RenewalOutcome> {
    const of = this.find(resource)
    const known = this.#flights.get(resource)
    if (known && known.of === of) return known.outcome
    const outcome = this.#refresh(resource).finally(() => {
      if (this.#flights.get(resource) === flight) this.#flights.delete(resource)
    })
    const flight: Flight = { of, outcome }
    this.#flights.set(resource, flight)
    return outcome
  }

  async #refresh(resource: string): Promise<RenewalOutcome> {
    const before = this.#kept.get(resource)
    if (!before || !this.#access) return { outcome: 'ended', why: 'there is no link' }
    let current: Link = before.link
    const outcome = await this.#access.linkClient.refresh(before.link, async (link) => {
      const sealed = await this.#seal(resource, link)
      // The link was replaced or revoked during the refresh: the new tokens belong to nobody.
      const now = this.#kept.get(resource)
      if (now?.link !== before.link) return this.#giveBack(link)
      this.#storage.sql.exec('UPDATE links SET sealed = ? WHERE resource = ?', sealed, resource)
      this.#kept.set(resource, { ...now, link })
      this.#access?.renewed(resource)
      current = link
    })
    return this.#kept.get(resource)?.link === current ? outcome : { outcome: 'superseded' }
  }

  #endsOf(resource: string): number {
    return this.#endsOfAll + (this.#ends.get(resource) ?? 0)
  }

  #giveBack(link: Link): void {
    if (this.#access) this.#access.waitUntil(this.#access.linkClient.revoke(link))
  }

  #seal(resource: string, link: Link): Promise<string> {
    if (!this.#access) throw new Error('links were used before they were opened')
    return seal(this.#access.keys.current.vault, JSON.stringify(link), this.#contextOf(resource))
  }

  /** Neither another person's row nor another downstream's can be put in its place. */
  #contextOf(resource: string): string {
    return `${this.lifecycle.name} link ${resource}`
  }
}

interface Flight {
  /** The tokens it renews. */
  readonly of: Link | undefined
  readonly outcome: Promise<RenewalOutcome>
}

interface LinkRow extends Record<string, SqlStorageValue> {
  resource: string
  sealed: string
  used_at: number
  missing: string
}
