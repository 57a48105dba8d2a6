// npm run soak:faults -- --rounds 100: revokes while somebody calls and something fails between the router, which holds a lease, and the
// person's object. No call that begins after a revocation had returned may get through, and no answer that the server gave after it
// may be passed on; and a revocation takes no longer than a lease lasts.
//
// Router and object live in one process here. To the object a dead router looks like one that is cut off, which is the worse of the
// two: it goes on answering. The grants of a round are one person's, and are revoked at the same time.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { decodeJwt } from 'jose'
import { join } from 'node:path'
import { ROOT } from '../world/bundle.ts'
import { AdminProgram, type ShownReceipt } from '../world/administrator.ts'
import { BrokerClient } from '../world/broker-client.ts'
import { startRawDownstream } from '../world/raw-downstream.ts'
import { revokeUnderLoad, sayWhen, type UnderLoad } from '../world/under-load.ts'
import { startWorld } from '../world/world.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '100' }, at: { type: 'string', default: '20' }, fault: { type: 'string' } },
})
const rounds = Number(values.rounds)
/** A person has so many leases at most, those of the round before included. */
const MOST_LEASES = 64
const atOnce = Math.min(rounds, Number(values.at), MOST_LEASES / 2)

interface Fault {
  readonly name: string
  /** What the sockets of leases do. */
  readonly sockets: 'whole' | 'mute' | 'cut'
  /** While everybody calls, before anything is revoked. */
  readonly meanwhile?: (sub: string, until: AbortSignal) => Promise<void>
  /** When everybody has called, right before the revocation. */
  readonly before?: () => Promise<void>
  /** Every router fails to answer, and the receipt has to say so. */
  readonly isUnanswered: boolean
}

const FAULTS: readonly Fault[] = [
  { name: 'router frozen', sockets: 'mute', isUnanswered: true },
  { name: 'router cut off', sockets: 'cut', isUnanswered: true },
  // Where a lease has just been noted and not yet answered, too: there are hundreds of them and a kill every few milliseconds.
  { name: 'object killed', sockets: 'whole', meanwhile: killed, isUnanswered: false },
  { name: 'runtime killed', sockets: 'whole', before: () => world.restartRuntime(), isUnanswered: false },
]

/** A lease, and what a busy machine adds. */
const LONGEST_MS = 10_000 + 5_000

const downstream = await startRawDownstream(sayWhen)
const overrides = { DOWNSTREAM_MCP_URL: downstream.url, RATE_LIMIT_REQUESTS: '1000000', MAX_GRANTS: '1000' }
const world = await startWorld({ project: join(ROOT, 'test/bench/between'), overrides })
const client = await BrokerClient.register(world.brokerUrl)
const carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
let broken = 0
try {
  for (const fault of FAULTS) {
    if (values.fault !== undefined && !fault.name.includes(values.fault)) continue
    const all: Round[] = []
    while (all.length < rounds) all.push(...(await together(fault)))
    broken += verdict(fault, all)
  }
} finally {
  await world.close()
  await downstream.close()
}
process.exitCode = broken > 0 ? 1 : 0

interface Round extends UnderLoad {
  readonly unanswered: number
}

async function together(fault: Fault): Promise<readonly Round[]> {
  await between(`sockets=${fault.sockets}`)
  const tokens: string[] = []
  for (let count = 0; count < atOnce; count += 1) tokens.push((await client.signIn('alice')).accessToken)
  const { sub = '' } = decodeJwt(tokens[0] ?? '')
  const isWarm = Promise.withResolvers<void>()
  let waiting = tokens.length
  const called = new AbortController()
  const working = fault.meanwhile?.(sub, called.signal)
  const revoking = tokens.map(async (token) => {
    const { gid } = decodeJwt<{ gid: string }>(token)
    let unanswered = 0
    const revoke = async (): Promise<void> => {
      waiting -= 1
      if (waiting === 0) {
        called.abort()
        await working
        await fault.before?.()
        isWarm.resolve()
      }
      await isWarm.promise
      unanswered = (await revoked({ what: 'grant', id: gid, sub })).unanswered
    }
    const result = await revokeUnderLoad(world.mcpUrl, token, revoke, 1)
    return { ...result, unanswered }
  })
  return await Promise.all(revoking)
}

async function killed(sub: string, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    await between(`die=${sub}`)
    await sleep(Math.random() * 60)
  }
}

/** As often as it takes: an object that dies answers nobody. */
async function revoked(target: object): Promise<ShownReceipt> {
  for (;;) {
    const receipt = await carol.revoke(target).catch(() => undefined)
    if (receipt) return receipt
    await sleep(20)
  }
}

async function between(what: string): Promise<void> {
  await (await fetch(`${world.brokerUrl}/between?${what}`, { method: 'POST' })).body?.cancel()
}

function verdict({ name, isUnanswered }: Fault, all: readonly Round[]): number {
  const late = all.filter(({ begunAfter, answeredAfter }) => begunAfter + answeredAfter > 0)
  const long = all.filter(({ took }) => took > LONGEST_MS)
  const unsaid = isUnanswered ? all.filter(({ unanswered }) => unanswered === 0) : []
  const took = all.map((round) => round.took).sort((one, other) => one - other)
  const at = (part: number): string => ((took[Math.floor((took.length - 1) * part)] ?? 0) / 1000).toFixed(2)
  const before = all.reduce((sum, round) => sum + round.before, 0)
  const meanwhile = all.reduce((sum, round) => sum + round.meanwhile, 0)
  const unanswered = all.reduce((sum, round) => sum + round.unanswered, 0)
  console.log(
    `${name}: ${all.length} rounds, ${before} calls let through before, ${meanwhile} meanwhile, ${late.length} late, ${long.length} too long, ` +
      `${unsaid.length} that did not say so; ${unanswered} routers did not answer; took p50 ${at(0.5)} s, longest ${at(1)} s`,
  )
  for (const round of [...late, ...long, ...unsaid].slice(0, 5)) console.log(round)
  return late.length + long.length + unsaid.length
}
