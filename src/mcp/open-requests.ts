// JSON-RPC responses inside events: which of the requests a stream was opened for have been answered.

/** Compares ids by value: a client's `1.0` and a downstream's `1` are the same number. */
export class OpenRequests {
  readonly #open: Map<string, string>

  /** Ids as their client spelled them, in JSON. */
  constructor(spelled: readonly string[]) {
    this.#open = new Map(spelled.map((id) => [keyOf(JSON.parse(id)), id]))
  }

  get spelled(): readonly string[] {
    return [...this.#open.values()]
  }

  get areAnswered(): boolean {
    return this.#open.size === 0
  }

  add(spelled: readonly string[]): void {
    for (const id of spelled) this.#open.set(keyOf(JSON.parse(id)), id)
  }

  remove(spelled: readonly string[]): void {
    for (const id of spelled) this.#open.delete(keyOf(JSON.parse(id)))
  }

  /** Takes note of every response in the data of one event: a message, or in 2025-03-26 a batch of them. */
  settle(data: string): void {
    // Most events are notifications; parsing those for nothing would be most of the work.
    if (this.#open.size === 0 || !/"(?:result|error)"/.test(data)) return
    const parsed = parse(data)
    for (const message of Array.isArray(parsed) ? parsed : [parsed]) {
      if (isResponse(message)) this.#open.delete(keyOf(message.id))
    }
  }
}

function isResponse(message: unknown): message is { readonly id: unknown } {
  return typeof message === 'object' && message !== null && 'id' in message && ('result' in message || 'error' in message)
}

function keyOf(id: unknown): string {
  return `${typeof id} ${String(id)}`
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
