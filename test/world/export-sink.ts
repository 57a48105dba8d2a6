// A receiver of exports that believes nothing: a webhook, a collector of OTLP and an object store, which fail as often as they are told to.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import * as z from 'zod'
import { s3Signature, type Came } from './s3-signature.ts'

interface Entry {
  readonly number?: number
  readonly ocsf?: { readonly class_uid: number }
  readonly body?: Readonly<Record<string, unknown>>
}

const nano = z.string().regex(/^\d{19}$/)
const text = z.strictObject({ stringValue: z.string() })
const keyValue = z.strictObject({
  key: z.string(),
  value: z.union([text, z.strictObject({ intValue: z.string().regex(/^\d+$/) })]),
})
const record = z.strictObject({
  timeUnixNano: nano,
  observedTimeUnixNano: nano,
  severityNumber: z.int().min(1).max(24),
  body: text,
  attributes: z.array(keyValue),
})
/** `ExportLogsServiceRequest` in OTLP's JSON, as far as the broker makes use of it. */
const logs = z.strictObject({
  resourceLogs: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes: z.array(keyValue) }),
      scopeLogs: z.array(z.strictObject({ scope: z.strictObject({ name: z.string() }), logRecords: z.array(record).min(1) })),
    }),
  ),
})

export const S3_SECRET = 'wJalrXUtnFEMI'

export class ExportReceiver {
  readonly #server: Server
  readonly #key = Buffer.alloc(32, 9)
  readonly taken: Entry[] = []
  readonly tests: string[] = []
  readonly refusedSignatures: string[] = []
  /** What the collector and the object store have taken; of an object the newest. */
  readonly logged: Entry[] = []
  readonly objects = new Map<string, string>()
  /** Every so manieth request is answered with 503, after all of it was read and, every second time, kept. */
  failsEvery = Infinity
  /** An entry of that number is answered with 422. */
  refuses: number | undefined
  #requests = 0
  #otherRequests = 0

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<ExportReceiver> {
    const server = createServer()
    const receiver = new ExportReceiver(server)
    server.on('request', (request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        const { method = '', url: path = '', headers } = request
        // One that never answers.
        if (path === '/never') return
        const came = { method, path, headers, body }
        const status = path === '/hook' ? receiver.#answer(headers, body) : receiver.#other(came)
        response.writeHead(status, status === 429 ? { 'retry-after': '1' } : {}).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return receiver
  }

  get secret(): string {
    return `whsec_${this.#key.toString('base64')}`
  }

  url(path = '/hook'): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}${path}`
  }

  /** The lines of all objects that are no OCSF. */
  get stored(): readonly Entry[] {
    const raw = [...this.objects].filter(([path]) => !path.endsWith('.ocsf.jsonl'))
    return raw.flatMap(([, lines]) => linesIn(lines))
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

  #other(came: Came): number {
    const isS3 = came.method === 'PUT'
    const isOurs = isS3
      ? came.headers.authorization === s3Signature(came, 'AKID', S3_SECRET)
      : came.headers['x-key'] === 'a key' && came.headers['content-type'] === 'application/json'
    if (!isOurs) this.refusedSignatures.push(came.path)
    if (!isOurs) return 403
    this.#otherRequests += 1
    // Every second of those that fail was taken all the same.
    const isFailing = this.#otherRequests % this.failsEvery === 0
    if (isFailing && this.#otherRequests % 2 === 1) return 429
    if (isS3) this.objects.set(came.path, came.body)
    else this.logged.push(...bodiesIn(logs.parse(JSON.parse(came.body))))
    return isFailing ? 429 : 200
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

function bodiesIn({ resourceLogs }: z.output<typeof logs>): readonly Entry[] {
  const records = resourceLogs.flatMap(({ scopeLogs }) => scopeLogs).flatMap(({ logRecords }) => logRecords)
  return records.map(({ body }) => JSON.parse(body.stringValue))
}

function linesIn(jsonLines: string): readonly Entry[] {
  return jsonLines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}
