// Which era a server speaks: what its answer to server/discover proves, and what proves nothing.
import { describe, expect, test } from 'vitest'
import { EraMemory, mayBeModern, verdictOf, type DiscoverAnswer } from '../../../../src/mcp/bridge/era-verdict.ts'

const result = (supportedVersions: unknown): string => JSON.stringify({ jsonrpc: '2.0', id: 1, result: { supportedVersions } })
const error = (code: number, data?: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code, message: 'no', data } })

describe('server/discover proves', () => {
  test.for<[string, number, string, 'modern' | 'legacy' | undefined]>([
    ['modern, by a version that is spoken here', 200, result(['2026-07-28']), 'modern'],
    ['modern, where older versions are spoken too', 200, result(['2025-11-25', '2026-07-28']), 'modern'],
    ['legacy, where only older versions are named', 200, result(['2025-11-25']), 'legacy'],
    [
      'legacy, by a 200 that says nothing of versions',
      200,
      '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25"}}',
      'legacy',
    ],
    ['legacy, by versions that are no list', 200, result('2026-07-28'), 'legacy'],
    ['nothing, where only later versions are named', 200, result(['2027-01-01']), undefined],
    ['modern, by a header that disagrees', 400, error(-32_020), 'modern'],
    ['modern, by a capability that is missing', 400, error(-32_021, { requiredCapabilities: {} }), 'modern'],
    ['modern, by a version that is refused with a modern one', 400, error(-32_022, { supported: ['2026-07-28'] }), 'modern'],
    ['modern, by a version that is refused without others', 400, error(-32_022), 'modern'],
    ['legacy, by a version that is refused with older ones', 400, error(-32_022, { supported: ['2025-11-25'] }), 'legacy'],
    ['nothing, by a version that is refused with later ones', 400, error(-32_022, { supported: ['2027-01-01'] }), undefined],
    ['legacy, by a method that is not known', 200, error(-32_601), 'legacy'],
    ['legacy, by a session that is missing', 400, error(-32_000), 'legacy'],
    ['legacy, by a page', 404, '<html>', 'legacy'],
    ['nothing, by a sign-in', 401, error(-32_022), undefined],
    ['nothing, by a prohibition', 403, '', undefined],
    ['nothing, by a proxy that wants a sign-in', 407, '', undefined],
    ['nothing, by a time that is over', 408, '', undefined],
    ['nothing, by too many requests', 429, error(-32_601), undefined],
    ['nothing, by a redirect', 302, '', undefined],
    ['nothing, by a server that fails', 502, error(-32_601), undefined],
  ])('%s', ([, status, message, era]) => {
    expect(verdictOf({ status, message })).toBe(era)
  })
})

describe('an initialize is followed by a question when it is answered', () => {
  test.for<[string, number, string, boolean]>([
    ['that the version is not spoken', 400, error(-32_022, { supported: ['2026-07-28'] }), true],
    ['that the method is not known', 404, error(-32_601), true],
    ['that the method is not known, with 200', 200, error(-32_601), true],
    ['that _meta is missing', 400, error(-32_602), true],
    ['that a header is missing', 400, error(-32_020), true],
    ['with a result', 200, '{"jsonrpc":"2.0","id":1,"result":{}}', false],
    ['with an error of its own', 400, error(-32_000), false],
    ['with a page', 404, '<html>', false],
    ['that somebody has to sign in', 401, error(-32_601), false],
    ['that it fails', 500, error(-32_601), false],
  ])('%s: %i', ([, status, message, isAsked]) => {
    expect(mayBeModern(status, message)).toBe(isAsked)
  })
})

describe('a verdict', () => {
  const modern: DiscoverAnswer = { status: 200, message: result(['2026-07-28']) }

  test('is remembered for ten minutes, and then found out again', async () => {
    let now = 0
    let probes = 0
    const memory = new EraMemory(() => now)
    const probe = async (): Promise<DiscoverAnswer> => ((probes += 1), modern)
    expect(await Promise.all([memory.found('a', probe), memory.found('a', probe)])).toEqual(['modern', 'modern'])
    now = 599_999
    expect(await memory.found('a', probe)).toBe('modern')
    expect(probes).toBe(1)
    now = 600_000
    expect(memory.of('a')).toBeUndefined()
    await memory.found('a', probe)
    expect(probes).toBe(2)
  })

  test('is not made of a server that fails, and of no answer', async () => {
    let now = 0
    const memory = new EraMemory(() => now)
    expect(await memory.found('a', async () => ({ status: 503, message: '' }))).toBeUndefined()
    now = 2_000
    expect(await memory.found('a', async () => undefined)).toBeUndefined()
    now = 6_000
    expect(await memory.found('a', async () => modern)).toBe('modern')
  })

  test('that does not come is not asked for with every request, and again after 2, 4, 8 and at most 30 seconds', async () => {
    let now = 0
    const asked: number[] = []
    const memory = new EraMemory(() => now)
    for (; now < 120_000; now += 500) await memory.found('a', async () => void asked.push(now))
    expect(asked).toEqual([0, 2_000, 6_000, 14_000, 30_000, 60_000, 90_000])
    expect(memory.isToBeAsked('a')).toBe(true)
    memory.note('a', 'legacy')
    expect(memory.isToBeAsked('a')).toBe(false)
  })

  test('stays where the server that is asked again does not answer, and goes by what it says when it does', async () => {
    let now = 0
    const memory = new EraMemory(() => now)
    await memory.found('a', async () => modern)
    now = 600_000
    expect(await memory.found('a', async () => ({ status: 502, message: '' }))).toBe('modern')
    expect(memory.of('a')).toBe('modern')
    now = 602_000
    expect(await memory.found('a', async () => ({ status: 404, message: '' }))).toBe('legacy')
  })

  test('is doubted once in ten seconds', () => {
    let now = 0
    const memory = new EraMemory(() => now)
    expect([memory.doubt('a'), memory.doubt('a'), memory.doubt('b')]).toEqual([true, false, true])
    now = 9_999
    expect(memory.doubt('a')).toBe(false)
    now = 10_000
    expect(memory.doubt('a')).toBe(true)
  })

  test('of one server says nothing of another, and goes when it is dropped', () => {
    const memory = new EraMemory(() => 0)
    memory.note('a', 'modern')
    expect(memory.of('b')).toBeUndefined()
    memory.drop('a')
    expect(memory.of('a')).toBeUndefined()
  })
})
