// Brokers that are one: several workerd on one bucket, each with a disk and a port of its own, and a balancer in front that sends all to one of them.
import { mkdtemp, rm } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Bucket, type Door, type RealStore } from './bucket.ts'
import { callTool, type ToolCall } from './broker-client.ts'
import { demoVars, startDemoProvider } from './demo-parts.ts'
import { startDownstream, type Downstream } from './downstream.ts'
import type { IdentityProvider } from './identity-provider.ts'
import { freePort } from './listening.ts'
import { Runtime } from './runtime.ts'

export interface Node {
  readonly runtime: Runtime
  /** Its way to the bucket. */
  readonly door: Door
  /** Where the other nodes reach it. */
  readonly peers: string
  /** The MCP endpoint at this node, past the balancer. */
  readonly mcpUrl: string
  readonly log: string[]
  /** Since the last look: a node that loses its lease ends by itself. */
  leftByItself: number
  /** A call at this very node, under the name of the broker. */
  readonly call: (accessToken: string, call?: ToolCall) => Promise<Response>
  /** Its status; 0 where there was no answer. */
  readonly statusWith: (accessToken: string) => Promise<number>
}

export interface ClusterWorld {
  readonly brokerUrl: string
  readonly mcpUrl: string
  readonly bucket: Bucket
  readonly idp: IdentityProvider
  readonly downstream: Downstream
  readonly nodes: readonly Node[]
  /** From now on the balancer sends everybody there. */
  sendTo(node: Node): void
  close(): Promise<void>
}

export interface ClusterOptions {
  readonly nodes: number
  readonly overrides?: Readonly<Record<string, string>>
  /** A node that ends by itself is started again, as its supervisor does. */
  readonly isSupervised?: boolean
  /** By node, in milliseconds: how far its clock is from the one of the store. */
  readonly skewsMs?: readonly number[]
  /** The folder of an earlier broker that the nodes are at first. */
  readonly project?: string | undefined
  /** By node, what else is in its environment. */
  readonly environments?: readonly Readonly<Record<string, string>>[]
  /** Absent: one in memory. */
  readonly store?: RealStore | undefined
}

export async function startCluster({
  nodes: count,
  overrides = {},
  isSupervised = false,
  skewsMs = [],
  environments = [],
  project,
  store,
}: ClusterOptions): Promise<ClusterWorld> {
  const dataDir = await mkdtemp(join(tmpdir(), 'broker-cluster-'))
  const closers: (() => Promise<void>)[] = [async () => await rm(dataDir, { recursive: true, force: true })]
  const over = new AbortController()
  const close = async (): Promise<void> => {
    over.abort()
    for (const closer of closers.splice(0).toReversed()) await closer()
  }
  try {
    const bucket = new Bucket(store)
    // A real store is used by one run after another.
    const prefix = store ? `broker-${Date.now()}` : 'broker'
    closers.push(async () => await bucket.close())
    const balancer = new Balancer()
    const brokerUrl = `http://localhost:${await balancer.listen()}`
    closers.push(async () => await balancer.close())
    const idp = await startDemoProvider(brokerUrl, { port: 0, rotates: true, dataDir })
    closers.push(async () => await idp.close())
    const downstream = await startDownstream({ port: 0 })
    closers.push(async () => await downstream.close())
    const ask = async (url: string, init: RequestInit): Promise<Response> => await askUnder(brokerUrl, url, init)
    const vars = { ...demoVars(brokerUrl, idp.issuer, downstream.url), ...overrides }
    const start = async (index: number): Promise<Node> => {
      const [port, peers] = [await freePort(), `127.0.0.1:${await freePort()}`]
      const door = await bucket.door()
      door.skewMs = skewsMs[index] ?? 0
      const log: string[] = []
      const left = async (): Promise<void> => {
        node.leftByItself += 1
        if (!isSupervised) return
        while (!over.signal.aborted && runtime.pid === undefined) {
          await sleep(500)
          await runtime.start().catch(() => undefined)
        }
      }
      const runtime = await Runtime.start({
        port,
        dataDir: join(dataDir, `node-${index}`),
        vars: { ...vars, ...environments[index] },
        ...(project !== undefined && { project }),
        onLog: ({ message }) => void log.push(message),
        onCrash: () => void left(),
        cluster: {
          bucket: `s3://bucket/${prefix}`,
          address: peers,
          key: 'a-key-that-only-the-nodes-of-this-test-know',
          env: bucket.environment(door),
        },
      })
      closers.push(async () => await runtime.close())
      const mcpUrl = `http://127.0.0.1:${port}/mcp`
      const call = async (accessToken: string, given: ToolCall = {}): Promise<Response> =>
        await callTool(mcpUrl, accessToken, { ...given, ask })
      const statusWith = async (accessToken: string): Promise<number> => {
        try {
          const answer = await call(accessToken, { signal: AbortSignal.timeout(10_000) })
          await answer.text()
          return answer.status
        } catch {
          return 0
        }
      }
      const node: Node = { runtime, door, peers, mcpUrl, log, leftByItself: 0, call, statusWith }
      return node
    }
    const nodes = await Promise.all(Array.from({ length: count }, async (_, index) => await start(index)))
    const sendTo = ({ mcpUrl }: Node): void => balancer.sendTo(Number(new URL(mcpUrl).port))
    const [first] = nodes
    if (first) sendTo(first)
    return { brokerUrl, mcpUrl: `${brokerUrl}/mcp`, bucket, idp, downstream, nodes, sendTo, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A balancer passes the name on under which it was asked; fetch would say the node's own. */
async function askUnder(name: string, url: string, { method, headers, body, signal }: RequestInit): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const asked = request(url, {
    method: method ?? 'GET',
    headers: { ...Object.fromEntries(new Headers(headers)), host: new URL(name).host },
    agent: false,
    ...(signal && { signal }),
  })
  asked.once('error', reject).once('response', resolve).end(body)
  const answer = await promise
  const said = new ReadableStream<Uint8Array>({
    start: (controller) =>
      void answer
        .on('data', (chunk: Buffer) => controller.enqueue(chunk))
        .once('error', (error) => controller.error(error))
        .once('end', () => controller.close()),
    cancel: () => void answer.destroy(),
  })
  return new Response(said, { status: answer.statusCode ?? 500 })
}

class Balancer {
  #port = 0
  readonly #open = new Set<Socket>()
  readonly #server = createServer((socket) => {
    const onward = connect(this.#port, '127.0.0.1')
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#open.add(one)
      one.pipe(other)
      one.on('error', () => undefined).once('close', () => (this.#open.delete(one), other.destroy()))
    }
  })

  async listen(): Promise<number> {
    const port = await freePort()
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    return port
  }

  /** Connections to the one before are ended. */
  sendTo(port: number): void {
    if (port === this.#port) return
    this.#port = port
    for (const socket of this.#open) socket.destroy()
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}
