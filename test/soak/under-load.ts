// npm run soak:revocations -- --rounds 1000: access is taken back again and again while eight connections call without a pause.
//
// Each round signs in anew. Nothing that began after a revocation had returned may get through, and no answer that the server gave
// after it may be passed on. Prints how long revocations took, and ends with 1 where one was late.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient, statusWith, type Tokens } from '../world/broker-client.ts'
import { startRawDownstream } from '../world/raw-downstream.ts'
import { ENDED, REVOKED } from '../world/revocations.ts'
import { revokeUnderLoad, sayWhen } from '../world/under-load.ts'
import { startWorld } from '../world/world.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '1000' } } })
const rounds = Number(values.rounds)
const WAYS = [...REVOKED, ...ENDED]

const downstream = await startRawDownstream(sayWhen)
const world = await startWorld({ overrides: { DOWNSTREAM_MCP_URL: downstream.url, RATE_LIMIT_REQUESTS: '1000000' } })
const took: number[] = []
let calls = 0
let late = 0
try {
  const client = await BrokerClient.register(world.brokerUrl)
  const carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
  for (let round = 0; round < rounds; round += 1) {
    const [name, revoke] = WAYS[round % WAYS.length] ?? []
    if (!revoke) break
    const tokens = await signedIn(client)
    const result = await revokeUnderLoad(world.mcpUrl, tokens.accessToken, () => revoke({ world, client, carol }, tokens))
    took.push(result.took)
    calls += result.before
    const isLate = result.begunAfter + result.answeredAfter > 0 || [...result.refused].some((status) => status !== 401)
    if (isLate) console.log(`round ${round}, ${name}:`, result)
    late += Number(isLate)
  }
} finally {
  await world.close()
  await downstream.close()
}
took.sort((one, other) => one - other)
const at = (part: number): string => (took[Math.floor(took.length * part)] ?? 0).toFixed(1)
console.log(
  `${rounds} rounds, ${calls} calls let through before, ${late} rounds late; revocation took p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`,
)
process.exitCode = late > 0 ? 1 : 0

/** What was signed in to in the very second of a wide revocation is taken to be meant by it, and a block is lifted a moment later. */
async function signedIn(client: BrokerClient): Promise<Tokens> {
  for (;;) {
    const tokens = await client.signIn('alice').catch(() => undefined)
    if (tokens && (await statusWith(world.mcpUrl, tokens.accessToken)) === 200) return tokens
    await sleep(250)
  }
}
