// `npm run fuzz:modern -- --sequences 10000 [--seed 7]`: random messages between clients of 2025-11-25 and a server of 2026-07-28, through the broker.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { bridgeSequences } from '../world/bridge-sequences.ts'
import { startModernBehind } from '../world/modern-behind.ts'

const { values } = parseArgs({ options: { sequences: { type: 'string', default: '10000' }, seed: { type: 'string' } } })
const count = Number(values.sequences)
const seed = Number(values.seed ?? randomInt(2 ** 31))
const began = performance.now()
const behind = await startModernBehind({ RATE_LIMIT_REQUESTS: '10000000' })
const { world, server, token } = behind
const complaints = await bridgeSequences({ mcpUrl: world.mcpUrl, token, server, count, seed })
await behind.close()
for (const complaint of complaints.slice(0, 20)) console.log(complaint)
console.log(
  `seed ${seed}, ${count} sequences in ${((performance.now() - began) / 1000).toFixed(0)} s, ${complaints.length} complaints`,
)
process.exitCode = complaints.length === 0 ? 0 : 1
