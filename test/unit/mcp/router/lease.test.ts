// Leases in the router: requests nobody is asked about, and what ends that before the next of them is answered.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Caller } from '../../../../src/caller.ts'
import { HeldLease, LeaseMemory } from '../../../../src/mcp/router/lease.ts'
import type { LeaseReport } from '../../../../src/session/contract/lease.ts'
import { fixture } from '../../../world/fixture.ts'
import { startRawDownstream, type RawHandler } from '../../../world/raw-downstream.ts'
import { admitted, brokered, caller as someone, refusalOf } from '../brokered.ts'
import type { PairedSocket } from '../socket-pair.ts'

/** Answers with an announced length, at once. */
const says =
  (text: string): RawHandler =>
  (_req, _body, res) => {
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': String(text.length) })
    res.end(text)
  }

const the = fixture(async (closing) => {
  const downstream = await closing(startRawDownstream(says('{}')))
  return { downstream }
})

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
  the.downstream.handleWith(says('{}'))
})
afterEach(() => {
  vi.useRealTimers()
})

const later = (ms: number): void => void vi.setSystemTime(Date.now() + ms)

const reportOf = (lease: PairedSocket | undefined): Promise<LeaseReport> =>
  new Promise((resolve) => {
    lease?.addEventListener('message', (event) => event instanceof MessageEvent && resolve(JSON.parse(String(event.data))), {
      once: true,
    })
  })

describe('while there is a lease', () => {
  test('no further request is asked about, and each hears what is left of the allowance', async () => {
    const { modern, admissions } = brokered(the.downstream.url)
    const left: (string | null)[] = []
    for (let n = 0; n < 3; n += 1) left.push((await modern()).headers.get('ratelimit-remaining'))
    expect(admissions).toHaveLength(1)
    expect(left).toEqual(['599', '598', '597'])
  })

  test('it is renewed before it is over, by a request that does not wait for that', async () => {
    const { modern, admissions, leases } = brokered(the.downstream.url)
    await modern()
    later(6_000)
    await modern()
    expect(admissions).toHaveLength(1)
    later(1_000)
    expect((await modern()).status).toBe(200)
    expect([admissions.length, leases.length]).toEqual([2, 2])
    later(5_000)
    await modern()
    expect(admissions).toHaveLength(2)
  })

  test('nobody answers by it who comes after its time', async () => {
    const { modern, admissions } = brokered(the.downstream.url)
    await modern()
    later(10_000)
    await modern()
    expect(admissions).toHaveLength(2)
  })
})

describe('when the object takes it back', () => {
  test('it hears how many requests there were and which, and the next one asks again', async () => {
    const { modern, admissions, leases } = brokered(the.downstream.url)
    for (let n = 0; n < 3; n += 1) await modern()
    const told = reportOf(leases[0])
    leases[0]?.send('drop')
    const recent = [1, 2].map(() => ({ at: expect.any(Number), label: 'tools/list' }))
    expect(await told).toEqual({ used: 2, recent })
    await modern()
    expect(admissions).toHaveLength(2)
  })

  test('nothing of an answer that comes later is passed on, where the grant has ended', async () => {
    const { modern, leases } = brokered(the.downstream.url, { leashStatus: 410 })
    await modern()
    the.downstream.handleWith((...asked) => {
      leases[0]?.send('drop')
      return says('{"a":"secret"}')(...asked)
    })
    const answer = await modern()
    expect(answer.status).toBe(401)
    expect(await refusalOf(answer)).toMatchObject({ id: 1, error: { data: { code: 'credential_revoked' } } })
  })

  test('the answer is passed on where the grant goes on', async () => {
    const { modern, leases, leashes } = brokered(the.downstream.url)
    await modern()
    the.downstream.handleWith((...asked) => {
      leases[0]?.send('drop')
      return says('{}')(...asked)
    })
    expect((await modern()).status).toBe(200)
    // The object was asked once more, and is not asked for longer than that.
    expect(leashes.map(({ closed }) => closed?.code)).toEqual([1000])
  })

  test('nobody answers by a lease whose socket broke: nobody could take it back', async () => {
    const { modern, admissions, leases } = brokered(the.downstream.url)
    await modern()
    leases[0]?.close()
    await modern()
    expect(admissions).toHaveLength(2)
  })
})

describe('a lease', () => {
  const caller: Caller = { ...someone, expiresAt: 4_000_000_000 }
  const lent = (of = caller, requests = 3): HeldLease => {
    if (!admitted.admitted) throw new Error('never')
    return new HeldLease(of, admitted, { lasts: 10_000, requests, perSecond: 10 }, 0)
  }

  test('is good for so many requests and no more', () => {
    const lease = lent()
    expect([1, 2, 3, 4].map(() => lease.use('x', 0)?.remaining)).toEqual([598, 597, 596, undefined])
    expect(lease.drop().used).toBe(3)
  })

  test('is over before its object thinks so', () => {
    expect([9_749, 9_750].map((now) => lent().holds(now))).toEqual([true, false])
  })

  test.for<[string, Partial<Caller>]>([
    ['another person', { sub: 'another' }],
    ['another grant', { grantId: 'another' }],
    ['another client', { clientId: 'another' }],
    ['another server', { resource: 'https://mcp.example.com/other' }],
    ['a newer refresh generation', { generation: 2 }],
  ])('says nothing of %s', ([, other]) => {
    const memory = new LeaseMemory()
    memory.keep(caller, lent())
    expect(memory.find(caller, 0)).toBeDefined()
    expect(memory.find({ ...caller, ...other }, 0)).toBeUndefined()
  })

  test('is one of 5,000 in an isolate; the oldest makes room', () => {
    const memory = new LeaseMemory()
    const callers = Array.from({ length: 5_001 }, (_, index) => ({ ...caller, grantId: `grant ${index}` }))
    for (const one of callers) memory.keep(one, lent(one))
    expect(callers.findIndex((one) => memory.find(one, 0) !== undefined)).toBe(1)
  })

  test('is asked for by one of those who come at the same time', () => {
    const memory = new LeaseMemory()
    expect([0, 1, 1_999, 2_000].map((now) => memory.mayAsk(caller, now))).toEqual([true, false, false, true])
  })
})
