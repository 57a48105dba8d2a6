// `npm run fuzz -- --inputs 100000 [--seed 7] [--only "SSE reader"]`: strangers' text at every door, its cost as it grows, and requests at the running broker.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { TARGETS } from './all-targets.ts'
import { grown } from './growth.ts'
import { liveRequests } from './live-requests.ts'

const { values } = parseArgs({
  options: { inputs: { type: 'string', default: '10000' }, seed: { type: 'string' }, only: { type: 'string' } },
})
const inputs = Number(values.inputs)
const seed = Number(values.seed ?? randomInt(2 ** 31))
const faults: string[] = []
console.log(`seed ${seed}, ${inputs} inputs a door`)

for (const { name, run, growth } of TARGETS.filter(isAsked)) {
  const start = performance.now()
  try {
    await run(inputs, seed)
    console.log(`${name.padEnd(32)} ${inputs} inputs in ${((performance.now() - start) / 1000).toFixed(1)} s`)
  } catch (error) {
    faults.push(name)
    console.log(
      `${name.padEnd(32)} BROKEN\n${error instanceof Error ? `${error.message}\n${String(error.cause)}` : String(error)}`,
    )
  }
  for (const kind of growth) {
    const { size, ms, factor, isLinear } = await grown(kind)
    if (!isLinear) faults.push(`${name}, ${kind.name}`)
    const said = `${Math.round(size / 1000)} kB in ${ms.toFixed(1)} ms, ${factor.toFixed(1)} times a tenth of it`
    console.log(`  ${kind.name.padEnd(30)} ${said}${isLinear ? '' : '  NOT LINEAR'}`)
  }
}

if (isAsked({ name: 'live requests' })) {
  const start = performance.now()
  const { byStatus, complaints } = await liveRequests(inputs, seed)
  const statuses = [...byStatus].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`)
  console.log(
    `live requests                    ${inputs} in ${((performance.now() - start) / 1000).toFixed(1)} s; ${statuses.join(', ')}`,
  )
  for (const complaint of complaints.slice(0, 20)) console.log(`  ${complaint}`)
  if (complaints.length > 0) faults.push(`live requests (${complaints.length})`)
}

console.log(
  faults.length === 0
    ? 'nothing found'
    : `found: ${faults.join('; ')}\nTo run it again: npm run fuzz -- --inputs ${inputs} --seed ${seed}`,
)
process.exitCode = faults.length === 0 ? 0 : 1

function isAsked({ name }: { readonly name: string }): boolean {
  return values.only === undefined || values.only === name
}
