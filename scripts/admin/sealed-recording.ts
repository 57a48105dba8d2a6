// Reads a sealed recording with the passphrase, or with the recovery code of the kit: message by message, and says what was tampered with.
//
// docs/recordings.md has the format. Nothing here asks the broker for anything: it reads lines, wherever they come from.
import { base64url, calculateJwkThumbprint, compactDecrypt, decodeProtectedHeader, importJWK, type JWK } from 'jose'

/** Less is refused, whoever says so; more would only keep this machine busy. */
const ITERATIONS = { least: 600_000, most: 10_000_000 } as const
const WRAPPING = 'PBES2-HS512+A256KW'
const ENCRYPTION = 'A256GCM'
const MESSAGES = [
  ['request', 'to_server'],
  ['answer', 'to_client'],
] as const

export interface SealedLine {
  readonly type: string
  readonly [field: string]: any
}

export interface ReadEntry {
  readonly number: number
  readonly request?: string
  readonly answer?: string
  readonly [field: string]: unknown
}

/** A stable code, and what people read. */
export interface Problem {
  readonly code:
    | 'key_not_opened'
    | 'weak_wrapping'
    | 'unknown_key'
    | 'altered'
    | 'cut'
    | 'missing'
    | 'beginning_gone'
    | 'not_closed'
  readonly text: string
}

/** The private half of the key with that fingerprint, of which the file has a line or none; or why it can not be had. */
export type OpenKey = (fingerprint: string, line: SealedLine | undefined) => Promise<CryptoKey | Problem>

interface Unlocking {
  /** Passphrase, or recovery code. */
  readonly secret: string
  readonly isRecoveryCode: boolean
  /** The fingerprint on the printed kit, where it is at hand: another key is refused. */
  readonly expected?: string | undefined
}

export function openedWith({ secret, isRecoveryCode, expected }: Unlocking): OpenKey {
  return async (fingerprint, line) => {
    if (!line || (expected !== undefined && expected !== fingerprint))
      return { code: 'unknown_key', text: `messages are sealed to a key that is not yours: ${fingerprint}` }
    const jwe: unknown = line['wrapped']?.[isRecoveryCode ? 'recovery' : 'passphrase']
    if (typeof jwe !== 'string' || !isWrappedAsOurs(jwe))
      return { code: 'weak_wrapping', text: `the key ${fingerprint} is wrapped in a way that is not ours, or too weakly` }
    try {
      const { plaintext } = await compactDecrypt(jwe, new TextEncoder().encode(normalized(secret, isRecoveryCode)), {
        keyManagementAlgorithms: [WRAPPING],
        contentEncryptionAlgorithms: [ENCRYPTION],
        maxPBES2Count: ITERATIONS.most,
      })
      const jwk: JWK = JSON.parse(new TextDecoder().decode(plaintext))
      const key = await importJWK(jwk, 'ECDH-ES')
      // A file may have one key under the fingerprint of another.
      if (key instanceof Uint8Array || (await calculateJwkThumbprint(jwk)) !== fingerprint) throw new Error('another key')
      return key
    } catch {
      const text = `this ${isRecoveryCode ? 'recovery code' : 'passphrase'} does not open the key ${fingerprint}`
      return { code: 'key_not_opened', text }
    }
  }
}

export async function readRecording(
  lines: AsyncIterable<SealedLine> | Iterable<SealedLine>,
  open: OpenKey,
  told: (entry: ReadEntry) => void,
): Promise<readonly Problem[]> {
  const reading = new Reading(open, told)
  for await (const line of lines) await reading.take(line)
  return reading.end()
}

class Reading {
  readonly #openKey: OpenKey
  readonly #told: (entry: ReadEntry) => void
  readonly #problems: Problem[] = []
  readonly #keys = new Map<string, SealedLine>()
  /** Whose it is said to be; segments of earlier releases say nothing of it. */
  #person: unknown
  readonly #private = new Map<string, CryptoKey | undefined>()
  readonly #segments = new Map<string, CryptoKey | undefined>()
  /** Of each recording: the next part that is expected, and whether its mark has come. */
  readonly #standing = new Map<string, { next: number; isClosed: boolean; isReadable: boolean }>()
  #entry: SealedLine | undefined
  #texts: Record<string, Buffer[]> = {}
  /** Of which messages of the entry there are parts, whether they could be opened or not; and up to which entry there are blocks. */
  readonly #met = new Set<string>()
  #metUpTo = 0
  #open: string | undefined
  #nextPart = 0
  /** What blocks hold, by the number of the entry, until that comes. */
  readonly #items = new Map<number, readonly [facts: unknown, request: string | null, answer: string | null]>()
  #firstEntry: number | undefined

  constructor(openKey: OpenKey, told: (entry: ReadEntry) => void) {
    this.#openKey = openKey
    this.#told = told
  }

  async take(line: SealedLine): Promise<void> {
    if (line.type === 'recording') this.#person = line['person']
    if (line.type === 'key') this.#keys.set(line['fingerprint'], line)
    if (line.type === 'segment') await this.#begin(line)
    if (line.type === 'entry') {
      this.#tell()
      this.#entry = line
      this.#firstEntry ??= line['number']
    }
    if (line.type === 'part') await this.#part(line)
  }

  end(): readonly Problem[] {
    this.#tell()
    const absent = [...this.#items.keys()]
    const before = absent.filter((number) => this.#firstEntry === undefined || number < this.#firstEntry)
    if (before.length > 0) this.#report('beginning_gone', `${before.length} entries are gone: they made room, or were removed`)
    if (absent.length > before.length)
      this.#report('missing', `entries are missing: ${absent.slice(before.length).join(', ').slice(0, 200)}`)
    for (const [recording, { isClosed, isReadable }] of this.#standing)
      if (!isClosed && isReadable)
        this.#report('not_closed', `recording ${recording} has no mark at its end: it is still on, or its end was cut off`)
    return this.#problems
  }

  #tell(): void {
    if (this.#open !== undefined) this.#report('cut', `a message of entry ${this.#entry?.['number']} has no end`)
    this.#open = undefined
    if (this.#entry) {
      const { type: _, sealed, number, ...entry } = this.#entry
      const isMet = (way: string): boolean => (sealed.block === undefined ? this.#met.has(way) : number <= this.#metUpTo)
      for (const [name, way] of MESSAGES)
        if (sealed?.[name] !== undefined && !isMet(way))
          this.#report('missing', `the ${name} of entry ${number} was kept, and is not there`)
      const textOf = (way: string): string | undefined => this.#texts[way] && Buffer.concat(this.#texts[way]).toString('utf8')
      const item = this.#itemOf(this.#entry)
      const [request, answer] = [textOf('to_server') ?? item?.[1] ?? undefined, textOf('to_client') ?? item?.[2] ?? undefined]
      this.#told({ number, ...entry, ...(request !== undefined && { request }), ...(answer !== undefined && { answer }) })
    }
    this.#entry = undefined
    this.#texts = {}
    this.#met.clear()
  }

  /** What a block holds of the entry, if the entry says what is sealed with it. */
  #itemOf(entry: SealedLine): readonly [facts: unknown, request: string | null, answer: string | null] | undefined {
    const item = this.#items.get(entry['number'])
    this.#items.delete(entry['number'])
    if (!item || JSON.stringify(item[0]) === JSON.stringify(factsOf(entry))) return item
    this.#report('altered', `what stands beside the messages of entry ${entry['number']} was changed, or is another's`)
    return undefined
  }

  async #begin({ id, recording, fingerprint, jwe }: SealedLine): Promise<void> {
    this.#segments.set(id, undefined)
    const key = await this.#privateKey(fingerprint)
    if (!key) return
    try {
      const { plaintext, protectedHeader } = await compactDecrypt(jwe, key, {
        keyManagementAlgorithms: ['ECDH-ES'],
        contentEncryptionAlgorithms: [ENCRYPTION],
      })
      const { recording: of, segment, person = this.#person } = protectedHeader
      if (of !== recording || segment !== id || person !== this.#person) throw new Error('of another recording')
      this.#segments.set(id, await crypto.subtle.importKey('raw', new Uint8Array(plaintext), 'AES-GCM', false, ['decrypt']))
    } catch {
      this.#report('altered', `segment ${id} of recording ${recording} was changed, or is another's`)
    }
  }

  async #privateKey(fingerprint: string): Promise<CryptoKey | undefined> {
    if (!this.#private.has(fingerprint)) {
      const opened = await this.#openKey(fingerprint, this.#keys.get(fingerprint))
      if ('code' in opened) this.#problems.push(opened)
      this.#private.set(fingerprint, 'code' in opened ? undefined : opened)
    }
    return this.#private.get(fingerprint)
  }

  async #part(line: SealedLine): Promise<void> {
    const { recording, segment, sequence, direction, part, isLast, entry } = line
    this.#follow(recording, sequence)
    this.#met.add(direction)
    if (direction === 'block') this.#metUpTo = entry
    const key = this.#segments.get(segment)
    if (!key) return void (this.#standingOf(recording).isReadable = false)
    if (direction === 'block') return await this.#block(line, key)
    const isExpected = entry === this.#entry?.['number'] && (part === 0 ? this.#open === undefined : this.#open === direction)
    if (direction !== 'end' && (!isExpected || part !== (part === 0 ? 0 : this.#nextPart)))
      return this.#report('altered', `part ${sequence} of recording ${recording} is not where it belongs`)
    const facts = direction === 'end' ? null : factsOf(this.#entry ?? { type: '' })
    const bound = JSON.stringify(['sealed-message-1', recording, segment, sequence, direction, part, isLast, facts])
    const plain = await unsealed(key, line['data'], bound)
    if (!plain) {
      this.#open = undefined
      const where = direction === 'end' ? `the mark at the end of recording ${recording}` : `a message of entry ${entry}`
      return this.#report('altered', `${where} was changed, or is another's`)
    }
    if (direction === 'end') return void (this.#standingOf(recording).isClosed = true)
    ;(this.#texts[direction] ??= []).push(plain)
    this.#open = isLast ? undefined : direction
    this.#nextPart = part + 1
  }

  async #block(
    { recording, segment, sequence, direction, part, isLast, entry, data }: SealedLine,
    key: CryptoKey,
  ): Promise<void> {
    const bound = JSON.stringify(['sealed-message-1', recording, segment, sequence, direction, part, isLast, null])
    const plain = await unsealed(key, data, bound)
    if (!plain) return this.#report('altered', `messages of entries ${entry - part} to ${entry} were changed, or are another's`)
    for (const [index, item] of JSON.parse(plain.toString('utf8')).entries())
      if (item) this.#items.set(entry - part + index, item)
  }

  #follow(recording: string, sequence: number): void {
    const known = this.#standing.get(recording)
    const standing = this.#standingOf(recording)
    if (!known && sequence > 0)
      this.#report(
        'beginning_gone',
        `the first ${sequence} parts of recording ${recording} are gone: they made room, or were removed`,
      )
    else if (sequence !== standing.next && known)
      this.#report('missing', `recording ${recording}: part ${sequence} comes where ${standing.next} belongs`)
    standing.next = sequence + 1
  }

  #standingOf(recording: string): { next: number; isClosed: boolean; isReadable: boolean } {
    const standing = this.#standing.get(recording) ?? { next: 0, isClosed: false, isReadable: true }
    this.#standing.set(recording, standing)
    return standing
  }

  #report(code: Problem['code'], text: string): void {
    this.#problems.push({ code, text })
  }
}

function isWrappedAsOurs(jwe: string): boolean {
  try {
    const { alg, enc, p2c } = decodeProtectedHeader(jwe)
    const isOurs = alg === WRAPPING && enc === ENCRYPTION && typeof p2c === 'number'
    return isOurs && p2c >= ITERATIONS.least && p2c <= ITERATIONS.most
  } catch {
    return false
  }
}

/** A recovery code is read however it was typed. */
function normalized(secret: string, isRecoveryCode: boolean): string {
  return isRecoveryCode ? secret.toUpperCase().replaceAll(/[^0-9A-Z]/g, '') : secret.normalize('NFKC')
}

async function unsealed(key: CryptoKey, data: string, bound: string): Promise<Buffer | undefined> {
  try {
    const bytes = new Uint8Array(base64url.decode(data))
    const algorithm = { name: 'AES-GCM', iv: bytes.subarray(0, 12), additionalData: new TextEncoder().encode(bound) }
    return Buffer.from(await crypto.subtle.decrypt(algorithm, key, bytes.subarray(12)))
  } catch {
    return undefined
  }
}

function factsOf(entry: SealedLine): readonly unknown[] {
  const { at, kind, requestId, clientId, grantId, verb, method, about, status, refusal } = entry
  return [at, kind, requestId, clientId, grantId, verb, method ?? null, about ?? null, status ?? null, refusal ?? null]
}
