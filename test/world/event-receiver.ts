// An MCP server's ear: what is pushed to it, and how it answers.
import { createServer } from 'node:http'
import { close, listen } from './listening.ts'

export interface Heard {
  readonly authorization: string | undefined
  readonly token: string
}

export class EventReceiver {
  readonly url: string
  readonly heard: Heard[] = []
  /** So many of the next are answered with 503. */
  failsFirst = 0
  readonly #stop: () => Promise<void>

  private constructor(url: string, stop: () => Promise<void>) {
    this.url = url
    this.#stop = stop
  }

  static async start(): Promise<EventReceiver> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        receiver.heard.push({ authorization: request.headers.authorization, token: Buffer.concat(parts).toString() })
        const fails = receiver.failsFirst > 0
        receiver.failsFirst -= fails ? 1 : 0
        response.writeHead(fails ? 503 : 202).end()
      })
    })
    const receiver: EventReceiver = new EventReceiver(`http://127.0.0.1:${await listen(server, 0)}/events`, () => close(server))
    return receiver
  }

  close(): Promise<void> {
    return this.#stop()
  }
}
