// GET /metrics at the Worker: who may scrape, what they read, and that no counter goes back.
import { env, evictDurableObject } from 'cloudflare:test'
import { exports } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import type { MeasuresReport } from '../../src/platform/measures.ts'
import { readExposition, sumOf, type Exposition } from '../world/exposition-reader.ts'
import { credential } from './company-directory.ts'
import { granted, nobody } from './person.ts'

const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

let token = ''
beforeAll(async () => {
  token = await credential(['metrics'], 'Prometheus')
})

const scrape = (authorization: string | undefined, accept = OPEN_METRICS, method = 'GET'): Promise<Response> =>
  exports.default.fetch('http://localhost:8788/metrics', {
    method,
    headers: { host: 'localhost:8788', accept, ...(authorization !== undefined && { authorization }) },
  })

const read = async (): Promise<Exposition> => readExposition(await (await scrape(`Bearer ${token}`)).text())

describe('a scrape', () => {
  test('gets OpenMetrics, or the older format where it asks for that', async () => {
    const answer = await scrape(`Bearer ${token}`)
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('vary')]).toEqual([200, OPEN_METRICS, 'Accept'])
    readExposition(await answer.text())
    const older = await scrape(`Bearer ${token}`, 'text/plain;version=0.0.4')
    expect(older.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await older.text()).not.toContain('# EOF')
  })

  test('counts itself, refusals by their code, and revocations with how long they took', async () => {
    const before = await read()
    await scrape(undefined)
    const session = nobody()
    const { grantId } = await granted(session)
    await session.revokeGrant(grantId, 'client_revoked')
    const after = await read()
    const more = (name: string, labels: Readonly<Record<string, string>>): number =>
      sumOf(after, name, labels) - sumOf(before, name, labels)
    expect(more('mcp_broker_http_requests_total', { route: 'metrics', status: '200' })).toBe(1)
    expect(more('mcp_broker_refusals_total', { code: 'unauthorized' })).toBe(1)
    expect(more('mcp_broker_revocation_duration_seconds_count', { what: 'grant' })).toBe(1)
    expect(more('mcp_broker_object_wakes_total', { object: 'UserSession' })).toBeGreaterThan(0)
  })

  test.for([
    ['nothing', undefined, 401, 'unauthorized', 'Bearer scope="metrics"'],
    ['an invented token', `tok_${'a'.repeat(48)}`, 401, 'unauthorized', 'Bearer error="invalid_token", scope="metrics"'],
    [
      'a token of somebody else',
      'eyJhbGciOiJub25lIn0.e30.',
      401,
      'unauthorized',
      'Bearer error="invalid_token", scope="metrics"',
    ],
  ] as const)('with %s is refused', async ([, presented, status, error, challenge]) => {
    const answer = await scrape(presented && `Bearer ${presented}`)
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([status, challenge])
    expect(await answer.json()).toMatchObject({ error, request_id: expect.any(String) })
  })

  test.for([['mcp'], ['admin'], ['scim']] as const)('with a credential for %s lacks the scope', async ([scope]) => {
    const answer = await scrape(`Bearer ${await credential([scope])}`)
    expect(answer.status).toBe(403)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error="insufficient_scope", scope="metrics"')
    expect(await answer.json()).toMatchObject({ error: 'insufficient_scope' })
  })

  test('with a method that writes is refused', async () => {
    expect((await scrape(`Bearer ${token}`, OPEN_METRICS, 'POST')).status).toBe(405)
  })

  test('opens nothing but metrics: the credential calls no server', async () => {
    const answer = await exports.default.fetch('http://localhost:8788/mcp', {
      method: 'POST',
      headers: {
        host: 'localhost:8788',
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    })
    expect(answer.status).toBe(401)
  })
})

const report = (number: number, more: Partial<MeasuresReport> = {}): MeasuresReport => ({
  from: 'isolate',
  number,
  sums: { 'signals|scim|done': [5] },
  leases: 2,
  ...more,
})

const many = (prefix: string): MeasuresReport['sums'] =>
  Object.fromEntries(Array.from({ length: 4_000 }, (_, each) => [`refusals|${prefix}_${each}`, [1]]))

describe('the Directory', () => {
  let names = 0
  const fresh = () => env.DIRECTORY.getByName(`measures ${(names += 1)}`)
  const signals = async (directory: ReturnType<typeof fresh>): Promise<number | undefined> =>
    (await directory.metrics()).sums['signals|scim|done']?.[0]

  test('adds up what isolates tell, and counts a report that comes again once', async () => {
    const directory = fresh()
    await directory.measured(report(1))
    await directory.measured(report(1))
    await directory.measured(report(2))
    await directory.measured(report(1, { from: 'another' }))
    expect(await signals(directory)).toBe(15)
    expect((await directory.metrics()).gauges).toMatchObject({ leasesOut: 4 })
  })

  test('counts a report once that is overtaken by its successor and comes late', async () => {
    const directory = fresh()
    for (const number of [1, 2, 1, 2]) await directory.measured(report(number))
    expect(await signals(directory)).toBe(10)
  })

  test('says so where there is no room for more series', async () => {
    const directory = fresh()
    await directory.measured(report(1, { sums: many('one') }))
    await directory.measured(report(2, { sums: many('other') }))
    const shown = (await directory.metrics()).sums
    expect(Object.keys(shown).length).toBeLessThanOrEqual(5_010)
    expect(shown['seriesDropped']?.[0]).toBeGreaterThanOrEqual(3_000)
  })

  test('goes on from what it has shown when it starts again', async () => {
    const directory = fresh()
    await directory.measured(report(1))
    expect(await signals(directory)).toBe(5)
    await evictDurableObject(directory)
    expect(await signals(directory)).toBe(5)
    await directory.measured(report(2))
    expect(await signals(directory)).toBe(10)
  })
})
