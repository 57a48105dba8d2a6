// How many people an action on everybody asks at a time.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Pace } from '../../../src/directory/pace.ts'

describe('an action on everybody', () => {
  test('asks fifty people at a time where their objects take nothing from this one', () => {
    const pace = new Pace()
    expect(pace.most).toBe(10)
    for (let batch = 0; batch < 5; batch += 1) pace.note(0)
    expect(pace.most).toBe(50)
  })

  test('asks fewer where the others have to wait for the thread, and never nobody', () => {
    const pace = new Pace()
    const asked = Array.from({ length: 4 }, () => {
      pace.note(300)
      return pace.most
    })
    expect(asked).toEqual([5, 2, 2, 2])
  })

  test('notices a busy thread by a timer that is late, and passes answers and errors on', async () => {
    const pace = new Pace()
    expect(await pace.watch(Promise.resolve('answered'))).toBe('answered')
    const before = pace.most
    await pace.watch(busy())
    expect(pace.most).toBeLessThan(before)
    await expect(pace.watch(Promise.reject(new Error('not answered')))).rejects.toThrow('not answered')
  })
})

async function busy(): Promise<void> {
  await sleep(1)
  const until = performance.now() + 200
  while (performance.now() < until);
}
