// `npm run crash -- --rounds 50 --seed 7 [--variant twice]`: kills the runtime again and again and says whether any event was lost, doubled or out of order.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { Counted, Ending } from './counting-client.ts'
import { crash, VARIANTS, type Round } from './rounds.ts'
import { added } from './verdict.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '50' }, seed: { type: 'string' }, variant: { type: 'string' } },
})
const variants = VARIANTS.filter((variant) => values.variant === undefined || variant === values.variant)
const seed = Number(values.seed ?? randomInt(2 ** 31))
console.log(`seed ${seed}`)

const rounds = await crash({ rounds: Number(values.rounds), seed, variants, onRound: (round) => console.log(asLine(round)) })

const { lost, doubled, disordered } = rounds.map(({ verdict }) => verdict).reduce(added)
const broken = rounds.flatMap(({ round, broken: sentences }) => sentences.map((sentence) => `round ${round}: ${sentence}`))
const streams = rounds.flatMap(({ resumable, fragile, standing }) => [...resumable, ...fragile, standing])
const events = streams.reduce((sum, { numbers }) => sum + numbers.length, 0)
const recoveries = rounds.flatMap(({ recoveries: all }) => all).sort((a, b) => a - b)
const downs = rounds.map(({ downFor }) => downFor).sort((a, b) => a - b)
for (const sentence of broken) console.log(sentence)
console.log(`
${rounds.length} rounds, ${streams.length} streams, ${events} events
lost ${lost}, doubled ${doubled}, out of order ${disordered}, promises broken ${broken.length}
resumable calls: ${endings(rounds.flatMap(({ resumable }) => resumable))}
other calls:     ${endings(rounds.flatMap(({ fragile }) => fragile))}
kill to healthy: median ${at(downs, 0.5)} ms, longest ${at(downs, 1)} ms
next event once a client may come back: median ${at(recoveries, 0.5)} ms, p95 ${at(recoveries, 0.95)} ms, longest ${at(recoveries, 1)} ms`)
if (lost + doubled + disordered + broken.length > 0) {
  console.log(`To run it again: npm run crash -- --rounds ${values.rounds} --seed ${seed}`)
  process.exitCode = 1
}

function asLine({ round, variant, resumable, fragile, standing, verdict, downFor }: Round): string {
  const said = `lost ${verdict.lost}, doubled ${verdict.doubled}, out of order ${verdict.disordered}`
  const calls = `resumable: ${endings(resumable)}; others: ${endings(fragile)}`
  return `${String(round).padStart(4)} ${variant.padEnd(8)} ${said}; ${calls}; standing ${standing.numbers.length}; down ${downFor} ms`
}

function endings(all: readonly Counted[]): string {
  const counts = new Map<Ending, number>()
  for (const { ending } of all) counts.set(ending, (counts.get(ending) ?? 0) + 1)
  return [...counts].map(([ending, count]) => `${count} ${ending}`).join(', ')
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
