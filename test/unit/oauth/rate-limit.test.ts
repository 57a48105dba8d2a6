// How often strangers may have somebody asked: per minute, each and all of them, without growing.
import { describe, expect, test } from 'vitest'
import { Attempts } from '../../../src/oauth/rate-limit.ts'

test('each may so many times a minute, and is told how long to wait', () => {
  let now = 1_000
  const attempts = new Attempts(2, 100, () => now)
  expect([attempts.waitFor('a'), attempts.waitFor('a'), attempts.waitFor('a'), attempts.waitFor('b')]).toEqual([0, 0, 60, 0])
  now += 45
  expect(attempts.waitFor('a')).toBe(15)
  now += 15
  expect(attempts.waitFor('a')).toBe(0)
})

test('all together may so many times a minute, however many they are', () => {
  let now = 1_000
  const attempts = new Attempts(5, 3_000, () => now)
  const waits = Array.from({ length: 5_000 }, (_, n) => attempts.waitFor(`source ${n}`))
  expect(waits.filter((wait) => wait === 0)).toHaveLength(3_000)
  now += 60
  expect(attempts.waitFor('source 0')).toBe(0)
})

const hash = (n: number): string => n.toString(16).padStart(16, '0')
/** The n-th /64 of a /56 of a /48. */
const from = (site: number, range: number, n: number): string => [site, range, n].map(hash).join(' ')
const passed = (count: number, source: (n: number) => string, attempts = new Attempts(60, 600, () => 1_000)): number =>
  Array.from({ length: count }, (_, n) => source(n)).filter((each) => attempts.waitFor(each) === 0).length

describe('one subscriber of IPv6', () => {
  test('may twice as often from a /56 as from a /64, and four times as often from a /48', () => {
    expect(passed(600, () => from(1, 1, 1))).toBe(60)
    expect(passed(600, (n) => from(1, 1, n))).toBe(120)
    expect(passed(600, (n) => from(1, n, n))).toBe(240)
  })

  test('with ten /48 leaves a quarter to those who have not come yet', () => {
    const attempts = new Attempts(60, 600, () => 1_000)
    expect(passed(600, (n) => from(n % 10, n % 10, n), attempts)).toBe(450)
    expect(attempts.waitFor(from(1, 2, 3))).toBe(60)
    expect(passed(200, (n) => from(100 + n, 1, 1), attempts)).toBe(150)
  })
})
