// What an isolate counts is told once, whatever gets lost on the way, and takes a bounded place.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Measures, type MeasuresReport } from '../../../src/platform/measures.ts'

describe('what was counted', () => {
  test('is summed by labels, and told once', () => {
    const measures = new Measures()
    measures.count('refusals', 'limit_exceeded')
    measures.count('refusals', 'limit_exceeded')
    measures.count('refusals', 'not_found')
    const report = measures.take()
    expect(report?.sums).toEqual({ 'refusals|limit_exceeded': [2], 'refusals|not_found': [1] })
    if (report) measures.arrived(report)
    expect(measures.take()).toBeUndefined()
  })

  test('falls into the bucket whose bound it does not exceed', () => {
    const measures = new Measures()
    for (const seconds of [0.005, 0.006, 15, 16]) measures.observe('revocations', seconds, 'grant')
    const [counts] = Object.values(measures.take()?.sums ?? {})
    expect(counts).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 31.011])
  })

  test('takes no more than so many series, whoever makes up labels', () => {
    const measures = new Measures()
    for (let each = 0; each < 5_000; each += 1) measures.count('refusals', `code_${each}`)
    const { sums = {} } = measures.take() ?? {}
    expect(Object.keys(sums)).toHaveLength(2_001)
    expect(sums['seriesDropped']).toEqual([3_000])
  })
})

describe('a report', () => {
  const pending: Promise<unknown>[] = []
  const waitUntil = (work: Promise<unknown>): void => void pending.push(work)
  const settled = async (): Promise<void> => void (await Promise.all(pending.splice(0)))
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('is one for all who ask meanwhile, and the next comes ten seconds later', async () => {
    const measures = new Measures()
    const sent: MeasuresReport[] = []
    const ask = (): void => measures.report(waitUntil, async (report) => void sent.push(report), 2_000)
    measures.count('refusals', 'a')
    for (let each = 0; each < 10; each += 1) ask()
    expect(pending).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(2_000)
    await settled()
    expect(sent.map(({ number, sums }) => [number, sums])).toEqual([[1, { 'refusals|a': [1] }]])
    measures.count('refusals', 'a')
    ask()
    await vi.advanceTimersByTimeAsync(9_000)
    expect(sent).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1_000)
    await settled()
    expect(sent.at(-1)).toMatchObject({ number: 2, sums: { 'refusals|a': [1] } })
  })

  test('that nobody took comes again as it was, and what came later after it', async () => {
    const measures = new Measures()
    const sent: MeasuresReport[] = []
    let isAway = true
    const send = async (report: MeasuresReport): Promise<void> => {
      sent.push(report)
      if (isAway) throw new Error('away')
    }
    const told = async (): Promise<void> => {
      measures.report(waitUntil, send, 0)
      await vi.advanceTimersByTimeAsync(10_000)
      await settled()
    }
    measures.count('refusals', 'a')
    await told()
    measures.count('refusals', 'b')
    isAway = false
    await told()
    await told()
    expect(sent.map(({ number, sums }) => [number, sums])).toEqual([
      [1, { 'refusals|a': [1] }],
      [1, { 'refusals|a': [1] }],
      [2, { 'refusals|b': [1] }],
    ])
  })

  test('is not waited for for ever where the request that was to tell has died', async () => {
    const measures = new Measures()
    const sent: MeasuresReport[] = []
    measures.count('refusals', 'a')
    measures.report(
      () => undefined,
      async () => await new Promise<void>(() => undefined),
      0,
    )
    await vi.advanceTimersByTimeAsync(20_000)
    measures.report(waitUntil, async (report) => void sent.push(report), 0)
    await vi.advanceTimersByTimeAsync(10_000)
    await settled()
    expect(sent).toHaveLength(1)
  })
})
