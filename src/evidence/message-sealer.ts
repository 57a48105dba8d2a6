// Seals the messages of one recording: a key for a while, sealed to the administrators' key, and under it each message in parts.
//
// The key of a segment is in memory alone: an object that was asleep has forgotten it, and begins the next segment. What is authenticated
// with a part says which recording, which place in it and which entry it belongs to; docs/recordings.md has the format. Small messages of
// entries that follow one another are one block: each of them alone would cost many times what its bytes do.
import { CompactEncrypt } from 'jose'
import { randomId } from '../platform/crypto.ts'
import { isNamedRightly, type SealingKey } from './sealing-key.ts'

/** To whom messages are sealed. */
export type SealedTo = Pick<SealingKey, 'fingerprint' | 'key'>

export interface Segment {
  readonly id: string
  readonly recording: string
  readonly fingerprint: string
  /** The segment's key: ECDH-ES and A256GCM, in the compact form. */
  readonly jwe: string
}

/** `end` is the mark that closes a recording, and holds nothing; a `block` holds messages of several entries. */
type Direction = 'to_server' | 'to_client' | 'block' | 'end'

export interface SealedPart {
  readonly recording: string
  readonly segment: string
  /** Of all parts of the recording, from 0, without a gap. */
  readonly sequence: number
  readonly direction: Direction
  /** Of its message, from 0; of a block, how many entries it is about besides the last of them. */
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

/** What a block holds of an entry; null of one that has nothing in it. */
interface BlockItem {
  readonly facts: SealedFacts
  readonly request?: string | undefined
  readonly answer?: string | undefined
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
  readonly #person: string
  readonly #to: SealedTo
  readonly #isNew: (segment: Segment) => void
  #segment: Promise<OpenSegment> | undefined

  /** `isNew` hears of each segment before anything is sealed under its key. */
  constructor(recording: string, person: string, to: SealedTo, isNew: (segment: Segment) => void) {
    this.#recording = recording
    this.#person = person
    this.#to = to
    this.#isNew = isNew
  }

  /** The parts of each message, the first of them with that number, and so on. */
  async seal(messages: readonly Message[], sequence: number): Promise<readonly (readonly SealedPart[])[]> {
    const { id: segment, key } = await (this.#segment ??= this.#begun())
    const recording = this.#recording
    const parts: Promise<SealedPart>[] = []
    const counts = messages.map(({ text, direction, facts }) => {
      const bytes = utf8.encode(text)
      const count = Math.max(1, Math.ceil(bytes.length / PART_BYTES))
      for (let part = 0; part < count; part += 1) {
        const place = { recording, segment, sequence: sequence + parts.length, direction, part, isLast: part === count - 1 }
        parts.push(sealed(key, bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES), place, facts))
      }
      return count
    })
    const whole = await Promise.all(parts)
    let next = 0
    return counts.map((count) => whole.slice(next, (next += count)))
  }

  /** A block of entries that follow one another. */
  async sealBlock(items: readonly (BlockItem | undefined)[], sequence: number): Promise<SealedPart> {
    const { id: segment, key } = await (this.#segment ??= this.#begun())
    const listed = items.map((item) => item && [listOf(item.facts), item.request ?? null, item.answer ?? null])
    const place = {
      recording: this.#recording,
      segment,
      sequence,
      direction: 'block',
      part: items.length - 1,
      isLast: true,
    } as const
    return await sealed(key, utf8.encode(JSON.stringify(listed)), place, undefined)
  }

  async #begun(): Promise<OpenSegment> {
    const id = randomId(9)
    const raw = crypto.getRandomValues(new Uint8Array(32))
    const { fingerprint, key: to } = this.#to
    if (!(await isNamedRightly(this.#to))) throw new Error('the sealing key is another than its fingerprint says')
    const whose = { recording: this.#recording, person: this.#person, segment: id }
    const header = { alg: 'ECDH-ES', enc: 'A256GCM', kid: fingerprint, ...whose }
    const publicKey = await crypto.subtle.importKey('jwk', to, { name: 'ECDH', namedCurve: 'P-256' }, false, [])
    const jwe = await new CompactEncrypt(raw).setProtectedHeader(header).encrypt(publicKey)
    const key = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt'])
    const segment = { id, recording: this.#recording, fingerprint, jwe }
    this.#isNew(segment)
    return { ...segment, key }
  }
}

type Place = Omit<SealedPart, 'data'>

/** A random nonce: one that was counted could come twice where a part was sealed and then could not be stored. */
async function sealed(key: CryptoKey, bytes: Uint8Array, place: Place, facts: SealedFacts | undefined): Promise<SealedPart> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const made = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: boundTo(place, facts) }, key, bytes)
  const data = new Uint8Array(NONCE_BYTES + made.byteLength)
  data.set(iv)
  data.set(new Uint8Array(made), NONCE_BYTES)
  return { ...place, data }
}

/** What is authenticated with a part: a JSON list, in this order. */
function boundTo(place: Place, facts: SealedFacts | undefined): Uint8Array {
  const { recording, segment, sequence, direction, part, isLast } = place
  const about = facts && listOf(facts)
  const said = ['sealed-message-1', recording, segment, sequence, direction, part, isLast, about ?? null]
  return utf8.encode(JSON.stringify(said))
}

function listOf(facts: SealedFacts): readonly (string | number | null)[] {
  const { at, kind, requestId, clientId, grantId, verb, method, about, status, refusal } = facts
  return [at, kind, requestId, clientId, grantId, verb, method ?? null, about ?? null, status ?? null, refusal ?? null]
}
