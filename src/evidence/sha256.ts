// SHA-256 (FIPS 180-4) in one turn: a line of the evidence gets its hash in the transaction that writes it, and WebCrypto's digest would be
// there a turn later, when another line may have come. Nothing secret is hashed here; a test compares it with WebCrypto.

const K = constants(64, 1 / 3)
const START = constants(8, 1 / 2)
const BLOCK = 64

export function sha256Bytes(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / BLOCK) * BLOCK)
  padded.set(message)
  padded[message.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 8, Math.floor(message.length / 2 ** 29))
  view.setUint32(padded.length - 4, (message.length << 3) >>> 0)
  const state = Uint32Array.from(START)
  for (let at = 0; at < padded.length; at += BLOCK) mix(state, view, at)
  const digest = new DataView(new ArrayBuffer(32))
  for (const [index, word] of state.entries()) digest.setUint32(index * 4, word)
  return new Uint8Array(digest.buffer)
}

function mix(state: Uint32Array, view: DataView, at: number): void {
  const w = new Uint32Array(64)
  for (let t = 0; t < 16; t += 1) w[t] = view.getUint32(at + t * 4)
  for (let t = 16; t < 64; t += 1) {
    const [early = 0, late = 0] = [w[t - 15], w[t - 2]]
    const s0 = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3)
    const s1 = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10)
    w[t] = (w[t - 16] ?? 0) + s0 + (w[t - 7] ?? 0) + s1
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let t = 0; t < 64; t += 1) {
    const t1 = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + (K[t] ?? 0) + (w[t] ?? 0)) | 0
    const t2 = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0
    ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0]
  }
  for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) state[index] = (state[index] ?? 0) + word
}

function turn(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by))
}

/** The first 32 bits of the fractions of roots of the first primes (sections 4.2.2 and 5.3.3). */
function constants(count: number, power: number): Uint32Array {
  const primes: number[] = []
  for (let candidate = 2; primes.length < count; candidate += 1)
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate)
  return Uint32Array.from(primes, (prime) => (prime ** power % 1) * 2 ** 32)
}
