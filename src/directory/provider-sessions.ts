// Whose a session at the identity provider is: for a provider that names the session alone when somebody signs out there.
//
// Layout: one row per session. Lifetime: 400 days, and the newest KEPT of a person. Trade-off: fed by the outboxes of the people, and so
// seconds behind; who signs in and out again within them is found by the next question to the provider instead.
import { TableCapability } from '../session/store/table.ts'

const KEPT = 50
const LIFETIME = 400 * 86_400

export class ProviderSessions extends TableCapability {
  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'provider-sessions',
      `
      CREATE TABLE IF NOT EXISTS provider_sessions (
        issuer TEXT NOT NULL, sid TEXT NOT NULL, sub TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (issuer, sid)) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS provider_sessions_by_person ON provider_sessions (sub, at);
      CREATE INDEX IF NOT EXISTS provider_sessions_by_age ON provider_sessions (at)`,
    )
  }

  remember(issuer: string, sid: string, sub: string, at: number): void {
    const { sql } = this.storage
    sql.exec('INSERT OR REPLACE INTO provider_sessions (issuer, sid, sub, at) VALUES (?, ?, ?, ?)', issuer, sid, sub, at)
    sql.exec('DELETE FROM provider_sessions WHERE at < ?', at - LIFETIME)
    sql.exec(
      `DELETE FROM provider_sessions WHERE sub = ?1 AND at < (SELECT at FROM provider_sessions WHERE sub = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2)`,
      sub,
      KEPT - 1,
    )
  }

  subjectOf(issuer: string, sid: string): string | undefined {
    const query = 'SELECT sub FROM provider_sessions WHERE issuer = ? AND sid = ?'
    const [row] = this.sql.exec<{ sub: string }>(query, issuer, sid)
    return row?.sub
  }
}
