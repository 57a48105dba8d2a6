// A load generator in a process of its own: keep-alive connections, each with one request in flight, for a while.
import { connect } from 'node:net'
import { wireReader } from './wire.ts'

export interface Load {
  readonly port: number
  /** One whole request per connection, as bytes on the wire; `#NUMBER#` becomes a new eight-digit number every time. */
  readonly requests: readonly string[]
  readonly milliseconds: number
}

export interface LoadResult {
  readonly answered: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
  /** What the first answer said that was not 200. */
  readonly failure?: string
}

process.on('message', (load: Load) => void run(load).then((result) => process.send?.(result)))
process.once('disconnect', () => process.exit(0))

let number = 10_000_000

async function run({ port, requests, milliseconds }: Load): Promise<LoadResult> {
  const latencies: number[] = []
  const start = performance.now()
  const end = start + milliseconds
  const failures: string[] = []
  await Promise.all(requests.map(async (request) => await converse(port, request, end, latencies, failures)))
  const seconds = (performance.now() - start) / 1000
  latencies.sort((a, b) => a - b)
  const [failure] = failures
  return {
    answered: latencies.length,
    seconds,
    p50: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
    p99: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
    ...(failure !== undefined && { failure }),
  }
}

async function converse(port: number, request: string, end: number, latencies: number[], failures: string[]): Promise<void> {
  const [before = '', after = ''] = request.split('#NUMBER#')
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let sentAt = 0
  const ask = (): void => {
    sentAt = performance.now()
    socket.write(`${before}${number++}${after}`)
  }
  const fail = (what: string): void => {
    failures.push(what)
    socket.destroy()
  }
  const read = wireReader(({ head, body }) => {
    const now = performance.now()
    if (!head.startsWith('http/1.1 200')) return fail(`${head}\n${body}`)
    latencies.push(now - sentAt)
    if (now < end) ask()
    else socket.end()
  })
  socket.once('connect', ask)
  socket.on('data', read)
  socket.once('error', (error) => fail(String(error)))
  socket.once('close', () => resolve())
  await promise
}
