// A line of the evidence: what its digest and its hash are, by which a line that was removed, changed or moved shows (docs/evidence.md).
import { base64url } from 'jose'
import { canonical } from '../platform/canonical-json.ts'
import { sha256Bytes } from './sha256.ts'

/** What a line says; `salt` keeps whoever has the digest alone from guessing what it is of. */
export interface LineBody extends Readonly<Record<string, unknown>> {
  readonly kind: 'begin' | 'event' | 'receipt' | 'key'
  readonly salt: string
  /** When it was written, in unix milliseconds. */
  readonly at: number
}

export interface EvidenceLine {
  readonly number: number
  /** Of the canonical bytes of the body. */
  readonly digest: string
  /** Covers the number, the digest and the hash of the line before. */
  readonly hash: string
  /** Absent where it is older than what is kept, or is about somebody else than who is asked about. */
  readonly body?: LineBody | undefined
}

/** Lines that are not kept any more: all that is known of them is that `hash` was the last one's. */
export interface EvidenceGap {
  readonly first: number
  readonly last: number
  readonly hash: string
  /** The broker's signature on that, made before they went. */
  readonly statement: string
}

export type EvidenceEntry = EvidenceLine | EvidenceGap

/** What stands in place of a hash before the first line. */
export const BEFORE_ALL = ''
const VERSION = 'mcp-session-broker evidence 1'

const utf8 = new TextEncoder()

/** What a line's hash is of. */
export function covered({ number, digest }: Pick<EvidenceLine, 'number' | 'digest'>, before: string): string {
  return `${VERSION}\n${number}\n${before}\n${digest}`
}

export function lineOf(number: number, body: LineBody, before: string): EvidenceLine & { readonly text: string } {
  const text = canonical(body)
  const digest = digestOf(text)
  return { number, digest, hash: digestOf(covered({ number, digest }, before)), text }
}

function digestOf(text: string): string {
  return base64url.encode(sha256Bytes(utf8.encode(text)))
}
