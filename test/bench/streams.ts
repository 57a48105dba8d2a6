// npm run bench:streams: what an open stream costs — per event, in memory, and how long after a revocation its last byte comes.
//
// What the broker can't do shows up as a failure in its row, never as a missing row.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ROOT } from '../world/bundle.ts'
import { credentialsFor, type Credentials } from '../world/clients.ts'
import { freePort } from '../world/listening.ts'
import { startWorld, type World } from '../world/world.ts'
import { bareNeighbours, carrying, storingHop } from './bare-workers.ts'
import { table } from './figures.ts'
import { cpuSeconds, openFilesLimit, residentKiB, startStreamClient, startStreamDownstream } from './processes.ts'
import type { Opening, Read } from './stream-client.ts'
import type { StreamOrder } from './stream-downstream.ts'
import { openSession } from './ways.ts'
import { postHeaders } from '../world/broker-client.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    burst: { type: 'string', default: '10000' },
    memory: { type: 'string', default: '1000,5000' },
    revoked: { type: 'string', default: '1,100,1000' },
    only: { type: 'string', default: 'events,memory,revocation' },
    json: { type: 'boolean', default: false },
  },
})

const HELD = 'the same, held by an object'
const SILENT: StreamOrder = { events: 0, perSecond: 0 }
const PER_SECOND = 200
const ENDS_WITHIN_MS = 60_000

type Row = Readonly<Record<string, string | number>>
type Kind = 'modern call' | 'legacy call' | 'legacy GET'
const KINDS: readonly Kind[] = ['modern call', 'legacy call', 'legacy GET']

const downstream = await startStreamDownstream()
const client = startStreamClient()
const ports = {
  passThrough: await freePort(),
  objectHop: await freePort(),
  storingHop: await freePort(),
  carrying: await freePort(),
  held: await freePort(),
}
const neighbours = [
  ...bareNeighbours(downstream.url, ports),
  {
    name: 'carrying',
    port: ports.carrying,
    module: carrying(downstream.url, false),
  },
  {
    name: 'held',
    port: ports.held,
    module: carrying(downstream.url, true),
    durableObjects: [{ binding: 'HOLDER', className: 'Holder' }],
  },
  {
    name: 'storing-hop',
    port: ports.storingHop,
    module: storingHop(downstream.url),
    durableObjects: [{ binding: 'HOP', className: 'Hop' }],
  },
]
/** What streams are compared with, and its port. */
const BARE: ReadonlyMap<string, number> = new Map([
  ['a Worker, nothing else', ports.passThrough],
  ['a Worker that reads what passes', ports.carrying],
  [HELD, ports.held],
])

const overrides = {
  DOWNSTREAM_MCP_URL: downstream.url,
  RATE_LIMIT_REQUESTS: '100000000',
  MAX_STREAMS: '100000',
  MAX_MCP_SESSIONS: '100000',
}

try {
  const parts = { events: async () => await inWorld(measureEvents), memory: measureMemory, revocation: measureRevocation }
  const report: Record<string, readonly Row[]> = {}
  for (const [part, measure] of Object.entries(parts)) if (values.only.split(',').includes(part)) report[part] = await measure()
  await mkdir(join(ROOT, 'dist'), { recursive: true })
  await writeFile(join(ROOT, 'dist/bench-streams.json'), `${JSON.stringify(report, undefined, 2)}\n`)
  if (values.json) console.log(JSON.stringify(report, undefined, 2))
  else for (const [title, rows] of Object.entries(report)) console.log(`${title}\n${asTable(rows)}\n`)
} finally {
  client.close()
  downstream.close()
}

/** A new world for every figure: sessions that earlier runs left behind would be measured with it. */
async function inWorld<Result>(measure: (world: World) => Promise<Result>): Promise<Result> {
  const world = await startWorld({ overrides, neighbours })
  try {
    return await measure(world)
  } finally {
    await world.close()
  }
}

/** One stream: at an ordinary pace for latency, then as fast as it goes. */
async function measureEvents(world: World): Promise<readonly Row[]> {
  const who = await credentialsFor('alice', world.mcpUrl)
  const paced = { events: PER_SECOND * Number(values.seconds), perSecond: PER_SECOND }
  const burst = { events: Number(values.burst), perSecond: 0 }
  const ways: readonly (readonly [string, (order: StreamOrder) => Promise<Opening>])[] = [
    [
      '(a) Worker, nothing else',
      async (order) => ({ ...(await opening('modern call', world, who, order)), port: ports.passThrough }),
    ],
    [
      '(b) Worker and object, nothing else',
      async (order) => ({ ...(await opening('modern call', world, who, order)), port: ports.objectHop }),
    ],
    [
      '(c) the same, each event stored before it is sent',
      async (order) => ({ ...(await opening('modern call', world, who, order)), port: ports.storingHop }),
    ],
    ['broker, modern call', async (order) => await opening('modern call', world, who, order)],
    ['broker, legacy call', async (order) => await opening('legacy call', world, who, order)],
  ]
  const rows: Row[] = []
  for (const [way, open] of ways) {
    await readAll(world, await open({ events: 500, perSecond: 0 }))
    const calm = await readAll(world, await open(paced))
    const fast = await readAll(world, await open(burst))
    rows.push({
      way,
      [`p50 ms at ${PER_SECOND}/s`]: percentile(calm.latencies, 0.5).toFixed(2),
      [`p99 ms at ${PER_SECOND}/s`]: percentile(calm.latencies, 0.99).toFixed(2),
      'CPU µs/event': calm.cpuMicroseconds.toFixed(0),
      'events/s at full speed': ((fast.latencies.length / fast.span) * 1000).toFixed(0),
      'events lost': paced.events + burst.events - calm.latencies.length - fast.latencies.length,
      failure: [...calm.failures, ...fast.failures].join('; '),
    })
  }
  return rows
}

async function readAll(world: World, stream: Opening): Promise<Read & { readonly cpuMicroseconds: number }> {
  const before = cpuSeconds(world.pid ?? 0) ?? Number.NaN
  await client.obey({ do: 'open', streams: [stream] })
  await client.obey({ do: 'wait', milliseconds: ENDS_WITHIN_MS })
  const read = await client.obey({ do: 'leave' })
  const cpu = (cpuSeconds(world.pid ?? 0) ?? Number.NaN) - before
  return { ...read, cpuMicroseconds: (cpu / read.latencies.length) * 1e6 }
}

/** Silent streams of one person. */
async function measureMemory(): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const kind of [...BARE.keys(), ...KINDS])
    for (const count of numbers(values.memory)) rows.push(await inWorld((world) => memoryOf(world, kind, count)))
  return rows
}

async function memoryOf(world: World, kind: string, count: number): Promise<Row> {
  const pid = world.pid ?? 0
  const who = await credentialsFor('alice', world.mcpUrl)
  const most = mostStreams(pid)
  const port = BARE.get(kind)
  const streams = await openings(KINDS.find((known) => known === kind) ?? 'modern call', world, who, Math.min(count, most))
  const before = residentKiB(pid) ?? Number.NaN
  await client.obey({ do: 'open', streams: port === undefined ? streams : streams.map((stream) => ({ ...stream, port })) })
  await sleep(2000)
  const after = residentKiB(pid) ?? Number.NaN
  const { opened, over, failures } = await client.obey({ do: 'leave' })
  return {
    streams: kind,
    asked: count <= most ? count : `${count}, but files for ${most}`,
    open: opened - over,
    'KiB before': before,
    'KiB with them': after,
    'KiB per stream': ((after - before) / Math.max(1, opened)).toFixed(1),
    failure: failures.join('; '),
  }
}

/** One person revokes her grant at POST /revoke while all her streams are open and silent; a bare object ends all it holds. */
async function measureRevocation(): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const kind of [HELD, ...KINDS])
    for (const count of numbers(values.revoked)) rows.push(await inWorld((world) => revocationOf(world, kind, count)))
  return rows
}

async function revocationOf(world: World, kind: string, count: number): Promise<Row> {
  const who = await credentialsFor('alice', world.mcpUrl)
  const port = BARE.get(kind)
  const streams = await openings(KINDS.find((known) => known === kind) ?? 'modern call', world, who, count)
  await client.obey({ do: 'open', streams: port === undefined ? streams : streams.map((stream) => ({ ...stream, port })) })
  await sleep(500)
  const start = milliseconds()
  const body = new URLSearchParams({ token: who.refreshToken, client_id: who.clientId })
  const { status } = await (port === undefined
    ? fetch(`${world.brokerUrl}/revoke`, { method: 'POST', body })
    : fetch(`http://127.0.0.1:${port}/`, { method: 'PUT' }))
  const answered = milliseconds() - start
  const openDownstream = await downstream.open()
  const nextStatus = port === undefined ? await statusOf(world, await opening('modern call', world, who, SILENT)) : ''
  await client.obey({ do: 'wait', milliseconds: 5000 })
  await sleep(1000)
  const openLater = await downstream.open()
  const { opened, over, failures, lastBytes } = await client.obey({ do: 'leave' })
  const delays = lastBytes.map((at) => at - start).sort((a, b) => a - b)
  return {
    streams: kind,
    opened,
    answered: `${status} after ${answered.toFixed(0)} ms`,
    'last byte p50 ms': percentile(delays, 0.5).toFixed(0),
    'last byte p99 ms': percentile(delays, 0.99).toFixed(0),
    'still open': opened - over,
    'open downstream': `${openDownstream} at the answer, ${openLater} a second later`,
    'next request': nextStatus,
    failure: failures.join('; '),
  }
}

/** Of the machine's monotonic clock, the same in every process. */
function milliseconds(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

/** Measured: workerd needs four files for a stream it carries, two for each of its connections. */
function mostStreams(pid: number): number {
  return Math.floor(((openFilesLimit(pid) ?? Number.POSITIVE_INFINITY) - 200) / 4)
}

async function statusOf(world: World, { headers, body }: Opening): Promise<number> {
  const { host: _, ...rest } = headers
  const answer = await fetch(world.mcpUrl, { method: 'POST', headers: rest, ...(body !== undefined && { body }) })
  await answer.body?.cancel()
  return answer.status
}

async function openings(kind: Kind, world: World, who: Credentials, count: number): Promise<readonly Opening[]> {
  const all: Opening[] = []
  for (let index = 0; index < count; index += 1) all.push(await opening(kind, world, who, SILENT))
  return all
}

async function opening(kind: Kind, world: World, { accessToken }: Credentials, order: StreamOrder): Promise<Opening> {
  const { host, port } = new URL(world.brokerUrl)
  const common = { host, ...postHeaders(accessToken) }
  const params = { name: 'stream', arguments: order }
  if (kind === 'modern call') {
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...params, _meta } })
    const headers = { ...common, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': params.name }
    return { port: Number(port), method: 'POST', headers, body }
  }
  // Every legacy stream has an MCP session of its own: a second GET of one session would replace the first.
  const session = await openSession(world.mcpUrl, accessToken)
  const headers = { ...common, 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': session }
  if (kind === 'legacy GET') return { port: Number(port), method: 'GET', headers }
  return {
    port: Number(port),
    method: 'POST',
    headers,
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
  }
}

function numbers(list: string): readonly number[] {
  return list.split(',').map(Number)
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function asTable(rows: readonly Row[]): string {
  const heads = Object.keys(rows[0] ?? {})
  return table([heads, ...rows.map((row) => heads.map((head) => String(row[head] ?? '')))])
}
