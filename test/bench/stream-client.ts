// The readers of many event streams, in a process of their own: when each event came, and when the last byte.
import { Agent, request, type IncomingMessage } from 'node:http'

export interface Opening {
  readonly port: number
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export type Command =
  | { readonly do: 'open'; readonly streams: readonly Opening[] }
  /** Answers when all streams are over, or after so long. */
  | { readonly do: 'wait'; readonly milliseconds: number }
  | { readonly do: 'leave' }

export interface Read {
  readonly opened: number
  readonly over: number
  /** Why streams did not open, each reason once. */
  readonly failures: readonly string[]
  /** Milliseconds between writing and reading, sorted. */
  readonly latencies: readonly number[]
  /** From the first to the last event, in milliseconds. */
  readonly span: number
  /** Last byte of every stream that is over, in milliseconds of the monotonic clock. */
  readonly lastBytes: readonly number[]
}

interface Stream {
  readonly answer: IncomingMessage
  lastByte: number
  isOver: boolean
}

/** Connections are opened so many at a time: a full queue of the kernel would be measured as the broker's. */
const AT_ONCE = 50

const agent = new Agent({ maxSockets: Infinity })
const streams: Stream[] = []
const failures = new Set<string>()
let latencies: number[] = []
let first = 0
let last = 0

process.on('message', (command: Command) => void obey(command).then((read) => process.send?.(read)))
process.once('disconnect', () => process.exit(0))

async function obey(command: Command): Promise<Read> {
  if (command.do === 'open') {
    const waiting = [...command.streams]
    const opener = async (): Promise<void> => {
      for (let next = waiting.pop(); next; next = waiting.pop())
        await open(next).catch((error: unknown) => failures.add(String(error)))
    }
    await Promise.all(Array.from({ length: AT_ONCE }, opener))
  }
  if (command.do === 'wait') {
    const deadline = now() + command.milliseconds
    while (now() < deadline && streams.some(({ isOver }) => !isOver)) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const read = {
    opened: streams.length,
    over: streams.filter(({ isOver }) => isOver).length,
    failures: [...failures],
    latencies: latencies.sort((a, b) => a - b),
    span: last - first,
    lastBytes: streams.filter(({ isOver }) => isOver).map(({ lastByte }) => lastByte),
  }
  if (command.do === 'leave') {
    for (const { answer } of streams.splice(0)) answer.destroy()
    failures.clear()
    latencies = []
    first = 0
  }
  return read
}

/** Settles with the first byte of the body: until then a stream may still be on its way to the object. */
async function open({ port, method, headers, body }: Opening): Promise<void> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/mcp', method, headers, agent }, resolve).once('error', reject).end(body)
  })
  if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`)
  const stream: Stream = { answer, lastByte: now(), isOver: false }
  streams.push(stream)
  const finish = (): void => {
    stream.isOver = true
  }
  answer.once('end', finish).once('error', finish).once('close', finish)
  let rest = ''
  const begun = new Promise<void>((resolve) => {
    answer.setEncoding('utf8').on('data', (chunk: string) => {
      stream.lastByte = now()
      const text = rest + chunk
      const whole = text.lastIndexOf('\n\n') + 2
      for (const [, at] of text.slice(0, whole).matchAll(/"at":(\d+)/g)) {
        if (first === 0) first = stream.lastByte
        last = stream.lastByte
        latencies.push(stream.lastByte - Number(at) / 1000)
      }
      rest = text.slice(whole)
      resolve()
    })
    // A bare Worker passes nothing on before the first event; its headers are all there is to wait for.
    setTimeout(resolve, 1000).unref()
    answer.once('close', resolve)
  })
  await begun
}

/** Milliseconds of the machine's monotonic clock, the same in every process. */
function now(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}
