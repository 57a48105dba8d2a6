// Bytes that came in pieces, made one again.

/** One piece comes back as it is: most reads bring just one, and a copy of it would be for nothing. */
export function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer>
export function joined(parts: readonly Uint8Array[]): Uint8Array
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts
  if (parts.length === 1 && only) return only
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Bytes that come in pieces. One piece stays as it is: most bodies come in one. Of many small ones each would cost more than its bytes. */
export class GrowingBytes {
  #held: Uint8Array<ArrayBuffer> = new Uint8Array()
  #length = 0

  constructor(first: Uint8Array = new Uint8Array()) {
    this.add(first)
  }

  get length(): number {
    return this.#length
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#held.subarray(0, this.#length)
  }

  add(piece: Uint8Array): void {
    const length = this.#length + piece.length
    if (length > this.#held.length) {
      const grown = new Uint8Array(this.#length === 0 ? length : length * 2)
      grown.set(this.bytes)
      this.#held = grown
    }
    this.#held.set(piece, this.#length)
    this.#length = length
  }
}
