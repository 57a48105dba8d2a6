// `npm run soak -- --minutes 2 --seed 7 [--executable dist/mcp-session-broker]`: a busy time for streams of both eras; fails when one event was lost, doubled or heard after a revocation.
import { randomInt } from 'node:crypto'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { soak } from './soak-run.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string' },
    clients: { type: 'string', default: '1' },
    executable: { type: 'string' },
  },
})
const seed = Number(values.seed ?? randomInt(2 ** 31))
console.log(`seed ${seed}`)

const ledger = await soak({
  minutes: Number(values.minutes),
  seed,
  clients: Number(values.clients),
  executable: values.executable && resolve(values.executable),
})

const deeds = [...ledger.deeds].map(([deed, times]) => `${times} ${deed}`).join(', ')
const took = ledger.revocationMs.sort((a, b) => a - b).map((ms) => Math.round(ms))
console.log(`${values.minutes} minutes: ${deeds}
${ledger.usage}
a revocation answers after: median ${took[Math.floor(took.length / 2)]} ms, longest ${took.at(-1)} ms
lost ${ledger.lost}, doubled ${ledger.doubled}, leaked after a revocation ${ledger.leaked}`)
if (!ledger.isClean) {
  console.log(`The first evidence of ${ledger.evidence.length}:\n${ledger.evidence.slice(0, 5).join('\n')}`)
  console.log(`To run it again: npm run soak -- --minutes ${values.minutes} --seed ${seed}`)
  process.exitCode = 1
}
