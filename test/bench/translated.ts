// `npm run bench:translated`: what a call to a server of the other era costs, in both directions, against a call of 2025-11-25 to one of its own.
//
// CPU time of the runtime per request, in turns, the ratio formed within a round; at most one and a half times as much is allowed.
import { setTimeout as sleep } from 'node:timers/promises'
import { startWorld } from '../world/world.ts'
import { cpuSeconds, startCannedDownstream, startLoadGenerator } from './processes.ts'
import { brokerWays, translatedWays, type Way } from './ways.ts'

const ROUNDS = 10
const CONNECTIONS = 16
const WARM_UP_MS = 4_000
const TURN_MS = 1_000
const MOST = 1.5

const downstream = await startCannedDownstream()
const load = startLoadGenerator()
const listed = [
  { name: 'bridged', url: downstream.url, era: 'legacy', era_bridge: true },
  { name: 'modern', url: downstream.url, era: 'modern' },
]
const overrides = {
  DOWNSTREAM_MCP_URL: downstream.url,
  DOWNSTREAMS: JSON.stringify(listed),
  RATE_LIMIT_REQUESTS: '100000000',
}
const world = await startWorld({ overrides })
try {
  const [, legacy] = await brokerWays(world, CONNECTIONS)
  const translated = await translatedWays(world, CONNECTIONS)
  const pid = world.pid ?? 0
  const turn = async ({ port, requests }: Way, milliseconds: number): Promise<number> => {
    const before = cpuSeconds(pid) ?? Number.NaN
    const { answered } = await load.run({ port, requests, milliseconds })
    return (((cpuSeconds(pid) ?? Number.NaN) - before) / answered) * 1e6
  }
  for (const way of [legacy, ...translated]) await turn(way, WARM_UP_MS)
  const ratios = translated.map((): number[] => [])
  for (let round = 0; round < ROUNDS; round += 1) {
    const ofLegacy = await turn(legacy, TURN_MS)
    const costs: number[] = []
    for (const way of translated) costs.push(await turn(way, TURN_MS))
    for (const [index, cost] of costs.entries()) ratios[index]?.push(cost / ofLegacy)
    const said = costs.map((cost) => `${cost.toFixed(0)} µs (${(cost / ofLegacy).toFixed(2)})`)
    console.log(`not translated ${ofLegacy.toFixed(0)} µs, translated ${said.join(' and ')}`)
    await sleep(50)
  }
  const medians = ratios.map((each) => each.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN)
  for (const [index, { name }] of translated.entries())
    console.log(`${name}: ${medians[index]?.toFixed(2)} times the CPU of a call that is not translated; ${MOST} is allowed.`)
  process.exitCode = medians.every((median) => median <= MOST) ? 0 : 1
} finally {
  await world.close()
  load.close()
  downstream.close()
}
