// `npm run bench:translated`: what a call of 2026-07-28 to a server of the revisions before costs, against a call of those revisions.
//
// CPU time of the runtime per request, in turns, the ratio formed within a round; at most one and a half times as much is allowed.
import { setTimeout as sleep } from 'node:timers/promises'
import { startWorld } from '../world/world.ts'
import { cpuSeconds, startCannedDownstream, startLoadGenerator } from './processes.ts'
import { brokerWays, translatedWay } from './ways.ts'

const ROUNDS = 10
const CONNECTIONS = 16
const WARM_UP_MS = 4_000
const TURN_MS = 1_000
const MOST = 1.5

const downstream = await startCannedDownstream()
const load = startLoadGenerator()
const listed = [{ name: 'bridged', url: downstream.url, era: 'legacy', era_bridge: true }]
const overrides = {
  DOWNSTREAM_MCP_URL: downstream.url,
  DOWNSTREAMS: JSON.stringify(listed),
  RATE_LIMIT_REQUESTS: '100000000',
}
const world = await startWorld({ overrides })
try {
  const [, legacy] = await brokerWays(world, CONNECTIONS)
  const ways = [legacy, await translatedWay(world, CONNECTIONS)]
  const pid = world.pid ?? 0
  const turn = async ({ port, requests }: (typeof ways)[number], milliseconds: number): Promise<number> => {
    const before = cpuSeconds(pid) ?? Number.NaN
    const { answered } = await load.run({ port, requests, milliseconds })
    return (((cpuSeconds(pid) ?? Number.NaN) - before) / answered) * 1e6
  }
  for (const way of ways) await turn(way, WARM_UP_MS)
  const ratios: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const [ofLegacy, ofTranslated] = [await turn(legacy, TURN_MS), await turn(ways[1] ?? legacy, TURN_MS)]
    ratios.push(ofTranslated / ofLegacy)
    console.log(
      `legacy ${ofLegacy.toFixed(0)} µs, translated ${ofTranslated.toFixed(0)} µs: ${(ofTranslated / ofLegacy).toFixed(2)}`,
    )
    await sleep(50)
  }
  const median = ratios.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? Number.NaN
  console.log(`A translated call costs ${median.toFixed(2)} times the CPU of a call of 2025-11-25; ${MOST} is allowed.`)
  process.exitCode = median <= MOST ? 0 : 1
} finally {
  await world.close()
  load.close()
  downstream.close()
}
