// npm run soak:revocations -- --rounds 1000: access is taken back again and again while eight connections call without a pause.
//
// Each round signs in anew. Nothing that began after a revocation had returned may get through, and no answer that the server gave
// after it may be passed on. Prints how long revocations took, and ends with 1 where one was late.
import { parseArgs } from 'node:util'
import { decodeJwt } from 'jose'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient } from '../world/broker-client.ts'
import { startRawDownstream } from '../world/raw-downstream.ts'
import { revokeUnderLoad, sayWhen } from '../world/under-load.ts'
import { startWorld } from '../world/world.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '1000' } } })
const rounds = Number(values.rounds)

const downstream = await startRawDownstream(sayWhen)
const world = await startWorld({ overrides: { DOWNSTREAM_MCP_URL: downstream.url, RATE_LIMIT_REQUESTS: '1000000' } })
const took: number[] = []
let calls = 0
let late = 0
try {
  const client = await BrokerClient.register(world.brokerUrl)
  const carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
  for (let round = 0; round < rounds; round += 1) {
    const { accessToken, refreshToken } = await client.signIn('alice')
    const { sub = '', gid } = decodeJwt<{ gid: string }>(accessToken)
    const ways = [
      () => carol.revoke({ what: 'person', sub }),
      () => carol.revoke({ what: 'grant', id: gid, sub }),
      () => carol.revoke({ what: 'client', id: client.clientId, sub }),
      () => client.revoke(refreshToken),
    ]
    const result = await revokeUnderLoad(world.mcpUrl, accessToken, async () => void (await ways[round % ways.length]?.()))
    took.push(result.took)
    calls += result.before
    const isLate = result.begunAfter + result.answeredAfter > 0 || [...result.refused].some((status) => status !== 401)
    if (isLate) console.log(`round ${round}:`, result)
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
