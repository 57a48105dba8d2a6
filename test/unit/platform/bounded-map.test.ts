import { expect, test } from 'vitest'
import { backoff } from '../../../src/platform/backoff.ts'
import { BoundedMap } from '../../../src/platform/bounded-map.ts'

test('a bounded map forgets what was set longest ago, and nothing before it is full', () => {
  const map = new BoundedMap<string, number>(2)
  map.set('a', 1).set('b', 2).set('a', 3)
  expect([...map]).toEqual([
    ['b', 2],
    ['a', 3],
  ])
  map.set('c', 4)
  expect([...map.keys()]).toEqual(['a', 'c'])
})

test('what fails is tried again after twice as long each time, up to a bound', () => {
  expect([0, 1, 2, 5, 2_000].map((before) => backoff({ first: 30, longest: 600 }, before))).toEqual([30, 60, 120, 600, 600])
})
