// JSON-RPC responses inside events: which of the requests a stream was opened for have been answered.
import { idKey, isResponse, jsonIn } from './response.ts'
import { BoundedMap } from '../../platform/bounded-map.ts'

/** So many answers that nobody waits for any more are looked out for; most never come. */
const MOST_PAST = 1_000

/** Compares ids by value: a client's `1.0` and a downstream's `1` are the same number. */
export class OpenRequests {
  readonly #open: Map<string, string>
  /** Answered or withdrawn, oldest first. */
  readonly #past = new BoundedMap<string, true>(MOST_PAST)

  readonly #over: ((keys: readonly string[], data?: string) => void) | undefined

  /** Ids as their client spelled them, in JSON. `over` hears which of them a message answers, and without one which were withdrawn. */
  constructor(spelled: readonly string[], over?: (keys: readonly string[], data?: string) => void) {
    this.#over = over
    this.#open = new Map(spelled.map((id) => [keyIn(id), id]))
  }

  get spelled(): readonly string[] {
    return [...this.#open.values()]
  }

  get areAnswered(): boolean {
    return this.#open.size === 0
  }

  get size(): number {
    return this.#open.size
  }

  has(spelled: string): boolean {
    return this.#open.has(keyIn(spelled))
  }

  add(spelled: readonly string[]): void {
    for (const id of spelled) {
      this.#past.delete(keyIn(id))
      this.#open.set(keyIn(id), id)
    }
  }

  remove(spelled: readonly string[]): void {
    for (const id of spelled) this.#open.delete(keyIn(id))
  }

  /** Its client does not wait for this one any more; an answer that comes nevertheless is late. */
  withdraw(spelled: string): void {
    this.#end([keyIn(spelled)])
  }

  /** Those of another one that were withdrawn there and may be answered here. */
  withdrawLike(other: OpenRequests): void {
    this.#end([...other.#past.keys()])
  }

  /** Takes note of every response in the data of one event: a message, or in 2025-03-26 a batch of them. */
  settle(data: string): void {
    if (this.#open.size === 0) return
    this.#end(
      answeredIn(data).filter((id) => this.#open.has(id)),
      data,
    )
  }

  /** Whether the data of one event answers nothing but requests that were withdrawn, or answered before. */
  isLate(data: string): boolean {
    if (this.#past.size === 0) return false
    const answered = answeredIn(data)
    return answered.length > 0 && answered.every((id) => this.#past.has(id))
  }

  #end(keys: readonly string[], data?: string): void {
    for (const key of keys) {
      this.#open.delete(key)
      this.#past.set(key, true)
    }
    if (keys.length > 0) this.#over?.(keys, data)
  }
}

/** Which requests the data of one event answers, as keys to compare. */
export function answeredIn(data: string): readonly string[] {
  // Most events are notifications; parsing those for nothing would be most of the work.
  if (!/"(?:result|error)"/.test(data)) return []
  const parsed = jsonIn(data)
  const messages: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed]
  return messages.flatMap((message) => (isResponse(message) ? [idKey(message.id)] : []))
}

function keyIn(spelled: string): string {
  return idKey(JSON.parse(spelled))
}
