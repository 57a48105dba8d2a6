// What MCP servers that keep something of a session are told of its end: security events on their way, each until its server has taken it.
//
// Layout: one row per ended grant of a server that wants to hear of it. Lifetime: until that has answered, at most three days. Trade-off: a
// row and a job for each grant that ends, at such servers alone; who ends access waits for none of them.
import type { LifecycleJobOutcome } from 'agents/lifecycle'
import type { Identity } from '../../caller.ts'
import { SESSION_REVOKED, signSecurityEvent } from '../../issuer/security-event.ts'
import type { IdentityKey } from '../../issuer/keys.ts'
import { backoff } from '../../platform/backoff.ts'
import { randomId } from '../../platform/crypto.ts'
import { pushEvent } from '../../platform/push-event.ts'
import { log } from '../../platform/telemetry.ts'
import { downstreamFor, type Downstream } from '../../settings/downstreams.ts'
import type { Settings } from '../../settings/settings.ts'
import type { Grant, RevocationReason } from './grants.ts'
import { TableCapability } from './table.ts'

export interface TransmissionOptions {
  readonly settings: Settings
  readonly key: IdentityKey
  readonly identity: () => Identity | undefined
}

const BATCH = 20
/** Of one person; the oldest goes first. */
const MOST = 500
const RETRY_MS = { first: 1_000, longest: 3_600_000 }
const GIVE_UP_MS = 3 * 86_400_000

export class Transmissions extends TableCapability {
  #options: TransmissionOptions | undefined

  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'transmissions',
      `CREATE TABLE IF NOT EXISTS transmissions (
      number INTEGER PRIMARY KEY AUTOINCREMENT, jti TEXT NOT NULL, resource TEXT NOT NULL, grant_id TEXT NOT NULL, issuer TEXT NOT NULL,
      subject TEXT NOT NULL, why TEXT NOT NULL, at INTEGER NOT NULL, attempts INTEGER NOT NULL, due INTEGER NOT NULL)`,
    )
  }

  /** Called once after start. */
  open(options: TransmissionOptions): void {
    this.#options = options
  }

  /** In the turn that revokes them; they leave by a job a moment later. */
  async put(grants: readonly Grant[], why: RevocationReason): Promise<void> {
    const { settings, identity } = this.#options ?? {}
    const person = identity?.()
    const told = grants.filter(
      ({ resource, generation }) => generation > 0 && settings && downstreamFor(settings, resource)?.signals,
    )
    if (!person || told.length === 0) return
    const { sql } = this.storage
    for (const { id, resource } of told)
      sql.exec(
        'INSERT INTO transmissions (jti, resource, grant_id, issuer, subject, why, at, attempts, due) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)',
        randomId(16),
        resource,
        id,
        person.issuer,
        person.subject,
        why,
        Date.now(),
        Date.now(),
      )
    sql.exec('DELETE FROM transmissions WHERE number <= (SELECT max(number) FROM transmissions) - ?', MOST)
    await this.lifecycle.jobs.push({ id: 'transmissions', fn: 'tell', time: Date.now() })
  }

  async onJob(): Promise<LifecycleJobOutcome> {
    const options = this.#options
    // Not started yet: nothing is known of what is wanted.
    if (!options) return { rescheduleAt: Date.now() + RETRY_MS.first }
    const query = 'SELECT * FROM transmissions WHERE due <= ? ORDER BY number LIMIT ?'
    const rows = [...this.sql.exec<Row>(query, Date.now(), BATCH)]
    await Promise.all(rows.map((row) => this.#tell(options, row)))
    const { due } = this.sql.exec<{ due: number | null }>('SELECT min(due) AS due FROM transmissions').one()
    return due === null ? undefined : { rescheduleAt: Math.max(due, Date.now() + 1) }
  }

  async #tell(options: TransmissionOptions, row: Row): Promise<void> {
    const downstream = downstreamFor(options.settings, row.resource)
    const { number, jti, resource, attempts, at } = row
    // The settings may say by now that it wants to hear of nothing.
    const { outcome, why } = downstream?.signals
      ? await pushEvent(downstream.signals, await this.#event(options, downstream, row))
      : ({ outcome: 'refused', why: 'no longer in the settings' } as const)
    const isOver = outcome === 'again' && Date.now() - at > GIVE_UP_MS
    if (outcome === 'taken') log('info', 'cut.told', { server: resource, jti, attempts: attempts + 1 })
    else
      log(isOver ? 'error' : 'warn', 'cut.not_told', {
        server: resource,
        jti,
        attempts: attempts + 1,
        reason: why,
        given_up: isOver,
      })
    if (outcome !== 'again' || isOver) this.sql.exec('DELETE FROM transmissions WHERE number = ?', number)
    else
      this.sql.exec(
        'UPDATE transmissions SET attempts = attempts + 1, due = ? WHERE number = ?',
        Date.now() + backoff(RETRY_MS, attempts),
        number,
      )
  }

  /** The person as identity JWTs name them, and the session by their `sid`. */
  async #event({ settings, key }: TransmissionOptions, { url, signals }: Downstream, row: Row): Promise<string> {
    const user = { format: 'iss_sub', iss: row.issuer, sub: row.subject }
    return await signSecurityEvent(key, {
      issuer: settings.baseUrl,
      audience: signals?.audience ?? url,
      jti: row.jti,
      issuedAt: Math.floor(row.at / 1000),
      type: SESSION_REVOKED,
      members: { event_timestamp: Math.floor(row.at / 1000), reason_admin: { en: row.why } },
      subject: { format: 'complex', user, session: { format: 'opaque', id: row.grant_id } },
    })
  }
}

interface Row extends Record<string, SqlStorageValue> {
  number: number
  jti: string
  resource: string
  grant_id: string
  issuer: string
  subject: string
  why: string
  at: number
  attempts: number
  due: number
}
