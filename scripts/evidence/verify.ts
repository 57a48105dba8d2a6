// Verifies evidence without the broker: statements by keys somebody trusts, and lines by each other. What an auditor runs.
import * as z from 'zod'
import { canonical } from '../../src/platform/canonical-json.ts'
import { EvidenceError, evidenceKey, receiptClaims, TrustedKeys, type Trusted } from './trusted-keys.ts'
import { evidenceLines, walk, type KnownHash, type Walked } from './walk.ts'

const receiptFile = z.object({ receipt: z.string(), keys: z.array(evidenceKey) })
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
  return { walked: { ...walked, proven: walked.last }, signedAt: said.iat, receipts: read }
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
