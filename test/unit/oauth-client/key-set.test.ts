// Keys that somebody else publishes: how often they are asked for, and how long they count while nobody answers.
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { KeysAway, KeySet, KeySets, type PublishedKeys } from '../../../src/oauth-client/key-set.ts'

interface Pair {
  readonly kid: string | undefined
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

const first = await newPair('first')
const second = await newPair('second')
const options = { algorithms: ['ES256'] }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const now = (): number => Date.now() / 1000
const pass = (seconds: number): void => void vi.setSystemTime(Date.now() + seconds * 1000)

/** A publisher that counts who comes; `answer` may be replaced. */
function publisher(answer: () => Promise<PublishedKeys> = async () => ({ keys: { keys: [first.jwk] } })) {
  const published = { asked: 0, answer }
  const set = new KeySet(async () => {
    published.asked += 1
    return await published.answer()
  }, now)
  const outcome = async (pair: Pair, kid = pair.kid): Promise<string> =>
    await set.verify(await signed(pair, kid), options).then(
      () => 'verified',
      (error: unknown) => (error instanceof KeysAway ? 'away' : String(Object(error).code)),
    )
  return { published, outcome }
}

const away = (): Promise<PublishedKeys> => Promise.reject(new Error('down'))
const UNKNOWN = 'ERR_JWKS_NO_MATCHING_KEY'

describe('a key set is fetched', () => {
  test('once for all who come at once, and once in five minutes for those who come after', async () => {
    const { published, outcome } = publisher()
    expect(new Set(await Promise.all(Array.from({ length: 100 }, () => outcome(first))))).toEqual(new Set(['verified']))
    pass(299)
    await outcome(first)
    expect(published.asked).toBe(1)
    pass(2)
    await outcome(first)
    expect(published.asked).toBe(2)
  })

  test('once in thirty seconds for a thousand unknown keys, and for one that was published meanwhile', async () => {
    const { published, outcome } = publisher()
    await outcome(first)
    pass(31)
    const flood = await Promise.all(Array.from({ length: 1_000 }, (_, n) => outcome(second, `unknown-${n}`)))
    expect([new Set(flood), published.asked]).toEqual([new Set([UNKNOWN]), 2])
    published.answer = async () => ({ keys: { keys: [first.jwk, second.jwk] } })
    pass(29)
    expect([await outcome(second), published.asked]).toEqual([UNKNOWN, 2])
    pass(1)
    expect([await outcome(second), published.asked]).toEqual(['verified', 3])
  })

  test('once in thirty seconds while it can not be had, if keys are held, and once a second if none are', async () => {
    const { published, outcome } = publisher(away)
    for (let n = 0; n < 20; n += 1) expect(await outcome(first)).toBe('away')
    expect(published.asked).toBe(1)
    published.answer = async () => ({ keys: { keys: [first.jwk] } })
    pass(1)
    expect([await outcome(first), published.asked]).toEqual(['verified', 2])
    published.answer = away
    pass(31)
    for (let n = 0; n < 20; n += 1) expect(await outcome(second)).toBe('away')
    pass(29)
    expect([await outcome(second), published.asked]).toEqual(['away', 3])
    pass(1)
    expect([await outcome(second), published.asked]).toEqual(['away', 4])
  })

  test('after as long as its publisher says', async () => {
    const { published, outcome } = publisher(async () => ({ keys: { keys: [first.jwk] }, freshFor: 3_600 }))
    await outcome(first)
    pass(3_599)
    await outcome(first)
    expect(published.asked).toBe(1)
    pass(1)
    await outcome(first)
    expect(published.asked).toBe(2)
  })
})

describe('the last good keys', () => {
  test('go on to count for ten minutes while their publisher gives no answer, and no longer', async () => {
    const { published, outcome } = publisher()
    await outcome(first)
    published.answer = away
    pass(300)
    expect([await outcome(first), await outcome(second)]).toEqual(['verified', 'away'])
    pass(599)
    expect(await outcome(first)).toBe('verified')
    pass(1)
    expect(await outcome(first)).toBe('away')
  })

  test('count no more once the publisher has said others', async () => {
    const { published, outcome } = publisher()
    await outcome(first)
    published.answer = async () => ({ keys: { keys: [second.jwk] } })
    pass(301)
    expect([await outcome(first), await outcome(second)]).toEqual([UNKNOWN, 'verified'])
  })
})

describe('a token that does not name its key', () => {
  test('is verified by whichever of them signed it', async () => {
    const { outcome } = publisher(async () => ({ keys: { keys: [nameless(second.jwk), nameless(first.jwk)] } }))
    expect(await outcome({ ...first, kid: undefined })).toBe('verified')
  })

  test('is refused when none of them did', async () => {
    const { outcome } = publisher(async () => ({ keys: { keys: [first.jwk, second.jwk] } }))
    expect(await outcome({ ...(await newPair('third')), kid: undefined })).toBe(UNKNOWN)
  })
})

test('a hundred sets are remembered, and the one that was used longest ago goes', async () => {
  const asked: string[] = []
  const sets = new KeySets(async (address) => {
    asked.push(address)
    return { keys: { keys: [first.jwk] } }
  }, now)
  const token = await signed(first)
  const use = async (address: string): Promise<unknown> => await sets.at(address).verify(token, options)
  for (let n = 0; n < 100; n += 1) await use(`set-${n}`)
  await use('set-0')
  await use('one more')
  expect(asked).toHaveLength(101)
  await use('set-0')
  expect(asked).toHaveLength(101)
  await use('set-1')
  expect(asked).toHaveLength(102)
})

async function newPair(kid: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid } }
}

function signed({ privateKey, kid: own }: Pair, kid = own): Promise<string> {
  return new SignJWT({}).setProtectedHeader({ alg: 'ES256', ...(kid !== undefined && { kid }) }).sign(privateKey)
}

function nameless(jwk: JWK): JWK {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => name !== 'kid'))
}
