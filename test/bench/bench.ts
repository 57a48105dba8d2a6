// npm run bench: what the broker costs per tool call, against a bare Worker and a bare object hop in the same process.
//
// Absolute figures belong to a machine and a moment; the ratios hold. So the ways take turns, round by round, and each ratio
// is formed within a round. CPU time of the runtime per request is the figure a busy machine disturbs least.
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from '../world/bundle.ts'
import { freePort } from '../world/listening.ts'
import { startWorld } from '../world/world.ts'
import { objectHop, passThrough, sameSteps } from './bare-workers.ts'
import { shown, spreadOf, table, type Spread } from './figures.ts'
import { cpuSeconds, startCannedDownstream, startLoadGenerator } from './processes.ts'
import { waysOf, type Way } from './ways.ts'

const TARGETS = { ofPassThrough: 0.5, ofObjectHop: 0.9 }

const WARM_UP_MS = 4_000

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    seconds: { type: 'string', default: '0.8' },
    connections: { type: 'string', default: '16' },
    json: { type: 'boolean', default: false },
  },
})

interface Measured {
  readonly requestsPerSecond: number
  readonly cpuMicroseconds: number
  readonly p50: number
  readonly p99: number
}

interface Row {
  readonly way: string
  readonly requestsPerSecond: Spread
  readonly cpuMicroseconds: Spread
  readonly ofPassThrough: Spread
  readonly ofObjectHop: Spread
  readonly cpuOfObjectHop: Spread
  readonly cpuOfSameSteps: Spread
  /** With one request at a time, in milliseconds. */
  readonly p50: Spread
  readonly p99: Spread
}

const rows = await measure()
const report = {
  machine: { cores: availableParallelism(), platform: process.platform, node: process.version },
  load: { generator: 'test/bench/load.ts', ...values, downstream: 'test/bench/canned-downstream.ts' },
  targets: TARGETS,
  rows,
}
await mkdir(join(ROOT, 'dist'), { recursive: true })
await writeFile(join(ROOT, 'dist/bench.json'), `${JSON.stringify(report, undefined, 2)}\n`)
console.log(values.json ? JSON.stringify(report, undefined, 2) : asText(rows))

async function measure(): Promise<readonly Row[]> {
  const downstream = await startCannedDownstream()
  const load = startLoadGenerator()
  const ports = { passThrough: await freePort(), objectHop: await freePort(), sameSteps: await freePort() }
  const neighbours = [
    { name: 'pass-through', port: ports.passThrough, module: passThrough(downstream.url) },
    {
      name: 'object-hop',
      port: ports.objectHop,
      module: objectHop(downstream.url),
      durableObjects: [{ binding: 'HOP', className: 'Hop' }],
    },
    {
      name: 'same-steps',
      port: ports.sameSteps,
      module: sameSteps(downstream.url),
      durableObjects: [{ binding: 'STEPS', className: 'Steps' }],
    },
  ]
  const overrides = { DOWNSTREAM_MCP_URL: downstream.url, RATE_LIMIT_REQUESTS: '100000000' }
  const world = await startWorld({ overrides, neighbours })
  try {
    const ways = await waysOf(world, ports, Number(values.connections))
    const pid = world.pid ?? 0
    const turn = async ({ port, requests }: Way, milliseconds: number): Promise<Measured> => {
      const before = cpuSeconds(pid)
      const { answered, seconds, p50, p99 } = await load.run({ port, requests, milliseconds })
      const after = cpuSeconds(pid)
      const cpu = before === undefined || after === undefined ? Number.NaN : after - before
      return { requestsPerSecond: answered / seconds, cpuMicroseconds: (cpu / answered) * 1e6, p50, p99 }
    }
    const milliseconds = Number(values.seconds) * 1000
    // Until the compiler of the runtime has seen enough of every way.
    for (const way of ways) await turn(way, WARM_UP_MS)
    const busy: Measured[][] = []
    const quiet: Measured[][] = []
    for (let round = 0; round < Number(values.rounds); round += 1) {
      const busyRound: Measured[] = []
      const quietRound: Measured[] = []
      for (const way of ways) {
        busyRound.push(await turn(way, milliseconds))
        quietRound.push(await turn({ ...way, requests: way.requests.slice(0, 1) }, milliseconds / 2))
      }
      busy.push(busyRound)
      quiet.push(quietRound)
    }
    return ways.map((way, index) => rowOf(way, index, busy, quiet))
  } finally {
    load.close()
    await world.close()
    downstream.close()
  }
}

function rowOf({ name: way }: Way, index: number, busy: readonly Measured[][], quiet: readonly Measured[][]): Row {
  const figures = (rounds: readonly Measured[][], figure: keyof Measured, at = index): number[] =>
    rounds.map((round) => round[at]?.[figure] ?? Number.NaN)
  const ratio = (figure: keyof Measured, at: number): number[] => {
    const others = figures(busy, figure, at)
    return figures(busy, figure).map((value, round) => value / (others[round] ?? Number.NaN))
  }
  return {
    way,
    requestsPerSecond: spreadOf(figures(busy, 'requestsPerSecond')),
    cpuMicroseconds: spreadOf(figures(busy, 'cpuMicroseconds')),
    ofPassThrough: spreadOf(ratio('requestsPerSecond', 0)),
    ofObjectHop: spreadOf(ratio('requestsPerSecond', 1)),
    cpuOfObjectHop: spreadOf(ratio('cpuMicroseconds', 1)),
    cpuOfSameSteps: spreadOf(ratio('cpuMicroseconds', 2)),
    p50: spreadOf(figures(quiet, 'p50')),
    p99: spreadOf(figures(quiet, 'p99')),
  }
}

function asText(all: readonly Row[]): string {
  const [bare] = all
  const added = (row: Row, figure: 'p50' | 'p99'): string => `+${(row[figure].median - (bare?.[figure].median ?? 0)).toFixed(2)}`
  const figures = all.map((row) => [
    row.way,
    shown(row.requestsPerSecond, 0),
    shown(row.ofPassThrough, 2),
    shown(row.ofObjectHop, 2),
    shown(row.cpuMicroseconds, 0),
    row.cpuOfObjectHop.median.toFixed(2),
    row.cpuOfSameSteps.median.toFixed(2),
    `${row.p50.median.toFixed(2)} ${added(row, 'p50')}`,
    `${row.p99.median.toFixed(2)} ${added(row, 'p99')}`,
  ])
  const heads = [
    'median of the rounds (lowest–highest)',
    'requests/s',
    'of (a)',
    'of (b)',
    'CPU µs/request',
    'of (b)',
    'of (c)',
    'p50 ms',
    'p99 ms',
  ]
  const verdicts = all.slice(3).map(({ way, ofPassThrough, ofObjectHop }) => {
    const meets = ofPassThrough.median >= TARGETS.ofPassThrough && ofObjectHop.median >= TARGETS.ofObjectHop
    return `${way}: ${meets ? 'meets' : 'misses'} the targets (${TARGETS.ofPassThrough} of (a), ${TARGETS.ofObjectHop} of (b))`
  })
  return [
    table([heads, ...figures]),
    '',
    ...verdicts,
    `Throughput with ${values.connections} connections, latency with one; load from test/bench/load.ts; dist/bench.json has it all.`,
  ].join('\n')
}
