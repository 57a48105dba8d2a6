// Seals the messages of one recording: a key for a while, sealed to the administrators' key, and under it each message in parts.
//
// The key of a segment is in memory alone: an object that was asleep has forgotten it, and begins the next segment. What is authenticated
// with a part says which recording, which place in it and which entry it belongs to; docs/recordings.md has the format.
import { CompactEncrypt } from 'jose'
import { randomId } from '../platform/crypto.ts'
import type { SealingKey } from './sealing-key.ts'

/** To whom messages are sealed. */
export type SealedTo = Pick<SealingKey, 'fingerprint' | 'key'>

export interface Segment {
  readonly id: string
  readonly recording: string
  readonly fingerprint: string
  /** The segment's key: ECDH-ES and A256GCM, in the compact form. */
  readonly jwe: string
}

/** `end` is the mark that closes a recording, and holds nothing. */
type Direction = 'to_server' | 'to_client' | 'end'

export interface SealedPart {
  readonly recording: string
  readonly segment: string
  /** Of all parts of the recording, from 0, without a gap. */
  readonly sequence: number
  readonly direction: Direction
  /** Of its message, from 0. */
  readonly part: number
  readonly isLast: boolean
  /** Twelve bytes of nonce, then what A256GCM made. */
  readonly data: Uint8Array
}

/** What an entry says that must not be changed without being noticed. */
interface SealedFacts {
  readonly at: number
  readonly kind: string
  readonly requestId: string
  readonly clientId: string
  readonly grantId: string
  readonly verb: string
  readonly method?: string | undefined
  readonly about?: string | undefined
  readonly status?: number | undefined
  readonly refusal?: string | undefined
}

interface Message {
  readonly text: string
  readonly direction: Direction
  /** Of the entry it belongs to; the mark belongs to none. */
  readonly facts?: SealedFacts
}

/** Below what a row of SQLite may hold here. */
const PART_BYTES = 1024 * 1024
const NONCE_BYTES = 12
const utf8 = new TextEncoder()

interface OpenSegment extends Segment {
  readonly key: CryptoKey
}

export class MessageSealer {
  readonly #recording: string
  readonly #to: SealedTo
  readonly #isNew: (segment: Segment) => void
  #segment: Promise<OpenSegment> | undefined

  /** `isNew` hears of each segment before anything is sealed under its key. */
  constructor(recording: string, to: SealedTo, isNew: (segment: Segment) => void) {
    this.#recording = recording
    this.#to = to
    this.#isNew = isNew
  }

  /** The parts of each message, the first of them with that number, and so on. */
  async seal(messages: readonly Message[], sequence: number): Promise<readonly (readonly SealedPart[])[]> {
    const { id: segment, key } = await (this.#segment ??= this.#begun())
    const recording = this.#recording
    let next = sequence
    return await Promise.all(
      messages.map(({ text, direction, facts }) => {
        const bytes = utf8.encode(text)
        const count = Math.max(1, Math.ceil(bytes.length / PART_BYTES))
        const first = next
        next += count
        return Promise.all(
          Array.from({ length: count }, async (_, part): Promise<SealedPart> => {
            const place = { recording, segment, sequence: first + part, direction, part, isLast: part === count - 1 }
            const data = await sealed(key, bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES), boundTo(place, facts))
            return { ...place, data }
          }),
        )
      }),
    )
  }

  async #begun(): Promise<OpenSegment> {
    const id = randomId(9)
    const raw = crypto.getRandomValues(new Uint8Array(32))
    const { fingerprint, key: to } = this.#to
    const header = { alg: 'ECDH-ES', enc: 'A256GCM', kid: fingerprint, recording: this.#recording, segment: id }
    const publicKey = await crypto.subtle.importKey('jwk', to, { name: 'ECDH', namedCurve: 'P-256' }, false, [])
    const jwe = await new CompactEncrypt(raw).setProtectedHeader(header).encrypt(publicKey)
    const key = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt'])
    const segment = { id, recording: this.#recording, fingerprint, jwe }
    this.#isNew(segment)
    return { ...segment, key }
  }
}

/** A random nonce: one that was counted could come twice where a part was sealed and then could not be stored. */
async function sealed(key: CryptoKey, bytes: Uint8Array, bound: Uint8Array): Promise<Uint8Array> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const made = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: bound }, key, bytes)
  const whole = new Uint8Array(NONCE_BYTES + made.byteLength)
  whole.set(iv)
  whole.set(new Uint8Array(made), NONCE_BYTES)
  return whole
}

/** What is authenticated with a part: a JSON list, in this order. */
function boundTo(place: Omit<SealedPart, 'data'>, facts: SealedFacts | undefined): Uint8Array {
  const { recording, segment, sequence, direction, part, isLast } = place
  const about = facts && [
    facts.at,
    facts.kind,
    facts.requestId,
    facts.clientId,
    facts.grantId,
    facts.verb,
    facts.method ?? null,
    facts.about ?? null,
    facts.status ?? null,
    facts.refusal ?? null,
  ]
  return utf8.encode(JSON.stringify(['sealed-message-1', recording, segment, sequence, direction, part, isLast, about ?? null]))
}
