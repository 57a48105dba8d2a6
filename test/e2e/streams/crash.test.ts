// Five rounds of `npm run crash`: the runtime dies under calls and a standing stream, and nothing that was promised is lost.
import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { crash, VARIANTS } from '../../crash/rounds.ts'

test('streams outlive the runtime: nothing is lost, nothing comes twice, and no request ends in silence', async () => {
  const seed = randomInt(2 ** 31)
  const rounds = await crash({ rounds: VARIANTS.length, seed })
  const kept = { lost: 0, doubled: 0, disordered: 0, broken: [], cameBack: true }
  for (const { variant, verdict, broken, standing } of rounds) {
    expect({ variant, seed, ...verdict, broken, cameBack: standing.connections > 1 }).toEqual({ variant, seed, ...kept })
  }
  const begun = rounds.filter(({ variant }) => variant !== 'priming').flatMap(({ resumable }) => resumable)
  expect([seed, ...new Set(begun.map(({ ending }) => ending))]).toEqual([seed, 'result'])
})
