// A receiver of exports: a webhook that verifies what it is sent, and fails as often as it is told to.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type Server } from 'node:http'

interface Entry {
  readonly number?: number
  readonly ocsf?: { readonly class_uid: number }
  readonly body?: Readonly<Record<string, unknown>>
}

export class ExportReceiver {
  readonly #server: Server
  readonly #key = Buffer.alloc(32, 9)
  readonly taken: Entry[] = []
  readonly tests: string[] = []
  readonly refusedSignatures: string[] = []
  /** Every so manieth request is answered with 503, after all of it was read and, every second time, kept. */
  failsEvery = Infinity
  /** An entry of that number is answered with 422. */
  refuses: number | undefined
  #requests = 0

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<ExportReceiver> {
    const server = createServer()
    const receiver = new ExportReceiver(server)
    server.on('request', (request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => response.writeHead(receiver.#answer(request.headers, body)).end())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return receiver
  }

  get secret(): string {
    return `whsec_${this.#key.toString('base64')}`
  }

  get url(): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/hook`
  }

  get numbers(): readonly number[] {
    return this.taken.flatMap(({ number }) => number ?? [])
  }

  #answer(headers: Readonly<Record<string, string | string[] | undefined>>, body: string): number {
    this.#requests += 1
    const [id, time, signature] = ['id', 'timestamp', 'signature'].map((name) => String(headers[`webhook-${name}`]))
    const own = `v1,${createHmac('sha256', this.#key).update(`${id}.${time}.${body}`).digest('base64')}`
    const isOurs = signature?.length === own.length && timingSafeEqual(Buffer.from(signature), Buffer.from(own))
    if (!isOurs || Math.abs(Date.now() / 1000 - Number(time)) > 300) {
      this.refusedSignatures.push(String(id))
      return 401
    }
    const { type, data } = JSON.parse(body)
    const entries: readonly Entry[] = data.entries
    if (entries.some(({ number }) => number === this.refuses)) return 422
    const isFailing = this.#requests % this.failsEvery === 0
    if (!isFailing || this.#requests % 2 === 0) {
      if (type === 'mcp_session_broker.test') this.tests.push(String(id))
      this.taken.push(...entries)
    }
    return isFailing ? 503 : 204
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
