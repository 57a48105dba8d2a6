// How often strangers may have somebody asked: per minute, each and all of them, without growing.
import { expect, test } from 'vitest'
import { Attempts } from '../../../src/oauth/fixed-window.ts'

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
