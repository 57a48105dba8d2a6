// `npm run bench:recorder`: what a call costs that is recorded, without and with its messages, against one that is not; at most a quarter more.
//
// CPU time of the runtime per call, of both eras, with messages of 1 KiB each way. Turns of off, metadata and messages alternate, and the
// ratio is formed within a round. Before that nobody has ever been recorded: being off has to cost what that costs.
import { decodeJwt } from 'jose'
import { AdminProgram } from '../world/administrator.ts'
import { putSealingKey } from '../world/sealing-key.ts'
import { startWorld } from '../world/world.ts'
import { cpuSeconds, startCannedDownstream, startLoadGenerator } from './processes.ts'
import { brokerWays, type Way } from './ways.ts'

const ROUNDS = 15
const CONNECTIONS = 16
const WARM_UP_MS = 3_000
/** What a lease and a new key cost is paid before that. */
const SETTLED_MS = 300
const TURN_MS = 700
const MOST = 1.25
const MODES = ['off', 'metadata', 'messages'] as const
type Mode = (typeof MODES)[number]

const downstream = await startCannedDownstream()
const load = startLoadGenerator()
const world = await startWorld({ overrides: { DOWNSTREAM_MCP_URL: downstream.url, RATE_LIMIT_REQUESTS: '100000000' } })
try {
  const ways = await brokerWays(world, CONNECTIONS, 'a kilobyte '.repeat(93))
  const carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
  const { fingerprint } = await putSealingKey(carol)
  for (const way of ways) await turn(way, WARM_UP_MS)
  const never: number[][] = [[], []]
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [index, way] of ways.entries()) never[index]?.push(await turn(way, TURN_MS))
  let isWorse = false
  for (const [index, way] of ways.entries()) {
    const [, token = ''] = /Bearer (\S+)/.exec(way.requests[0] ?? '') ?? []
    const { sub } = decodeJwt(token)
    const figures: Record<Mode, number[]> = { off: [], metadata: [], messages: [] }
    for (let round = 0; round < ROUNDS; round += 1)
      for (const mode of MODES) {
        const asked = { bodies: mode === 'messages', minutes: 5, reason: 'bench' }
        if (mode !== 'off') await carol.post(`/recordings/${sub}`, mode === 'messages' ? { ...asked, fingerprint } : asked)
        await turn(way, SETTLED_MS)
        figures[mode].push(await turn(way, TURN_MS))
        if (mode !== 'off') await carol.post(`/recordings/${sub}/stop`, { reason: 'bench' })
      }
    const ratio = (mode: Mode): number => median(figures[mode].map((cost, round) => cost / (figures.off[round] ?? Number.NaN)))
    console.log(
      `${way.name}: never ${median(never[index] ?? []).toFixed(0)} µs, off ${median(figures.off).toFixed(0)} µs, ` +
        `metadata ${median(figures.metadata).toFixed(0)} µs (${ratio('metadata').toFixed(2)}), ` +
        `messages ${median(figures.messages).toFixed(0)} µs (${ratio('messages').toFixed(2)})`,
    )
    isWorse ||= ratio('metadata') > MOST || ratio('messages') > MOST
  }
  console.log(`At most ${MOST} times the CPU of a call that is not recorded is allowed.`)
  process.exitCode = isWorse ? 1 : 0
} finally {
  await world.close()
  load.close()
  downstream.close()
}

/** Microseconds of CPU per call. */
async function turn({ port, requests }: Way, milliseconds: number): Promise<number> {
  const pid = world.pid ?? 0
  const before = cpuSeconds(pid) ?? Number.NaN
  const { answered } = await load.run({ port, requests, milliseconds })
  // What is told after the answer belongs to it.
  await new Promise((resolve) => setTimeout(resolve, 200))
  return (((cpuSeconds(pid) ?? Number.NaN) - before) / answered) * 1e6
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN
}
