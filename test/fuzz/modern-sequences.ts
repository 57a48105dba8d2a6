// `npm run fuzz:modern -- 10000 7`: random messages between clients of 2025-11-25 and a server of 2026-07-28, through the broker.
import { randomInt } from 'node:crypto'
import { Begun } from '../world/begun.ts'
import { bridgeSequences } from '../world/bridge-sequences.ts'
import { startModernBehind } from '../world/modern-behind.ts'
import { useOwnConnections } from './own-connections.ts'

const count = Number(process.argv[2] ?? 10_000)
const seed = Number(process.argv[3] ?? randomInt(2 ** 31))
const began = performance.now()
const begun = await Begun.by((closing) => startModernBehind(closing, { RATE_LIMIT_REQUESTS: '10000000' }))
const { world, server, token } = begun.value
await useOwnConnections(`${world.brokerUrl}/health`)
const complaints = await bridgeSequences({ mcpUrl: world.mcpUrl, token, server, count, seed })
await begun.end()
for (const complaint of complaints.slice(0, 20)) console.log(complaint)
console.log(
  `seed ${seed}, ${count} sequences in ${((performance.now() - began) / 1000).toFixed(0)} s, ${complaints.length} complaints`,
)
process.exitCode = complaints.length === 0 ? 0 : 1
