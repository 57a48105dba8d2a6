// An allowance of which routers hold a part: never more passes than through a bucket that is asked each time.
import { array, assert, constant, integer, nat, oneof, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Allowance } from '../../../../src/session/store/allowance.ts'

const SIZE = { requests: 100, window: 10 }

/** What may happen, in any order: requests that ask, routers that borrow, use, give back, fall silent, and time that passes. */
const step = oneof(
  record({ what: constant('ask' as const), count: integer({ min: 1, max: 5 }) }),
  record({ what: constant('lend' as const), router: nat(5), share: integer({ min: 1, max: 10 }) }),
  record({ what: constant('use' as const), router: nat(5), count: integer({ min: 1, max: 40 }) }),
  record({ what: constant('give back' as const), router: nat(5) }),
  record({ what: constant('fall silent' as const), router: nat(5) }),
  record({ what: constant('wait' as const), ms: integer({ min: 1, max: 4_000 }) }),
)

describe('an allowance with any number of routers', () => {
  test('lets through no request that a plain token bucket would have refused', () => {
    assert(
      property(array(step, { maxLength: 200 }), (steps) => {
        const plain = { level: SIZE.requests }
        const passes = (count: number): void => {
          plain.level -= count
          expect(plain.level).toBeGreaterThan(-1e-6)
        }
        let now = 0
        const allowance = new Allowance(SIZE, now)
        const routers = new Map<number, { lent: number; used: number }>()
        for (const one of steps) {
          if (one.what === 'wait') {
            now += one.ms
            plain.level = Math.min(SIZE.requests, plain.level + (one.ms * SIZE.requests) / (SIZE.window * 1000))
          } else if (one.what === 'ask') {
            if (allowance.level(now) < one.count) continue
            allowance.spend(one.count)
            passes(one.count)
          } else if (one.what === 'lend') {
            const lent = Math.floor(allowance.level(now) / one.share)
            if (routers.has(one.router) || lent === 0) continue
            allowance.lend(lent)
            routers.set(one.router, { lent, used: 0 })
          } else {
            const router = routers.get(one.router)
            if (!router) continue
            if (one.what === 'use') {
              const used = Math.min(one.count, router.lent - router.used)
              router.used += used
              passes(used)
              continue
            }
            allowance.level(now)
            allowance.settle(router.lent, one.what === 'give back' ? router.lent - router.used : 0)
            routers.delete(one.router)
          }
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('has it all again when the routers have given back what they did not use', () => {
    const allowance = new Allowance(SIZE, 0)
    allowance.lend(40)
    expect(allowance.level(0)).toBe(60)
    allowance.settle(40, 35)
    expect(allowance.level(0)).toBe(95)
    expect(allowance.level(500)).toBe(100)
  })

  test('does not fill up while others hold a part of it', () => {
    const allowance = new Allowance(SIZE, 0)
    allowance.lend(40)
    expect(allowance.level(60_000)).toBe(60)
  })

  test('knows after a restart what was out', () => {
    const allowance = new Allowance(SIZE, 0, { level: 100, at: 0 })
    allowance.isOut(40)
    expect(allowance.level(0)).toBe(60)
  })
})
