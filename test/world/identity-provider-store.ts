// What the demo identity provider remembers: grants, refresh tokens and its keys, in one SQLite file or in memory.
//
// Layout: one row per artefact of oidc-provider, and one row per named secret. Lifetime: rows past their expiry are dropped
// when the store opens. Trade-off: synchronous SQLite is slower than a Map, but people stay signed in when the demo restarts.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Adapter, Payload } from 'oidc-provider'

export class IdentityProviderStore {
  readonly #database: DatabaseSync

  constructor(dataDir: string | undefined) {
    if (dataDir) mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    this.#database = new DatabaseSync(dataDir ? join(dataDir, 'identity-provider.sqlite') : ':memory:')
    this.#database.exec(`
      PRAGMA journal_mode = WAL;
      CREATE TABLE IF NOT EXISTS artefacts (model TEXT, id TEXT, payload TEXT, grant_id TEXT, uid TEXT, expires_at INTEGER, PRIMARY KEY (model, id));
      CREATE INDEX IF NOT EXISTS artefacts_by_grant ON artefacts (grant_id);
      CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value TEXT);
    `)
    this.#database.prepare('DELETE FROM artefacts WHERE expires_at < ?').run(Date.now())
  }

  close(): void {
    this.#database.close()
  }

  secret(name: string): string | undefined {
    const row = this.#database.prepare('SELECT value FROM secrets WHERE name = ?').get(name)
    return typeof row?.['value'] === 'string' ? row['value'] : undefined
  }

  keepSecret(name: string, value: string): void {
    this.#database.prepare('INSERT OR REPLACE INTO secrets (name, value) VALUES (?, ?)').run(name, value)
  }

  /** oidc-provider asks for one of these per model. */
  readonly adapter = (model: string): Adapter => {
    const database = this.#database
    const find = database.prepare('SELECT payload, expires_at FROM artefacts WHERE model = ? AND id = ?')
    const findByUid = database.prepare('SELECT payload, expires_at FROM artefacts WHERE model = ? AND uid = ?')
    const write = database.prepare(
      'INSERT OR REPLACE INTO artefacts (model, id, payload, grant_id, uid, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
    )
    const consume = database.prepare(
      "UPDATE artefacts SET payload = json_set(payload, '$.consumed', ?) WHERE model = ? AND id = ?",
    )
    const destroy = database.prepare('DELETE FROM artefacts WHERE model = ? AND id = ?')
    // The grant itself stays: it carries no grant_id of its own, and oidc-provider destroys it by id.
    const revoke = database.prepare('DELETE FROM artefacts WHERE grant_id = ?')
    return {
      upsert: async (id, payload, expiresIn) => {
        const expiresAt = expiresIn === undefined ? null : Date.now() + expiresIn * 1000
        write.run(model, id, JSON.stringify(payload), text(payload['grantId']), text(payload['uid']), expiresAt)
      },
      find: async (id) => alive(find.get(model, id)),
      findByUid: async (uid) => alive(findByUid.get(model, uid)),
      findByUserCode: async () => undefined,
      consume: async (id) => void consume.run(Math.floor(Date.now() / 1000), model, id),
      destroy: async (id) => void destroy.run(model, id),
      revokeByGrantId: async (grantId) => void revoke.run(grantId),
    }
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function alive(row: Record<string, unknown> | undefined): Payload | undefined {
  if (typeof row?.['payload'] !== 'string') return undefined
  const { expires_at: expiresAt } = row
  return typeof expiresAt === 'number' && expiresAt < Date.now() ? undefined : JSON.parse(row['payload'])
}
