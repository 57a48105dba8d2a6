// Which open call a message belongs to, where a downstream sends everything over one connection.
import { idKey, isResponse, jsonIn } from '../../message/response.ts'

/** The parts of a client's message a call is recognised by later. */
interface OpeningMessage {
  readonly kind: 'request' | 'notification' | 'response'
  /** As the client spelled it, in JSON. */
  readonly id: string | undefined
  readonly meta: Readonly<Record<string, unknown>>
}

interface Entry<Call> {
  readonly call: Call
  readonly ids: Set<string>
  readonly tokens: Set<string>
}

export interface Route<Call> {
  /** Undefined where the message belongs to no call in particular. */
  readonly call: Call | undefined
  /** Calls that have all their answers with this message. */
  readonly completed: readonly Call[]
  /** The answer to nothing that is open: withdrawn, or said twice. */
  readonly isStray: boolean
}

export class OpenCalls<Call> {
  // Oldest first.
  readonly #entries = new Set<Entry<Call>>()
  readonly #byId = new Map<string, Entry<Call>>()
  readonly #byToken = new Map<string, Entry<Call>>()

  open(call: Call, messages: readonly OpeningMessage[]): void {
    const requests = messages.filter(({ kind }) => kind === 'request')
    const ids = requests.flatMap(({ id }) => (id === undefined ? [] : [idKey(JSON.parse(id))]))
    const tokens = requests.flatMap(({ meta }) => (meta['progressToken'] === undefined ? [] : [idKey(meta['progressToken'])]))
    const entry = { call, ids: new Set(ids), tokens: new Set(tokens) }
    this.#entries.add(entry)
    for (const id of ids) this.#byId.set(id, entry)
    for (const token of tokens) this.#byToken.set(token, entry)
  }

  get size(): number {
    return this.#entries.size
  }

  get oldest(): Call | undefined {
    const [entry] = this.#entries
    return entry?.call
  }

  /** Reads one message, or in 2025-03-26 a batch of them, which goes one way as a whole. */
  route(data: string): Route<Call> {
    const parsed = jsonIn(data)
    const completed: Call[] = []
    let call: Call | undefined
    let isStray = false
    for (const message of Array.isArray(parsed) ? parsed : [parsed]) {
      const entry = this.#entryOf(message)
      call ??= entry?.call
      if (!isResponse(message)) continue
      isStray ||= entry === undefined && message.id !== null
      if (entry && this.#answered(entry, idKey(message.id))) completed.push(entry.call)
    }
    return { call, completed, isStray: isStray && call === undefined }
  }

  /** The client does not wait for this request any more. Returns its call, and whether that is complete now. */
  withdraw(id: unknown): { readonly call: Call; readonly isComplete: boolean } | undefined {
    const entry = this.#byId.get(idKey(id))
    return entry && { call: entry.call, isComplete: this.#answered(entry, idKey(id)) }
  }

  /** Forgets every call; returns them. */
  clear(): readonly Call[] {
    const calls = [...this.#entries].map(({ call }) => call)
    for (const entry of this.#entries) this.#remove(entry)
    return calls
  }

  remove(call: Call): void {
    for (const entry of this.#entries) if (entry.call === call) this.#remove(entry)
  }

  #entryOf(message: unknown): Entry<Call> | undefined {
    if (isResponse(message)) return this.#byId.get(idKey(message.id))
    const token = progressTokenOf(message)
    return token === undefined ? undefined : this.#byToken.get(idKey(token))
  }

  #answered(entry: Entry<Call>, id: string): boolean {
    entry.ids.delete(id)
    this.#byId.delete(id)
    if (entry.ids.size > 0) return false
    this.#remove(entry)
    return true
  }

  #remove(entry: Entry<Call>): void {
    this.#entries.delete(entry)
    for (const id of entry.ids) this.#byId.delete(id)
    // A later request may have taken the token.
    for (const token of entry.tokens) if (this.#byToken.get(token) === entry) this.#byToken.delete(token)
  }
}

function progressTokenOf(message: unknown): unknown {
  if (typeof message !== 'object' || message === null || !('method' in message) || !('params' in message)) return undefined
  const { method, params } = message
  if (method !== 'notifications/progress' || typeof params !== 'object' || params === null) return undefined
  return 'progressToken' in params ? params.progressToken : undefined
}
