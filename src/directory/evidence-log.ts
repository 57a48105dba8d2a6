// The evidence: every security event and every state of a receipt as a line that covers the one before, so that none can go unseen.
//
// Layout: a numbered row per line with its canonical body, digest and hash; a row per run of lines that are kept no more, with the broker's
// signature on the hash of its last; a row per key that has signed. Lifetime: a body as long as the event or receipt it is of; what is left of
// it until the job has signed for it. Trade-off: an event costs a row more, in the same transaction; nothing is signed before somebody asks.
import { LifecycleCapability, type LifecycleJobOutcome } from 'agents/lifecycle'
import { BEFORE_ALL, lineOf, type EvidenceEntry, type EvidenceGap, type EvidenceLine, type LineBody } from '../evidence/line.ts'
import { GAP_TYPE, HEAD_TYPE, KEY_TYPE, RECEIPT_TYPE, type EvidenceKey, type EvidenceSigner } from '../evidence/statements.ts'
import { randomId } from '../platform/crypto.ts'
import { describeError, log } from '../platform/telemetry.ts'
import type { Receipt } from '../session/contract/receipt.ts'

export interface EvidenceLogOptions {
  readonly signer: () => Promise<EvidenceSigner>
  /** There is a line more. */
  readonly appended: () => void
  /** Unix seconds. */
  readonly now: () => number
}

/** What a line is made from; `ref` finds it when what it is about is not kept any more. */
interface Said {
  readonly kind: LineBody['kind']
  readonly ref?: string
  readonly sub?: string | undefined
  readonly says: Readonly<Record<string, unknown>>
}

export interface EvidenceHead {
  readonly number: number
  readonly hash: string
}

export interface SignedHead extends EvidenceHead {
  readonly statement: string
  readonly keys: readonly EvidenceKey[]
}

export interface EvidencePage {
  /** Oldest first. */
  readonly entries: readonly EvidenceEntry[]
  /** Pass it back for the next page; undefined on the last. */
  readonly next: number | undefined
}

export interface SignedReceipt {
  readonly receipt: string
  readonly keys: readonly EvidenceKey[]
}

const MOST = 1_000
const COMPACT_AFTER_MS = 60_000
const TRY_AGAIN_MS = 300_000
const LOOKED_AT = 5_000
const SIGNED_AT_ONCE = 100

export class EvidenceLog extends LifecycleCapability {
  readonly #storage: DurableObjectStorage
  readonly #options: EvidenceLogOptions

  constructor(storage: DurableObjectStorage, options: EvidenceLogOptions) {
    super('evidence')
    this.#storage = storage
    this.#options = options
  }

  override onStart(): void {
    const { sql } = this.#storage
    sql.exec(`
      CREATE TABLE IF NOT EXISTS evidence (
        number INTEGER PRIMARY KEY, kind TEXT NOT NULL, ref TEXT, sub TEXT, body TEXT, digest TEXT NOT NULL, hash TEXT NOT NULL);
      CREATE INDEX IF NOT EXISTS evidence_by_ref ON evidence (ref, kind) WHERE ref IS NOT NULL;
      CREATE INDEX IF NOT EXISTS evidence_forgotten ON evidence (number) WHERE body IS NULL;
      CREATE TABLE IF NOT EXISTS evidence_gaps (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, hash TEXT NOT NULL, statement TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS evidence_keys (kid TEXT PRIMARY KEY, jwk TEXT NOT NULL, since INTEGER NOT NULL, handover TEXT) WITHOUT ROWID`)
    if (this.head.number > 0) return
    // What was there before is proven by nothing, and the first line says how much that is.
    const count = (table: string): number => sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n
    this.append({ kind: 'begin', says: { before: { events: count('security_events'), receipts: count('receipts') } } })
  }

  /** Written with whatever else this turn writes. */
  append({ kind, ref, sub, says }: Said): void {
    const head = this.head
    const line = lineOf(head.number + 1, { ...says, kind, salt: randomId(16), at: Date.now() }, head.hash)
    this.#storage.sql.exec(
      'INSERT INTO evidence (number, kind, ref, sub, body, digest, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
      line.number,
      kind,
      ref ?? null,
      sub ?? null,
      line.text,
      line.digest,
      line.hash,
    )
    this.#options.appended()
  }

  /** These are kept no more: of their lines the digests stay, until the job has signed for them. */
  forget(kind: 'event' | 'receipt', refs: readonly string[]): void {
    if (refs.length === 0) return
    const query = 'UPDATE evidence SET body = NULL, sub = NULL WHERE kind = ? AND ref IN (SELECT value FROM json_each(?))'
    this.#storage.sql.exec(query, kind, JSON.stringify(refs))
    void this.lifecycle.jobs
      .push({ id: 'evidence', fn: 'compact', time: Date.now() + COMPACT_AFTER_MS })
      .catch((error: unknown) => log('warn', 'evidence.not_compacted', { reason: describeError(error) }))
  }

  get head(): EvidenceHead {
    const [row] = this.#storage.sql.exec<Row>('SELECT * FROM evidence ORDER BY number DESC LIMIT 1')
    return row ? { number: row.number, hash: row.hash } : { number: 0, hash: BEFORE_ALL }
  }

  /** From the line after `after` on; where `sub` is given, of others only what hides them. */
  page(after: number, most = MOST, sub?: string): EvidencePage {
    const limit = Math.min(most, MOST)
    const { sql } = this.#storage
    const rows = [...sql.exec<Row>('SELECT * FROM evidence WHERE number > ? ORDER BY number LIMIT ?', after, limit)]
    const gaps = [...sql.exec<GapRow>('SELECT * FROM evidence_gaps WHERE last > ? ORDER BY first LIMIT ?', after, limit)]
    const entries = [...rows.map((row) => lineIn(row, sub)), ...gaps].sort((a, b) => placeOf(a) - placeOf(b)).slice(0, limit)
    const last = entries.at(-1)
    return { entries, next: last && entries.length === limit ? endOf(last) : undefined }
  }

  async signedHead(): Promise<SignedHead> {
    const signer = await this.#knownSigner()
    const { number, hash } = this.head
    return { number, hash, statement: await signer.sign(HEAD_TYPE, { number, hash }), keys: this.keys() }
  }

  /** As its newest line says, which whoever changes the table of receipts has not changed; one from before the first line has none. */
  async signReceipt(receipt: Receipt): Promise<SignedReceipt> {
    const signer = await this.#knownSigner()
    const query = "SELECT * FROM evidence WHERE kind = 'receipt' AND ref = ? ORDER BY number DESC LIMIT 1"
    const [row] = this.#storage.sql.exec<Row>(query, receipt.id)
    // Written by `append`, by nobody else.
    const stated: Receipt | undefined = row && row.body !== null ? JSON.parse(row.body).receipt : undefined
    const line = row && { number: row.number, digest: row.digest, hash: row.hash }
    return {
      receipt: await signer.sign(RECEIPT_TYPE, { jti: receipt.id, receipt: stated ?? receipt, ...(line && { line }) }),
      keys: this.keys(),
    }
  }

  /** Every key that has signed, oldest first. */
  keys(): readonly EvidenceKey[] {
    return [...this.#storage.sql.exec<KeyRow>('SELECT * FROM evidence_keys ORDER BY since, kid')].map((row) => {
      // Written by `#knownSigner`, by nobody else.
      const jwk: EvidenceKey['jwk'] = JSON.parse(row.jwk)
      return { kid: row.kid, jwk, since: row.since, ...(row.handover !== null && { handover: row.handover }) }
    })
  }

  /** A key that signs for the first time is a line, with what the one before says of it. */
  async #knownSigner(): Promise<EvidenceSigner> {
    const signer = await this.#options.signer()
    const { kid, jwk, signBefore } = signer
    const isKnown = (id: string): boolean => this.keys().some((key) => key.kid === id)
    if (isKnown(kid)) return signer
    const handover = signBefore && isKnown(signBefore.kid) ? await signBefore.sign(KEY_TYPE, { jwk }) : undefined
    this.#storage.transactionSync(() => {
      if (isKnown(kid)) return
      const query = 'INSERT INTO evidence_keys (kid, jwk, since, handover) VALUES (?, ?, ?, ?)'
      this.#storage.sql.exec(query, kid, JSON.stringify(jwk), this.#options.now(), handover ?? null)
      this.append({ kind: 'key', says: { kid, jwk, handover } })
    })
    return signer
  }

  async onJob(): Promise<LifecycleJobOutcome> {
    const signer = await this.#knownSigner()
    const query = 'SELECT * FROM evidence WHERE body IS NULL AND number < ? ORDER BY number LIMIT ?'
    const runs = runsOf([...this.#storage.sql.exec<Row>(query, this.head.number, LOOKED_AT)])
    for (const run of runs.slice(0, SIGNED_AT_ONCE)) await this.#compact(signer, run)
    return runs.length > SIGNED_AT_ONCE ? 'yield' : undefined
  }

  /** The settings may be wrong for a while. */
  onJobError(_: unknown, error: unknown): LifecycleJobOutcome {
    log('warn', 'evidence.not_compacted', { reason: describeError(error) })
    return { rescheduleAt: Date.now() + TRY_AGAIN_MS }
  }

  /** Signed before it goes, together with what has gone right before and after it. */
  async #compact(signer: EvidenceSigner, run: Omit<EvidenceGap, 'statement'>): Promise<void> {
    const { sql } = this.#storage
    const next = (where: string, at: number): GapRow | undefined =>
      sql.exec<GapRow>(`SELECT * FROM evidence_gaps WHERE ${where} = ?`, at).toArray()[0]
    const [before, after] = [next('last', run.first - 1), next('first', run.last + 1)]
    const whole = { first: before?.first ?? run.first, last: after?.last ?? run.last, hash: after?.hash ?? run.hash }
    const [line] = sql.exec<Row>('SELECT * FROM evidence WHERE number = ?', whole.first - 1)
    const statement = await signer.sign(GAP_TYPE, { ...whole, before: line?.hash ?? BEFORE_ALL })
    this.#storage.transactionSync(() => {
      sql.exec('DELETE FROM evidence WHERE number BETWEEN ? AND ?', whole.first, whole.last)
      sql.exec('DELETE FROM evidence_gaps WHERE first BETWEEN ? AND ?', whole.first, whole.last)
      const query = 'INSERT INTO evidence_gaps (first, last, hash, statement) VALUES (?, ?, ?, ?)'
      sql.exec(query, whole.first, whole.last, whole.hash, statement)
    })
  }
}

/** Neighbours without a body, together. */
function runsOf(rows: readonly Row[]): readonly Omit<EvidenceGap, 'statement'>[] {
  const runs: { first: number; last: number; hash: string }[] = []
  for (const { number, hash } of rows) {
    const run = runs.at(-1)
    if (run && run.last === number - 1) Object.assign(run, { last: number, hash })
    else runs.push({ first: number, last: number, hash })
  }
  return runs
}

function lineIn({ number, kind, sub: whose, body, digest, hash }: Row, sub: string | undefined): EvidenceLine {
  const isShown =
    sub === undefined || whose === sub || kind === 'begin' || kind === 'key' || (kind === 'receipt' && whose === null)
  // Written by `append`, by nobody else.
  const shown: LineBody | undefined = body === null || !isShown ? undefined : JSON.parse(body)
  return { number, digest, hash, ...(shown && { body: shown }) }
}

function placeOf(entry: EvidenceEntry): number {
  return 'number' in entry ? entry.number : entry.first
}

function endOf(entry: EvidenceEntry): number {
  return 'number' in entry ? entry.number : entry.last
}

interface Row extends Record<string, SqlStorageValue> {
  number: number
  kind: LineBody['kind']
  sub: string | null
  body: string | null
  digest: string
  hash: string
}

interface GapRow extends Record<string, SqlStorageValue> {
  first: number
  last: number
  hash: string
  statement: string
}

interface KeyRow extends Record<string, SqlStorageValue> {
  kid: string
  jwk: string
  since: number
  handover: string | null
}
