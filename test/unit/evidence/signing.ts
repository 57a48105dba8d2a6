// A broker's evidence made by hand: a key, a chain of lines, and a bundle of both.
import { fromHex } from '../../../src/platform/crypto.ts'
import { keyRing, type KeySources } from '../../../src/issuer/keys.ts'
import { evidenceSigner } from '../../../src/issuer/evidence-signer.ts'
import { BEFORE_ALL, lineOf, type EvidenceEntry, type LineBody } from '../../../src/evidence/line.ts'
import { HEAD_TYPE, RECEIPT_TYPE, type EvidenceKey, type EvidenceSigner } from '../../../src/evidence/statements.ts'
import type { Bundle } from '../../../scripts/evidence/verify.ts'

export const ISSUER = 'https://mcp.example.com'
export const NOW = 1_800_000_000

export const secret = (byte: string) => fromHex(byte.repeat(32))

export async function signerOf(sources: KeySources, issuer = ISSUER): Promise<EvidenceSigner> {
  return evidenceSigner(await keyRing(sources), issuer, () => NOW)
}

export function keyOf({ kid, jwk }: EvidenceSigner): EvidenceKey {
  return { kid, jwk, since: NOW }
}

const RECEIPT = { id: 'receipt-1', by: 'carol', why: 'laptop stolen', action: 'revoke', grants: 1, streams: 2, state: 'done' }

type Said = Pick<LineBody, 'kind'> & Readonly<Record<string, unknown>>

const BODIES: readonly Said[] = [
  { kind: 'begin', before: { events: 0, receipts: 0 } },
  { kind: 'event', event: { type: 'signed_in', sub: 'alice' } },
  { kind: 'receipt', receipt: RECEIPT },
  { kind: 'event', event: { type: 'person_ended', sub: 'alice' } },
  { kind: 'event', event: { type: 'signed_in', sub: 'bob' } },
]

export function chain(bodies = BODIES): readonly EvidenceEntry[] {
  const lines: EvidenceEntry[] = []
  let before = BEFORE_ALL
  for (const [index, said] of bodies.entries()) {
    const body: LineBody = { ...said, salt: `salt-${index}`, at: NOW * 1000 + index }
    const { number, digest, hash } = lineOf(index + 1, body, before)
    lines.push({ number, digest, hash, body })
    before = hash
  }
  return lines
}

export async function bundleOf(signer: EvidenceSigner, entries = chain()): Promise<Bundle> {
  const last = entries.at(-1)
  if (!last || !('number' in last)) throw new Error('a chain ends with a line')
  const { number, hash } = last
  const of = entries[2]
  const line = of && 'number' in of ? { number: of.number, digest: of.digest, hash: of.hash } : undefined
  return inFile({
    kind: 'mcp-session-broker evidence',
    issuer: ISSUER,
    about: 'alice',
    head: { number, hash, statement: await signer.sign(HEAD_TYPE, { number, hash }) },
    keys: [keyOf(signer)],
    entries,
    receipts: [await signer.sign(RECEIPT_TYPE, { jti: RECEIPT.id, receipt: RECEIPT, line })],
  })
}

/** As a file has it. */
export function inFile(content: object): Bundle {
  return JSON.parse(JSON.stringify(content))
}
