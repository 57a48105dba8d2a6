// Thirty rotations or forms a minute: the next one is told how long to wait, and nobody waits for what another name has used up.
import { expect, test } from 'vitest'
import { MinuteLimit } from '../../../../src/session/access/minute-limit.ts'

test('so many pass in a minute, the next one hears how long to wait, and the next minute begins anew', () => {
  const limit = new MinuteLimit(3)
  expect([0, 10, 20].map((now) => limit.waitFor('one', now))).toEqual([0, 0, 0])
  expect(limit.waitFor('one', 20)).toBe(40)
  expect(limit.waitFor('one', 59)).toBe(1)
  expect(limit.waitFor('one', 60)).toBe(0)
})

test('what one name has used up is not taken from another', () => {
  const limit = new MinuteLimit(1)
  expect(limit.waitFor('one', 0)).toBe(0)
  expect(limit.waitFor('other', 0)).toBe(0)
  expect(limit.waitFor('one', 0)).toBe(60)
})
