// Several deadlines with one timer: each is met when its own time has come, and none after it was called off.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { sharedTimer } from '../../../src/platform/deadlines.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('deadlines that share a timer', () => {
  test('are met each at its own time, whatever the order they were made in', () => {
    const met: string[] = []
    const within = sharedTimer()
    for (const ms of [30_000, 1_000, 200, 60_000, 1_001]) within(ms, () => met.push(`${ms} at ${performance.now() - begun}`))
    const begun = performance.now()
    vi.advanceTimersByTime(60_000)
    expect(met).toEqual(['200 at 200', '1000 at 1000', '1001 at 1001', '30000 at 30000', '60000 at 60000'])
  })

  test('are not met once they were called off', () => {
    const met: number[] = []
    const within = sharedTimer()
    const off = [500, 5_000].map((ms) => within(ms, () => met.push(ms)))
    within(700, () => met.push(700))
    for (const one of off) one()
    vi.advanceTimersByTime(10_000)
    expect(met).toEqual([700])
  })

  test('set one timer between them, and none when all is done', () => {
    const within = sharedTimer()
    for (let n = 0; n < 100; n += 1) within(30_000, () => undefined)()
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(1_000)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('are met in their order where the timer comes late', () => {
    const met: number[] = []
    const within = sharedTimer()
    for (const ms of [900, 500, 700]) within(ms, () => met.push(ms))
    vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 2_000)
    vi.advanceTimersToNextTimer()
    vi.restoreAllMocks()
    expect(met).toEqual([500, 700, 900])
  })

  test('may be made while another one is met', () => {
    const met: number[] = []
    const within = sharedTimer()
    within(100, () => within(50, () => met.push(performance.now())))
    const begun = performance.now()
    vi.advanceTimersByTime(1_000)
    expect(met.map((at) => at - begun)).toEqual([150])
  })
})
