// Authorization codes: what a code was issued for, and that it is redeemed once (RFC 6749 section 4.1.2, RFC 7636).
//
// Layout: one row per code, and one per code whose sign-in has a name at the identity provider. Lifetime: as long as the grant; a replay is noticed while the signature of
// the code still verifies, and worth nothing afterwards.
// Trade-off: redemption is one SQLite turn of the only writer; no lock is needed for "exactly one success".
import { randomId } from '../../platform/crypto.ts'
import { TableCapability } from './table.ts'

export interface IssuedFor {
  readonly grantId: string
  readonly redirectUri: string
  /** `code_challenge` of the authorization request, method S256. */
  readonly codeChallenge: string
  /** Unix seconds. */
  readonly expiresAt: number
  /** What the identity provider calls the session of this sign-in (`sid`). */
  readonly providerSession?: string | undefined
}

export interface Redemption {
  readonly jti: string
  readonly grantId: string
  /** Absent when the client sent none; it is then not compared (OAuth 2.1 section 10.2). */
  readonly redirectUri: string | undefined
  /** S256 of the `code_verifier` that was sent; absent when none was. */
  readonly codeChallenge: string | undefined
  /** The resource the client named (RFC 8707), in canonical form; absent when it named none. */
  readonly resource?: string
}

export type CodeOutcome = 'redeemed' | 'unknown' | 'expired' | 'wrong_verifier' | 'wrong_redirect_uri' | 'repeated' | 'replayed'

/** A client that holds the verifier and comes again this soon (seconds) has lost an answer; it is not a thief. */
const RETRY_WINDOW = 10

export class Codes extends TableCapability {
  constructor(storage: DurableObjectStorage) {
    super(
      storage,
      'codes',
      `CREATE TABLE IF NOT EXISTS codes (
      jti TEXT PRIMARY KEY, grant_id TEXT NOT NULL, redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL,
      expires_at INTEGER NOT NULL, used_at INTEGER)`,
      'CREATE TABLE IF NOT EXISTS code_sessions (grant_id TEXT PRIMARY KEY, sid TEXT NOT NULL) WITHOUT ROWID',
    )
  }

  issue(issued: IssuedFor): string {
    const jti = randomId(16)
    const { grantId, redirectUri, codeChallenge, expiresAt, providerSession: sid } = issued
    if (sid !== undefined) this.sql.exec('INSERT OR REPLACE INTO code_sessions (grant_id, sid) VALUES (?, ?)', grantId, sid)
    this.sql.exec(
      'INSERT INTO codes (jti, grant_id, redirect_uri, challenge, expires_at, used_at) VALUES (?, ?, ?, ?, ?, NULL)',
      jti,
      grantId,
      redirectUri,
      codeChallenge,
      expiresAt,
    )
    return jti
  }

  /** For a code that has been waiting inside, and leaves only now. */
  extend(jti: string, expiresAt: number): void {
    this.sql.exec('UPDATE codes SET expires_at = ? WHERE jti = ? AND used_at IS NULL', expiresAt, jti)
  }

  /** Spends the code, whatever the outcome: a code that met a wrong verifier is never worth a second try. */
  redeem(asked: Redemption, now: number): CodeOutcome {
    const [row] = this.sql.exec<CodeRow>('SELECT * FROM codes WHERE jti = ? AND grant_id = ?', asked.jti, asked.grantId)
    if (!row) return 'unknown'
    const verified = asked.codeChallenge === row.challenge
    if (row.used_at !== null) return verified && now - row.used_at <= RETRY_WINDOW ? 'repeated' : 'replayed'
    this.sql.exec('UPDATE codes SET used_at = ? WHERE jti = ?', now, asked.jti)
    if (row.expires_at <= now) return 'expired'
    if (!verified) return 'wrong_verifier'
    if (asked.redirectUri !== undefined && asked.redirectUri !== row.redirect_uri) return 'wrong_redirect_uri'
    return 'redeemed'
  }

  /** Under which session at the identity provider the sign-in behind a grant took place. */
  providerSessionOf(grantId: string): string | undefined {
    const query = 'SELECT sid FROM code_sessions WHERE grant_id = ?'
    return this.sql.exec<{ sid: string }>(query, grantId).toArray()[0]?.sid
  }

  forgetGrant(grantId: string): void {
    this.sql.exec('DELETE FROM code_sessions WHERE grant_id = ?', grantId)
    this.sql.exec('DELETE FROM codes WHERE grant_id = ?', grantId)
  }
}

interface CodeRow extends Record<string, SqlStorageValue> {
  jti: string
  grant_id: string
  redirect_uri: string
  challenge: string
  expires_at: number
  used_at: number | null
}
