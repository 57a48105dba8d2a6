// Remembering by result: one fetch for many callers, no memory of failures, and no caller left hanging by another one's end.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Remembered } from '../../../src/platform/shared-cache.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('many callers at once cost one fetch, and so do later ones for a while', async () => {
  const load = vi.fn<() => Promise<string>>().mockImplementation(() => after(100, 'metadata'))
  const remembered = new Remembered<string>(1000)

  const answers = Promise.all(Array.from({ length: 50 }, () => remembered.get(load)))
  await vi.advanceTimersByTimeAsync(200)

  expect(new Set(await answers)).toEqual(new Set(['metadata']))
  await vi.advanceTimersByTimeAsync(800)
  await remembered.get(load)
  expect(load).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(200)
  void remembered.get(load)
  expect(load).toHaveBeenCalledTimes(2)
})

test('a failure is told to those who waited for it and to nobody after them', async () => {
  const load = vi.fn<() => Promise<string>>().mockImplementation(async () => {
    await after(100, undefined)
    throw new Error('down')
  })
  const remembered = new Remembered<string>(1000)

  const answers = Promise.allSettled([remembered.get(load), remembered.get(load)])
  await vi.advanceTimersByTimeAsync(200)

  expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(load).toHaveBeenCalledTimes(1)
  expect(await remembered.get(async () => 'back')).toBe('back')
})

test('a caller whose request was cut off holds up the others for sixteen seconds at most', async () => {
  const remembered = new Remembered<string>(1000)
  void remembered.get(() => new Promise(() => {}))

  const answer = remembered.get(async () => 'metadata')
  await vi.advanceTimersByTimeAsync(16_100)

  expect(await answer).toBe('metadata')
  expect(await remembered.get(async () => 'not asked')).toBe('metadata')
})

async function after<Value>(milliseconds: number, value: Value): Promise<Value> {
  await new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
  return value
}
