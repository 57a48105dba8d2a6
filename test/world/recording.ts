// What a server of the world was asked: every request with its exact bytes, and how each one ended.
import { setTimeout as sleep } from 'node:timers/promises'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'

export interface RecordedRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Exactly what arrived, also when the caller hung up half-way. */
  readonly body: Buffer
  readonly arrivedAt: number
  /** Once the head of the answer is on its way. */
  readonly status: number | undefined
  /** The caller hung up before it had the whole answer. */
  readonly aborted: boolean
  /** When the exchange ended, either way; undefined while it is open. */
  readonly closedAt: number | undefined
  /** Settles when the exchange ends. */
  readonly closed: Promise<void>
}

export interface Recorded {
  readonly body: Buffer
  readonly request: RecordedRequest
}

/** Bounded, so that a long `npm start` does not grow: the oldest entries go first. */
export class Recording {
  readonly #limit: number
  readonly #requests: RecordedRequest[] = []

  constructor(limit = 5000) {
    this.#limit = limit
  }

  get all(): readonly RecordedRequest[] {
    return this.#requests
  }

  get last(): RecordedRequest | undefined {
    return this.#requests.at(-1)
  }

  /** Exchanges that are still open. */
  get open(): readonly RecordedRequest[] {
    return this.#requests.filter(({ closedAt }) => closedAt === undefined)
  }

  forget(): void {
    this.#requests.length = 0
  }

  /** The first request that fits, now or as soon as there is one. */
  async find(fits: (request: RecordedRequest) => boolean, withinMs = 30_000): Promise<RecordedRequest> {
    const deadline = Date.now() + withinMs
    for (;;) {
      const found = this.#requests.find(fits)
      if (found) return found
      if (Date.now() >= deadline) throw new Error(`no such request within ${withinMs} ms`)
      await sleep(5)
    }
  }

  /** Reads the whole body. Rejects when the caller hangs up before it was sent; the attempt is recorded all the same. */
  async add(req: IncomingMessage, res: ServerResponse): Promise<Recorded> {
    const { promise: closed, resolve: close } = Promise.withResolvers<void>()
    const chunks: Buffer[] = []
    const request = {
      method: req.method ?? '',
      path: req.url ?? '',
      headers: req.headers,
      body: Buffer.alloc(0),
      arrivedAt: Date.now(),
      get status() {
        return res.headersSent ? res.statusCode : undefined
      },
      aborted: false,
      closedAt: undefined as number | undefined,
      closed,
    }
    res.once('close', () => {
      request.aborted = !res.writableFinished
      request.closedAt = Date.now()
      close()
    })
    this.#keep(request)
    try {
      for await (const chunk of req) chunks.push(chunk)
    } finally {
      request.body = Buffer.concat(chunks)
    }
    return { body: request.body, request }
  }

  #keep(request: RecordedRequest): void {
    this.#requests.push(request)
    if (this.#requests.length > this.#limit) this.#requests.shift()
  }
}
