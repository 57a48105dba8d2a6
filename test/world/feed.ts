// One event stream of a scripted MCP server: whoever reads it, and what was sent on it, so that it can be sent again.
import type { ServerResponse } from 'node:http'

export class Feed {
  readonly #name: string
  readonly #resumable: boolean
  readonly #sent: string[] = []
  readonly #readers = new Set<ServerResponse>()
  #hasEnded = false

  constructor(name: string, resumable: boolean) {
    this.#name = name
    this.#resumable = resumable
  }

  get isRead(): boolean {
    return this.#readers.size > 0
  }

  /** How many events were sent. */
  get length(): number {
    return this.#sent.length
  }

  /** From now on, or from after an event that was sent before. */
  attach(res: ServerResponse, after = this.#sent.length): void {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.flushHeaders()
    for (let number = after; number < this.#sent.length; number += 1) res.write(this.#encoded(number))
    if (this.#hasEnded) {
      res.end()
      return
    }
    this.#readers.add(res)
    res.once('close', () => this.#readers.delete(res))
  }

  /** A message as data, in JSON unless it is text already. */
  send(message: unknown): void {
    this.#sent.push(typeof message === 'string' ? message : JSON.stringify(message))
    for (const reader of this.#readers) reader.write(this.#encoded(this.#sent.length - 1))
  }

  notify(params: object): void {
    this.send({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: params } })
  }

  respond(id: string | number | undefined, result: unknown): void {
    this.send({ jsonrpc: '2.0', id, result })
  }

  /** Says no more, ever. */
  end(): void {
    this.#hasEnded = true
    this.pause()
  }

  /** Its connections break; the stream goes on. */
  cut(): void {
    for (const reader of this.#readers) reader.destroy()
    this.#readers.clear()
  }

  /** Its connections end in good order, to be asked again (SEP-1699); the stream goes on. */
  pause(): void {
    for (const reader of this.#readers) reader.end()
    this.#readers.clear()
  }

  #encoded(number: number): string {
    const id = this.#resumable ? `id: ${this.#name}~${number + 1}\n` : ''
    return `${id}event: message\ndata: ${this.#sent[number] ?? ''}\n\n`
  }
}
