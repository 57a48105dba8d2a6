// A bucket as S3 keeps one, in memory: signed requests, conditional writes, listings in pages; and doors that can be shut, one for each node.
import { createHash, createHmac } from 'node:crypto'
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import { close, listen } from './listening.ts'

/** open: answers · refused: no connection · silent: connects, and never answers · failing: 503 to everything. */
type DoorState = 'open' | 'refused' | 'silent' | 'failing'

export interface Door {
  readonly url: string
  state: DoorState
  /** How far the clock of the store is from the one of whoever asks here. */
  skewMs: number
}

interface Stored {
  readonly body: Buffer
  readonly etag: string
  readonly at: Date
}

interface Said {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
}

const ACCESS_KEY = 'the-key-of-the-bucket'
const SECRET = 'a secret of the bucket'
/** S3 refuses requests that are signed at another time. */
const SKEW_MS = 15 * 60_000
/** S3 answers at most 1,000; a listing in one page would never ask for the second. */
const PAGE = 25

/** A real S3 server, in which there is a bucket of the name `bucket`. */
export interface RealStore {
  readonly url: string
  readonly accessKey: string
  readonly secret: string
  /** It compares an ETag in If-Match only where no quotes are around it, as Ceph 16 does. The header is not signed. */
  readonly bareETags: boolean
}

export class Bucket {
  readonly #objects = new Map<string, Stored>()
  readonly #closers: (() => Promise<void>)[] = []
  readonly #store: RealStore | undefined
  /** By method. */
  readonly requests: Record<string, number> = {}

  /** With a store its doors lead there, and what it has taken is known here too. */
  constructor(store?: RealStore) {
    this.#store = store
  }

  /** What an S3 client is told. */
  environment(door: Door): Record<string, string> {
    const { accessKey, secret } = this.#store ?? { accessKey: ACCESS_KEY, secret: SECRET }
    return { AWS_ENDPOINT_URL: door.url, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secret }
  }

  get keys(): readonly string[] {
    return [...this.#objects.keys()]
  }

  read(key: string): string | undefined {
    return this.#objects.get(key)?.body.toString()
  }

  /** Everything in it, for tests that look for what must not be there. */
  get contents(): Buffer {
    return Buffer.concat([...this.#objects.values()].map(({ body }) => body))
  }

  async door(): Promise<Door> {
    const door: Door = { url: '', state: 'open', skewMs: 0 }
    const server = createServer((request, response) => void this.#answer(door, request, response))
    server.on('connection', (socket) => void (door.state === 'refused' && socket.destroy()))
    this.#closers.push(async () => await close(server))
    return Object.assign(door, { url: `http://127.0.0.1:${await listen(server, 0)}` })
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.splice(0)) await closer()
  }

  async #answer(door: Door, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk)
    } catch {
      return
    }
    if (door.state === 'refused') return void request.socket.destroy()
    if (door.state === 'silent') return
    if (door.state === 'open' && this.#store) return await this.#pass(this.#store, request, Buffer.concat(chunks), response)
    // From here to the answer nothing is awaited: a condition holds when its write is made.
    const said = door.state === 'failing' ? problem(503, 'SlowDown') : this.#said(request, Buffer.concat(chunks))
    const date = new Date(Date.now() + door.skewMs).toUTCString()
    response.writeHead(said.status, { date, 'x-amz-request-id': 'of-this-test', ...said.headers })
    response.end(request.method === 'HEAD' ? undefined : said.body)
  }

  /** As it came, name of the host included: that is signed too. */
  async #pass(
    { url, bareETags }: RealStore,
    { method = '', url: path, headers }: IncomingMessage,
    body: Buffer,
    to: ServerResponse,
  ): Promise<void> {
    this.requests[method] = (this.requests[method] ?? 0) + 1
    const match = headers['if-match']
    const passed = bareETags && match !== undefined ? { ...headers, 'if-match': match.replaceAll('"', '') } : headers
    const asked = ask(new URL(url).href, { method, path, headers: passed, agent: false })
    const answered = new Promise<IncomingMessage>((resolve, reject) => asked.once('response', resolve).once('error', reject))
    asked.end(body)
    const answer = await answered.catch(() => undefined)
    if (!answer) return void to.destroy()
    const key = decodeURIComponent(new URL(path ?? '/', url).pathname.split('/').slice(2).join('/'))
    const isDone = answer.statusCode !== undefined && answer.statusCode < 300
    if (isDone && method === 'PUT') this.#objects.set(key, { body, etag: String(answer.headers.etag), at: new Date() })
    if (isDone && method === 'DELETE') this.#objects.delete(key)
    to.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(to)
  }

  #said(request: IncomingMessage, body: Buffer): Said {
    const { method = '', headers } = request
    this.requests[method] = (this.requests[method] ?? 0) + 1
    const url = new URL(request.url ?? '/', 'http://bucket')
    const refusal = refusedSignature(request, url, body)
    if (refusal !== undefined) return problem(403, refusal)
    const [, name = '', ...rest] = url.pathname.split('/')
    const key = rest.map((part) => decodeURIComponent(part)).join('/')
    if (name !== 'bucket') return problem(404, 'NoSuchBucket')
    if (key === '')
      return method === 'GET' && url.searchParams.get('list-type') === '2' ? this.#list(url) : problem(501, 'NotImplemented')
    const stored = this.#objects.get(key)
    const conflict = conflicting(headers['if-match'], headers['if-none-match'], stored, method)
    if (conflict) return conflict
    if (method === 'PUT') {
      const etag = `"${createHash('md5').update(body).digest('hex')}"`
      this.#objects.set(key, { body, etag, at: new Date() })
      return { status: 200, headers: { etag } }
    }
    if (method === 'DELETE') {
      this.#objects.delete(key)
      return { status: 204 }
    }
    if (!stored) return problem(404, 'NoSuchKey')
    return method === 'GET' || method === 'HEAD' ? content(stored, headers.range) : problem(501, 'NotImplemented')
  }

  #list({ searchParams }: URL): Said {
    const [prefix, delimiter] = [searchParams.get('prefix') ?? '', searchParams.get('delimiter') ?? '']
    const after = searchParams.get('continuation-token') ?? searchParams.get('start-after') ?? ''
    const entries = new Map<string, string>()
    for (const [key, { etag, at, body }] of this.#objects) {
      if (!key.startsWith(prefix)) continue
      const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
      const folder = key.slice(0, end + delimiter.length)
      if (end >= 0) entries.set(folder, `<CommonPrefixes><Prefix>${folder}</Prefix></CommonPrefixes>`)
      else
        entries.set(
          key,
          `<Contents><Key>${key}</Key><LastModified>${at.toISOString()}</LastModified><ETag>${etag}</ETag><Size>${body.length}</Size></Contents>`,
        )
    }
    const found = [...entries].filter(([key]) => key > after).toSorted(([a], [b]) => (a < b ? -1 : 1))
    const page = found.slice(0, Math.min(PAGE, Number(searchParams.get('max-keys') ?? PAGE)))
    const more = page.length < found.length
    const token = more ? `<NextContinuationToken>${page.at(-1)?.[0]}</NextContinuationToken>` : ''
    const body = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix>${prefix}</Prefix><KeyCount>${page.length}</KeyCount><MaxKeys>${PAGE}</MaxKeys><IsTruncated>${more}</IsTruncated>${token}${page.map(([, xml]) => xml).join('')}</ListBucketResult>`
    return { status: 200, headers: { 'content-type': 'application/xml' }, body }
  }
}

function content({ body, etag, at }: Stored, range: string | undefined): Said {
  const headers = { etag, 'last-modified': at.toUTCString(), 'accept-ranges': 'bytes' }
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? []
  if (from === '' && to === '') return { status: 200, headers, body }
  const [start, end] =
    from === '' ? [body.length - Number(to), body.length - 1] : [Number(from), to === '' ? body.length - 1 : Number(to)]
  if (start >= body.length) return problem(416, 'InvalidRange')
  const last = Math.min(end, body.length - 1)
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${start}-${last}/${body.length}` },
    body: body.subarray(start, last + 1),
  }
}

/** RFC 9110, section 13.1, as S3 has it for writes. */
function conflicting(
  match: string | undefined,
  noneMatch: string | undefined,
  stored: Stored | undefined,
  method: string,
): Said | undefined {
  if (match !== undefined && !stored) return method === 'PUT' ? problem(404, 'NoSuchKey') : problem(412, 'PreconditionFailed')
  if (match !== undefined && match !== '*' && match !== stored?.etag) return problem(412, 'PreconditionFailed')
  if (noneMatch === undefined || !stored || (noneMatch !== '*' && noneMatch !== stored.etag)) return undefined
  return method === 'GET' || method === 'HEAD' ? { status: 304 } : problem(412, 'PreconditionFailed')
}

/** Signature version 4: what S3 says of a wrong one. */
function refusedSignature(
  { method = '', headers, url: target = '' }: IncomingMessage,
  url: URL,
  body: Buffer,
): string | undefined {
  const [, scope = '', signed = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=(\S+), ?SignedHeaders=(\S+), ?Signature=([\da-f]{64})$/.exec(headers.authorization ?? '') ?? []
  const [accessKey, day = '', region = '', service = '', end = ''] = scope.split('/')
  if (accessKey !== ACCESS_KEY || service !== 's3' || end !== 'aws4_request') return 'InvalidAccessKeyId'
  const at = String(headers['x-amz-date'])
  const time = Date.parse(at.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!(Math.abs(time - Date.now()) < SKEW_MS)) return 'RequestTimeTooSkewed'
  const hash = String(headers['x-amz-content-sha256'])
  if (hash !== 'UNSIGNED-PAYLOAD' && hash !== sha256(body)) return 'XAmzContentSHA256Mismatch'
  const [path = ''] = target.split('?')
  const query = [...url.searchParams].map(([name, value]) => `${encoded(name)}=${encoded(value)}`).toSorted()
  const named = signed.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`)
  const canonical = [method, path, query.join('&'), named.join(''), signed, hash].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', at, `${day}/${region}/s3/aws4_request`, sha256(canonical)].join('\n')
  const key = [day, region, 's3', 'aws4_request'].reduce<Buffer | string>((with_, part) => hmac(with_, part), `AWS4${SECRET}`)
  return hmac(key, toSign).toString('hex') === signature ? undefined : 'SignatureDoesNotMatch'
}

function problem(status: number, code: string): Said {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`
  return { status, headers: { 'content-type': 'application/xml' }, body }
}

function encoded(part: string): string {
  return encodeURIComponent(part).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: Buffer | string, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}
