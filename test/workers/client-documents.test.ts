// Clients that a document describes, through the whole broker: asked for when a person is to be asked, kept, and forgotten in time.
import { env, exports } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { at, eachBeginsAt } from './clock.ts'
import { DOCUMENTS } from './documents.ts'
import { letInBy } from './let-in.ts'

const BROKER = 'http://localhost:8788'
const NOW = 1_900_000_000
const HOUR = 3_600

eachBeginsAt(() => NOW)

let names = 0
/** The host is one for all test files that run. */
const freshId = () => `${DOCUMENTS}/${crypto.randomUUID()}.json`
const freshAddress = () => `198.51.100.${(names += 1)}`
const directory = () => env.DIRECTORY.getByName('directory')

function describing(id: string, changes: object = {}): object {
  return { client_id: id, client_name: 'Widget', redirect_uris: ['https://documents.dev/cb'], ...changes }
}

interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

async function publish(id: string, answer: Answer = { body: describing(id) }): Promise<void> {
  await fetch(id, { method: 'PUT', body: JSON.stringify(answer) })
}

async function timesAsked(id: string): Promise<number> {
  return (await fetch(`${DOCUMENTS}/-/asked${new URL(id).pathname}`)).json()
}

function authorize(id: string, changes: Record<string, string> = {}, address = freshAddress()): Promise<Response> {
  const query = new URLSearchParams({
    client_id: id,
    redirect_uri: 'https://documents.dev/cb',
    response_type: 'code',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
    resource: `${BROKER}/mcp`,
    ...changes,
  })
  return exports.default.fetch(
    new Request(`${BROKER}/authorize?${query.toString()}`, { headers: { 'CF-Connecting-IP': address } }),
  )
}

async function refusedWith(answer: Response): Promise<string> {
  expect(answer.headers.get('location')).toBeNull()
  const text = await answer.text()
  expect(text).not.toContain('name="decision"')
  return `${answer.status} ${/data-code="([^"]+)"|<code[^>]*>([a-z_]+)<\/code>/.exec(text)?.slice(1).find(Boolean) ?? text.slice(0, 300)}`
}

describe('a client that a document describes', () => {
  test('is shown with the host of its document, and asked for once', async () => {
    const id = freshId()
    await publish(id)
    for (const again of [1, 2, 3]) {
      const page = await authorize(id)
      expect([again, page.status]).toEqual([again, 200])
      const text = await page.text()
      expect(text).toContain('Widget')
      expect(text).toContain('documents.dev')
      expect(text).not.toContain('Name not verified')
    }
    expect(await timesAsked(id)).toBe(1)
    expect(await directory().client(id)).toMatchObject({ id, knownBy: 'document', name: 'Widget', freshUntil: NOW + HOUR })
  })

  test('is asked for again when its document is too old, and is what it says then', async () => {
    const id = freshId()
    await publish(id, { body: describing(id), headers: { 'cache-control': 'max-age=600' } })
    await authorize(id)
    await publish(id, { body: describing(id, { client_name: 'Gadget', redirect_uris: ['https://documents.dev/other'] }) })
    at(NOW + 599)
    expect(await (await authorize(id)).text()).toContain('Widget')
    at(NOW + 600)
    expect(await refusedWith(await authorize(id))).toContain('invalid_redirect_uri')
    expect(await (await authorize(id, { redirect_uri: 'https://documents.dev/other' })).text()).toContain('Gadget')
    expect(await timesAsked(id)).toBe(2)
  })

  test('is listed for administrators, and can be found by its id', async () => {
    const id = freshId()
    await publish(id)
    await authorize(id)
    const { clients } = await directory().clients(id, undefined)
    expect(clients).toMatchObject([{ id, knownBy: 'document', people: 0 }])
  })

  test('is never asked for again once it is blocked, and stays blocked', async () => {
    const id = freshId()
    await publish(id)
    await authorize(id)
    const target = { what: 'client', id } as const
    const receipt = await directory().blockClient({
      id: `block ${id}`,
      at: NOW,
      by: 'carol',
      why: 'test',
      action: 'block',
      target,
    })
    expect(receipt).toMatchObject({ action: 'block' })
    at(NOW + 500 * 86_400)
    expect(await refusedWith(await authorize(id))).toContain('403')
    expect(await timesAsked(id)).toBe(1)
  })

  test('is used for a day beyond its time while its host is down, and not when it is gone', async () => {
    const id = freshId()
    await publish(id)
    await authorize(id)
    await letInBy(directory(), id)
    await publish(id, { status: 503 })
    at(NOW + HOUR + 86_399)
    expect((await authorize(id)).status).toBe(200)
    at(NOW + HOUR + 86_400)
    const refused = await authorize(id)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '30'])
    await publish(id, { status: 404 })
    at(NOW + HOUR + 1)
    expect(await refusedWith(await authorize(id))).toContain('400 invalid_client_metadata')
  })

  test('may be called back at any port of this computer', async () => {
    const id = freshId()
    await publish(id, { body: describing(id, { redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'] }) })
    expect((await authorize(id, { redirect_uri: 'http://localhost:55611/callback' })).status).toBe(200)
    expect(await refusedWith(await authorize(id, { redirect_uri: 'http://localhost:55611/other' }))).toContain(
      'invalid_redirect_uri',
    )
  })
})

test('attack 17: who only calls himself Claude is shown with the host that says so, and with where he leads', async () => {
  const id = freshId()
  await publish(id, {
    body: describing(id, { client_name: 'Claude', client_uri: 'https://claude.ai', redirect_uris: ['https://evil.dev/cb'] }),
  })
  const page = await (await authorize(id, { redirect_uri: 'https://evil.dev/cb' })).text()
  expect(page).toContain('Published by documents.dev')
  expect(page).toContain('evil.dev')
  expect(page).toContain('not the same site as')
  expect(page).not.toContain('claude.ai')
  // Deny comes first, and is what the form does by default.
  expect(page.indexOf('value="deny"')).toBeLessThan(page.indexOf('value="allow"'))
})

describe('attacks 19 and 20: nothing is kept of, and nobody sent to, a client whose document', () => {
  test.for<[string, (id: string) => Answer, string]>([
    ['is not there', () => ({ status: 404 }), '400 invalid_client_metadata'],
    [
      'is somewhere else',
      () => ({ status: 302, headers: { location: `${DOCUMENTS}/elsewhere` } }),
      '400 invalid_client_metadata',
    ],
    ['cannot be had', () => ({ status: 500 }), '503 temporarily_unavailable'],
    ['is of another client', () => ({ body: describing(`${DOCUMENTS}/other.json`) }), '400 invalid_client_metadata'],
    ['holds a secret', (id) => ({ body: describing(id, { client_secret: 'x' }) }), '400 invalid_client_metadata'],
    ['is too large', (id) => ({ body: describing(id, { tos: 'x'.repeat(6_000) }) }), '400 invalid_client_metadata'],
    [
      'is a web page',
      (id) => ({ body: describing(id), headers: { 'content-type': 'text/html' } }),
      '400 invalid_client_metadata',
    ],
  ])('%s', async ([, answer, refusal]) => {
    const id = freshId()
    await publish(id, answer(id))
    expect(await refusedWith(await authorize(id))).toContain(refusal)
    expect(await refusedWith(await authorize(id))).toContain(refusal)
    // Neither an error nor an invalid document is kept: the second time it was asked for again.
    expect(await timesAsked(id)).toBe(2)
    expect(await directory().client(id)).toBeUndefined()
    expect((await directory().clients(id, undefined)).clients).toEqual([])
  })

  test.for([
    'http://documents.dev/c',
    'https://127.0.0.1/c',
    'https://169.254.169.254/latest/meta-data',
    'https://[::1]/c',
    'https://[64:ff9b::a9fe:a9fe]/c',
    'https://documents.dev:8443/c',
    'https://documents.dev/a/../c',
    'http://localhost:8788/authorize',
    'http://127.0.0.1:9/mcp',
  ])('would be at %s', async (id) => {
    expect(await refusedWith(await authorize(id))).toContain('invalid_client')
  })
})

describe('attack 18: a flood of documents', () => {
  test('is stopped after sixty a minute from one address, valid or not; others go on', async () => {
    const flood = freshAddress()
    const statuses = new Map<number, number>()
    for (let n = 0; n < 62; n += 1) {
      const id = freshId()
      if (n % 2 === 0) await publish(id)
      const { status } = await authorize(id, {}, flood)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
    expect(Object.fromEntries(statuses)).toEqual({ 200: 30, 400: 30, 429: 2 })
    const id = freshId()
    await publish(id)
    expect((await authorize(id)).status).toBe(200)
    expect((await authorize(id, {}, flood)).status).toBe(200)
  })

  test('does not keep people from a client that is known, and one that is used is even looked at again', async () => {
    const [flood, known, used] = [freshAddress(), freshId(), freshId()]
    await publish(known)
    await publish(used)
    await authorize(known, {}, flood)
    await authorize(used, {}, flood)
    await letInBy(directory(), used)
    at(NOW + HOUR)
    for (let n = 0; n < 60; n += 1) await authorize(freshId(), {}, flood)
    expect((await authorize(freshId(), {}, flood)).status).toBe(429)
    expect((await authorize(known, {}, flood)).status).toBe(200)
    expect(await timesAsked(known)).toBe(1)
    expect((await authorize(used, {}, flood)).status).toBe(200)
    expect(await timesAsked(used)).toBe(2)
  })

  test('counts with registrations: who has registered sixty clients can bring no document', async () => {
    const flood = freshAddress()
    const body = JSON.stringify({ redirect_uris: ['https://documents.dev/cb'], token_endpoint_auth_method: 'none' })
    const headers = { 'Content-Type': 'application/json', 'CF-Connecting-IP': flood }
    for (let n = 0; n < 60; n += 1)
      await exports.default.fetch(new Request(`${BROKER}/register`, { method: 'POST', headers, body }))
    const id = freshId()
    await publish(id)
    expect((await authorize(id, {}, flood)).status).toBe(429)
    expect(await directory().client(id)).toBeUndefined()
  })
})
