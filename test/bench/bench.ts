// npm run bench: what the broker costs per tool call, against a bare Worker and a bare object hop in the same process.
//
// Absolute figures belong to a machine and a moment; the ratios hold. So the ways take turns, round by round, and each ratio
// is formed within a round. CPU time of the runtime per request is the figure a busy machine disturbs least. With `--write` the figures
// go into docs/benchmark.json and README; with `--distance 30` the objects are 30 ms away, and nothing else is measured.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from '../world/bundle.ts'
import { freePort } from '../world/listening.ts'
import { startWorld } from '../world/world.ts'
import { bareNeighbours, ownedSteps, sameSteps } from './bare-workers.ts'
import { callsPerRequest, measureDistance } from './between.ts'
import { spreadOf } from './figures.ts'
import { cpuSeconds, startCannedDownstream, startLoadGenerator } from './processes.ts'
import { peer } from './peer.ts'
import { asText, withTable, type Report, type Row } from './report.ts'
import { waysOf, type Way } from './ways.ts'

/** Of the ways through the broker, by the era in their name. */
const TARGETS = [
  { name: '2026-07-28', ofPassThrough: 0.5, ofObjectHop: 0.9, calls: 0.02 },
  { name: '2025-11-25', ofPassThrough: 0, ofObjectHop: 0.75, calls: 1 },
]

const WARM_UP_MS = 4_000

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    seconds: { type: 'string', default: '0.8' },
    connections: { type: 'string', default: '16' },
    distance: { type: 'string' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})

interface Measured {
  readonly requestsPerSecond: number
  readonly cpuMicroseconds: number
  readonly p50: number
  readonly p99: number
}

const downstream = await startCannedDownstream()
const load = startLoadGenerator()
try {
  if (values.distance === undefined) await compare()
  else console.log(await measureDistance(downstream, load, Number(values.distance)))
} finally {
  load.close()
  downstream.close()
}

async function compare(): Promise<void> {
  const connections = Number(values.connections)
  const calls = await callsPerRequest(downstream, load, connections)
  const machine = { cores: availableParallelism(), platform: process.platform, node: process.version }
  const report: Report = { machine, connections, rows: await measure(calls) }
  await mkdir(join(ROOT, 'dist'), { recursive: true })
  await writeFile(join(ROOT, 'dist/bench.json'), `${JSON.stringify(report, undefined, 2)}\n`)
  if (values.json) return console.log(JSON.stringify(report, undefined, 2))
  console.log(`${asText(report)}\n\n${verdicts(report.rows)}`)
  console.log(`Throughput with ${connections} connections, latency with one; dist/bench.json has it all.`)
  if (values.write) await write(report)
}

/** Into the documents: the figures, and the table that is made of them. */
async function write(report: Report): Promise<void> {
  await writeFile(join(ROOT, 'docs/benchmark.json'), `${JSON.stringify(report, undefined, 2)}\n`)
  const readme = join(ROOT, 'README.md')
  await writeFile(readme, withTable(await readFile(readme, 'utf8'), report))
}

async function measure(calls: ReadonlyMap<string, number>): Promise<readonly Row[]> {
  const ports = {
    ownedSteps: await freePort(),
    passThrough: await freePort(),
    objectHop: await freePort(),
    sameSteps: await freePort(),
    peer: await freePort(),
  }
  const neighbours = [
    ...bareNeighbours(downstream.url, ports),
    {
      name: 'same-steps',
      port: ports.sameSteps,
      module: sameSteps(downstream.url),
      durableObjects: [{ binding: 'STEPS', className: 'Steps' }],
    },
    {
      name: 'owned-steps',
      port: ports.ownedSteps,
      module: ownedSteps(downstream.url),
      durableObjects: [{ binding: 'OWNER', className: 'Owner' }],
    },
    peer(downstream.url, ports.peer),
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
    return ways.map((way, index) => rowOf({ ...way, calls: way.calls ?? calls.get(way.name) }, index, busy, quiet))
  } finally {
    await world.close()
  }
}

interface Counted extends Pick<Way, 'name'> {
  readonly calls: number | undefined
}

function rowOf(
  { name: way, calls = Number.NaN }: Counted,
  index: number,
  busy: readonly Measured[][],
  quiet: readonly Measured[][],
): Row {
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
    cpuOfOwnedSteps: spreadOf(ratio('cpuMicroseconds', 3)),
    calls,
    p50: spreadOf(figures(quiet, 'p50')),
    p99: spreadOf(figures(quiet, 'p99')),
  }
}

function verdicts(rows: readonly Row[]): string {
  const lines = TARGETS.flatMap(({ name, ...least }) => {
    const row = rows.find(({ way }) => way.endsWith(name))
    if (!row) return []
    const meets =
      row.ofPassThrough.median >= least.ofPassThrough && row.ofObjectHop.median >= least.ofObjectHop && row.calls <= least.calls
    const targets = `${least.ofPassThrough} of (a), ${least.ofObjectHop} of (b), ${least.calls} calls to an object`
    return [`${row.way}: ${meets ? 'meets' : 'misses'} the targets (${targets})`]
  })
  return lines.join('\n')
}
