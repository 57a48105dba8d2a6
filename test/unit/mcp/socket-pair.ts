// Two ends of a WebSocket in memory, where the runtime has no WebSocketPair: what one end says, the other hears.

export class PairedSocket extends EventTarget {
  /** How the other end closed, once it has. */
  closed: { readonly code: number; readonly reason: string } | undefined
  #other: PairedSocket | undefined

  join(other: PairedSocket): void {
    this.#other = other
  }

  accept(): void {
    // Both ends hear from the beginning.
  }

  send(data: string): void {
    this.#other?.dispatchEvent(new MessageEvent('message', { data }))
  }

  close(code = 1000, reason = ''): void {
    if (!this.#other) return
    this.#other.closed = { code, reason }
    this.#other.dispatchEvent(new Event('close'))
  }
}

export function socketPair(): [PairedSocket, PairedSocket] {
  const [one, two] = [new PairedSocket(), new PairedSocket()]
  one.join(two)
  two.join(one)
  return [one, two]
}
