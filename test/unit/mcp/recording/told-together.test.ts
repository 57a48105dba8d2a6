// What recordings see is told together, in its order, by one request for all; and nobody waits for a request that is gone.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ToldTogether } from '../../../../src/mcp/recording/told-together.ts'
import type { WireEntry } from '../../../../src/session/contract/recording.ts'

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }))
afterEach(() => void vi.useRealTimers())

const entry = (requestId: string, request?: string): WireEntry => ({
  at: 1,
  kind: 'exchange',
  direction: 'to_server',
  era: 'modern',
  grantId: 'g',
  clientId: 'c',
  verb: 'POST',
  requestId,
  ...(request !== undefined && { request }),
})

function telling(tell: (ids: readonly string[]) => Promise<void> = async () => undefined) {
  const [calls, works]: [string[][], Promise<unknown>[]] = [[], []]
  const asked = {
    whose: 'alice',
    waitUntil: (work: Promise<unknown>) => void works.push(work),
    tell: async (entries: readonly WireEntry[]) => {
      calls.push(entries.map(({ requestId }) => requestId))
      await tell(calls.at(-1) ?? [])
    },
  }
  return { calls, works, asked }
}

test('a hundred requests of a moment are one call, in their order', async () => {
  const together = new ToldTogether()
  const { calls, works, asked } = telling()
  const ids = Array.from({ length: 100 }, (_, index) => String(index))
  for (const id of ids) await together.add([entry(id)], asked)
  await vi.advanceTimersByTimeAsync(500)
  expect(calls).toEqual([ids])
  expect(works).toHaveLength(1)
  await works[0]
})

test('what comes while a call is under way comes after it', async () => {
  const together = new ToldTogether()
  const { calls, asked } = telling(() => new Promise((resolve) => setTimeout(resolve, 1_000)))
  await together.add([entry('1')], asked)
  await vi.advanceTimersByTimeAsync(250)
  await together.add([entry('2')], asked)
  await vi.advanceTimersByTimeAsync(900)
  expect(calls).toEqual([['1']])
  await vi.advanceTimersByTimeAsync(300)
  expect(calls).toEqual([['1'], ['2']])
})

test('what is much is told at once, and what is little a little later', async () => {
  const together = new ToldTogether()
  const { calls, asked } = telling()
  await together.add([entry('1')], asked)
  await vi.advanceTimersByTimeAsync(150)
  expect(calls).toEqual([])
  for (const id of ['2', '3', '4', '5']) await together.add([entry(id, 'x'.repeat(65_536))], asked)
  await vi.advanceTimersByTimeAsync(60)
  expect(calls).toEqual([['1', '2', '3', '4', '5']])
  for (const id of ['6', '7', '8', '9']) await together.add([entry(id, 'x'.repeat(65_536))], asked)
  await vi.advanceTimersByTimeAsync(60)
  expect(calls.at(-1)).toEqual(['6', '7', '8', '9'])
})

test('a large message is held until it was told, and a small one is not', async () => {
  const together = new ToldTogether()
  const { asked } = telling()
  let isTold = false
  void together.add([entry('large', 'x'.repeat(70_000))], asked).then(() => (isTold = true))
  await vi.advanceTimersByTimeAsync(10)
  expect(isTold).toBe(false)
  await vi.advanceTimersByTimeAsync(200)
  expect(isTold).toBe(true)
})

test('a request that is told of for long hands over, and one that is gone is not waited for', async () => {
  const together = new ToldTogether()
  const { calls, works, asked } = telling(([id]) => (id === 'lost' ? new Promise(() => undefined) : Promise.resolve()))
  for (let second = 0; second < 25; second += 1) {
    await together.add([entry(String(second))], asked)
    await vi.advanceTimersByTimeAsync(20)
    await together.add([entry(`${second}b`)], asked)
    await vi.advanceTimersByTimeAsync(980)
  }
  expect(calls.flat()).toHaveLength(50)
  await together.add([entry('lost')], asked)
  await vi.advanceTimersByTimeAsync(1_000)
  await together.add([entry('behind it')], asked)
  await vi.advanceTimersByTimeAsync(15_000)
  await together.add([entry('after it')], asked)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(calls.at(-1)).toEqual(['behind it', 'after it'])
  expect(works.length).toBeGreaterThan(2)
})

test('a call that fails costs its entries and nothing more', async () => {
  const together = new ToldTogether()
  const { calls, asked } = telling(([id]) => (id === '1' ? Promise.reject(new Error('the object is gone')) : Promise.resolve()))
  await together.add([entry('1')], asked)
  await vi.advanceTimersByTimeAsync(200)
  await together.add([entry('2')], asked)
  await vi.advanceTimersByTimeAsync(200)
  expect(calls).toEqual([['1'], ['2']])
})
