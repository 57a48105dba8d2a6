// Verifies evidence without the broker: statements by keys somebody trusts, and lines by each other. What an auditor runs.
import { calculateJwkThumbprint, compactVerify, importJWK, type JWK } from 'jose'
import * as z from 'zod'
import { canonical } from '../../src/platform/canonical-json.ts'
import { BEFORE_ALL, digestOf, hashOf, type EvidenceEntry } from '../../src/evidence/line.ts'
import { GAP_TYPE, HEAD_TYPE, KEY_TYPE, RECEIPT_TYPE, type StatementType } from '../../src/evidence/statements.ts'

/** Says what is wrong, for whoever trusts nobody. */
export class EvidenceError extends Error {
  override readonly name = 'EvidenceError'
}

/** What else stands in a key counts for nothing, its `kid` and its `alg` neither. */
const publicKey = z.discriminatedUnion('kty', [
  z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string() }),
  z.object({ kty: z.literal('RSA'), n: z.string(), e: z.string() }),
])
export const keySet = z.object({ keys: z.array(publicKey) })
const evidenceKey = z.object({ kid: z.string(), jwk: publicKey, since: z.int().optional(), handover: z.string().optional() })
const body = z.looseObject({ kind: z.enum(['begin', 'event', 'receipt', 'key']), at: z.number(), salt: z.string() })
const line = z.object({ number: z.int().min(1), digest: z.string(), hash: z.string(), body: body.optional() })
const gap = z.object({ first: z.int().min(1), last: z.int(), hash: z.string(), statement: z.string() })
const receiptFile = z.object({ receipt: z.string(), keys: z.array(evidenceKey) })
const receiptClaims = z.object({
  iss: z.string(),
  iat: z.number(),
  jti: z.string(),
  receipt: z.looseObject({ id: z.string() }),
  line: z.object({ number: z.int(), digest: z.string(), hash: z.string() }).optional(),
})
const headClaims = z.object({ iss: z.string(), iat: z.number(), number: z.int(), hash: z.string() })
const gapClaims = z.object({ iss: z.string(), first: z.int(), last: z.int(), hash: z.string(), before: z.string() })
const keyClaims = z.object({ iss: z.string(), jwk: publicKey })

export const evidenceLines = z.array(z.union([line, gap]))
export const bundle = z.object({
  kind: z.literal('mcp-session-broker evidence'),
  issuer: z.string(),
  about: z.string().optional(),
  head: z.object({ number: z.int(), hash: z.string(), statement: z.string() }),
  keys: z.array(evidenceKey),
  entries: evidenceLines,
  receipts: z.array(z.string()),
})
export type Bundle = z.output<typeof bundle>
type OfferedKey = z.output<typeof evidenceKey>

/** As published by the broker, or named by the thumbprints that somebody wrote down: what a file brings along is not trusted by itself. */
export interface Trusted {
  readonly jwks?: readonly JWK[] | undefined
  readonly pins?: readonly string[] | undefined
}

/** By thumbprint, which nobody chooses. */
export class TrustedKeys {
  readonly #keys = new Map<string, JWK>()

  /** Those of a file count when they are pinned, or named by one that counts. */
  static async of({ jwks = [], pins = [] }: Trusted, offered: readonly OfferedKey[] = []): Promise<TrustedKeys> {
    const trusted = new TrustedKeys()
    for (const jwk of jwks) trusted.#keys.set(await calculateJwkThumbprint(jwk), jwk)
    const prints = await Promise.all(offered.map(async (one) => [await calculateJwkThumbprint(one.jwk), one] as const))
    for (const [print, { jwk }] of prints) if (pins.includes(print)) trusted.#keys.set(print, jwk)
    // A key that is handed over to may itself hand over: once for each of them is enough.
    for (let round = 0; round < prints.length; round += 1)
      for (const [print, { jwk, handover }] of prints) {
        if (handover === undefined || trusted.#keys.has(print)) continue
        const named = await trusted.#claims(handover, KEY_TYPE, keyClaims).catch(() => undefined)
        if (named && (await calculateJwkThumbprint(named.jwk)) === print) trusted.#keys.set(print, jwk)
      }
    return trusted
  }

  get size(): number {
    return this.#keys.size
  }

  async receipt(statement: string): Promise<z.output<typeof receiptClaims>> {
    return await this.#claims(statement, RECEIPT_TYPE, receiptClaims)
  }

  async head(statement: string): Promise<z.output<typeof headClaims>> {
    return await this.#claims(statement, HEAD_TYPE, headClaims)
  }

  async gap(statement: string): Promise<z.output<typeof gapClaims>> {
    return await this.#claims(statement, GAP_TYPE, gapClaims)
  }

  async #claims<Schema extends z.ZodType>(statement: string, type: StatementType, schema: Schema): Promise<z.output<Schema>> {
    const verified = await compactVerify(
      statement,
      async (header) => {
        const { kid, alg } = header
        const found = this.#keys.get(kid ?? '')
        if (!found) throw new EvidenceError(`it is signed by a key that is not trusted: ${String(kid).slice(0, 60)}`)
        // The key decides what signs with it, not the header.
        const own = found.kty === 'EC' ? 'ES256' : 'RS256'
        if (alg !== own) throw new EvidenceError(`it says ${String(alg).slice(0, 20)}, and its key signs ${own}`)
        return await importJWK(found, own)
      },
      { algorithms: ['ES256', 'RS256'] },
    ).catch((error: unknown) => {
      if (error instanceof EvidenceError) throw error
      throw new EvidenceError(`its signature does not hold: ${error instanceof Error ? error.message : 'no reason'}`)
    })
    const { typ } = verified.protectedHeader
    if (typ !== type) throw new EvidenceError(`it is a statement of another kind: ${String(typ).slice(0, 40)}, and not ${type}`)
    const parsed = schema.safeParse(JSON.parse(new TextDecoder().decode(verified.payload)))
    if (!parsed.success) throw new EvidenceError('its signature holds, and what it says is incomplete')
    return parsed.data
  }
}

export interface Walked {
  readonly lines: number
  readonly gone: number
  readonly hidden: number
  readonly first: number
  readonly last: number
  readonly hash: string
}

export interface KnownHash {
  readonly number: number
  readonly hash: string
}

/** Each line covers the one before. Lines that begin later than 1 begin behind a line that was pinned. */
export async function walk(
  entries: readonly EvidenceEntry[],
  keys: TrustedKeys,
  { issuer, pinned = [] }: { readonly issuer?: string | undefined; readonly pinned?: readonly KnownHash[] } = {},
): Promise<Walked> {
  const [start] = entries
  const began = start === undefined ? 1 : 'number' in start ? start.number : start.first
  const from = pinned.find(({ number }) => number === began - 1) ?? { number: 0, hash: BEFORE_ALL }
  let [before, last, gone, hidden]: [string, number, number, number] = [from.hash, from.number, 0, 0]
  const open = new Map(pinned.filter(({ number }) => number > from.number).map(({ number, hash }) => [number, hash]))
  for (const entry of entries) {
    const first = 'number' in entry ? entry.number : entry.first
    if (first !== last + 1) throw new EvidenceError(missing(last, first))
    if ('number' in entry) {
      if (entry.body !== undefined && digestOf(canonical(entry.body)) !== entry.digest)
        throw new EvidenceError(`line ${first} was changed: its digest is of another text`)
      if (hashOf(entry, before) !== entry.hash)
        throw new EvidenceError(`line ${first} does not follow the one before: one of them was changed or replaced`)
      if (entry.body === undefined) hidden += 1
    } else {
      const said = await keys.gap(entry.statement).catch((error: unknown) => {
        throw new EvidenceError(`lines ${first} to ${entry.last}: ${error instanceof Error ? error.message : ''}`)
      })
      const isIt = said.first === first && said.last === entry.last && said.hash === entry.hash && said.before === before
      if (!isIt || said.last < said.first || (issuer !== undefined && said.iss !== issuer))
        throw new EvidenceError(`lines ${first} to ${entry.last} are said to be kept no more, by a statement about others`)
      gone += said.last - said.first + 1
    }
    last = 'number' in entry ? entry.number : entry.last
    before = entry.hash
    const expected = open.get(last)
    if (expected !== undefined && expected !== before)
      throw new EvidenceError(`line ${last} is another one than was pinned: what came before was changed`)
    open.delete(last)
  }
  const [unmet] = open.keys()
  if (unmet !== undefined && unmet > last) throw new EvidenceError(`line ${unmet} was pinned, and the lines end at ${last}`)
  const lines = entries.filter((entry) => 'number' in entry).length
  return { lines, gone, hidden, first: last === from.number ? last : from.number + 1, last, hash: before }
}

function missing(last: number, first: number): string {
  if (first <= last) return `line ${first} stands behind line ${last}: lines were moved or repeated`
  return last + 1 === first - 1 ? `line ${last + 1} is missing` : `lines ${last + 1} to ${first - 1} are missing`
}

/** A bundle as `npm run admin -- evidence` writes it: head, lines and receipts, and that they are of one broker. */
export async function verifyBundle(
  { head, entries, keys: offered, receipts, issuer, about }: Bundle,
  trust: Trusted,
  pinned: readonly KnownHash[] = [],
): Promise<{ readonly walked: Walked; readonly signedAt: number; readonly receipts: readonly z.output<typeof receiptClaims>[] }> {
  const keys = await TrustedKeys.of(trust, offered)
  if (keys.size === 0) throw new EvidenceError('none of the keys in it is one you trust')
  const said = await keys.head(head.statement)
  if (said.iss !== issuer) throw new EvidenceError(`its head is of another broker: ${said.iss.slice(0, 100)}`)
  const walked = await walk(entries, keys, { issuer, pinned })
  if (walked.last !== said.number || walked.hash !== said.hash)
    throw new EvidenceError(
      `its lines end at ${walked.last}, and the signed head is line ${said.number}: lines were cut off or changed`,
    )
  const known = new Map(entries.flatMap((entry) => ('number' in entry ? [[entry.number, entry] as const] : [])))
  const read = await Promise.all(receipts.map((statement) => keys.receipt(statement)))
  for (const { iss, line: named, receipt } of read) {
    if (iss !== issuer) throw new EvidenceError(`receipt ${receipt.id} is of another broker`)
    const found = named && known.get(named.number)
    if (found && (found.hash !== named.hash || found.digest !== named.digest))
      throw new EvidenceError(`receipt ${receipt.id} names line ${named.number}, which says something else`)
    if (found?.body && canonical(found.body['receipt']) !== canonical(receipt))
      throw new EvidenceError(`receipt ${receipt.id} and line ${named?.number} say different things`)
  }
  const shown = entries.flatMap((entry) => ('number' in entry && entry.body?.kind === 'receipt' ? entry.body['receipt'] : []))
  if (about !== undefined && read.length === 0 && shown.length > 0) throw new EvidenceError('its receipts were taken out')
  return { walked, signedAt: said.iat, receipts: read }
}

export async function verifyReceiptFile(text: string, trust: Trusted): Promise<z.output<typeof receiptClaims>> {
  const file = text.trimStart().startsWith('{') ? receiptFile.safeParse(documentIn(text)) : undefined
  if (file && !file.success) throw new EvidenceError('this is no receipt: a JWS, or the file that the portal gives')
  const keys = await TrustedKeys.of(trust, file?.data.keys)
  if (keys.size === 0) throw new EvidenceError('none of the keys in it is one you trust')
  return await keys.receipt(file?.data.receipt ?? text.trim())
}

function documentIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new EvidenceError('this is no JSON')
  }
}
