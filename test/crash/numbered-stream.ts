// One event stream of the numbering downstream: says 1, 2, 3 … at its own pace, remembers it or not, and ends with a response or never.
import type { ServerResponse } from 'node:http'
import type { Chance } from './chance.ts'

export interface NumberedOptions {
  readonly name: string
  /** Events have ids, are kept, and go on while nobody reads; otherwise the stream dies with its connection. */
  readonly resumable: boolean
  readonly chance: Chance
  /** Milliseconds between two events. */
  readonly pause: readonly [least: number, most: number]
  /** How long after its headers a reader may have to wait for its first id, in milliseconds; at once by default. */
  readonly primesWithin?: number | undefined
  /** After this number comes the response to `id`; without it the stream goes on until it is stopped. */
  readonly to?: number
  readonly id?: unknown
}

export class NumberedStream {
  readonly #options: NumberedOptions
  readonly #sent: string[] = []
  #reader: ServerResponse | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isOver = false

  constructor(options: NumberedOptions) {
    this.#options = options
  }

  get isRead(): boolean {
    return this.#reader !== undefined
  }

  /** The last number that was said. */
  get number(): number {
    return this.#options.to === undefined ? this.#sent.length : Math.min(this.#sent.length, this.#options.to)
  }

  /** Begins to count at the first reader. Whoever names no number gets what is said from now on, and a position to begin with. */
  attach(res: ServerResponse, after?: number): void {
    const { primesWithin, chance } = this.#options
    this.#reader = res
    res.once('close', () => this.#left(res))
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.flushHeaders()
    if (primesWithin === undefined || after !== undefined) this.#begin(res, after)
    else setTimeout(() => this.#begin(res), chance.between(0, primesWithin))
  }

  #begin(res: ServerResponse, after?: number): void {
    const { name, resumable } = this.#options
    // SEP-1699: an id before anything else, so that even a connection that breaks at once can be resumed.
    if (resumable && after === undefined) res.write(`id: ${name}:${this.#sent.length}\nretry: 200\ndata: \n\n`)
    for (let at = after ?? this.#sent.length; at < this.#sent.length; at += 1) res.write(this.#encoded(at))
    if (this.#isOver) res.end()
    else if (this.#timer === undefined) this.#next()
  }

  /** Says no more, and forgets its readers. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#isOver = true
  }

  #next(): void {
    const [least, most] = this.#options.pause
    this.#timer = setTimeout(() => this.#say(), this.#options.chance.between(least, most))
  }

  #say(): void {
    const { name, to, id } = this.#options
    const number = this.#sent.length + 1
    const isLast = to !== undefined && number > to
    const params = { level: 'info', logger: name, data: { number, at: Date.now() } }
    const message = isLast
      ? { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: `counted to ${to}` }] } }
      : { jsonrpc: '2.0', method: 'notifications/message', params }
    this.#sent.push(JSON.stringify(message))
    this.#reader?.write(this.#encoded(number - 1))
    if (!isLast) return this.#next()
    this.#isOver = true
    this.#reader?.end()
  }

  #left(res: ServerResponse): void {
    if (this.#reader === res) this.#reader = undefined
    if (!this.#options.resumable) this.stop()
  }

  #encoded(at: number): string {
    const { name, resumable } = this.#options
    return `${resumable ? `id: ${name}:${at + 1}\n` : ''}data: ${this.#sent[at] ?? ''}\n\n`
  }
}
