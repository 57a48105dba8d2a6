// Registration through the whole broker: what a client is answered, what is refused before it costs anything, and what a flood gets.
import { env, exports } from 'cloudflare:workers'
import { registerClient as registerV2 } from '@modelcontextprotocol/client'
import { registerClient as registerV1 } from '@modelcontextprotocol/sdk/client/auth.js'
import { describe, expect, test } from 'vitest'
import { readRegistration } from '../../src/oauth/client-auth/client-metadata.ts'
import { networksAround } from '../../src/routes/client-network.ts'

const BROKER = 'http://localhost:8788'
const good = { redirect_uris: ['http://127.0.0.1:33418/'], token_endpoint_auth_method: 'none' }

let addresses = 0
// Every test comes from an address of its own, because they share the one Directory there is.
const freshAddress = () => `192.0.2.${(addresses += 1)}`

async function post(body: BodyInit, address = freshAddress(), type = 'application/json'): Promise<Response> {
  const headers = { 'Content-Type': type, 'CF-Connecting-IP': address }
  return exports.default.fetch(new Request(`${BROKER}/register`, { method: 'POST', headers, body }))
}

const register = (document: unknown, address?: string) => post(JSON.stringify(document), address)

describe('a client that registers', () => {
  test('gets an id, no secret, and is known from then on', async () => {
    const answer = await register(good)
    expect(answer.status).toBe(201)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const client = await answer.json<{ client_id: string }>()
    expect(client).toMatchObject({ ...good, client_id: expect.stringMatching(/^pub_/) })
    expect(client).not.toHaveProperty('client_secret')
    const known = await env.DIRECTORY.getByName('directory').client(client.client_id)
    expect(known).toMatchObject({ id: client.client_id, redirectUris: good.redirect_uris, authMethod: 'none' })
  })

  test('and does not say how it authenticates gets a secret, and the token endpoint takes it as Basic', async () => {
    const answer = await register({ redirect_uris: ['https://client.example/cb'] })
    const client = await answer.json<{ client_id: string; client_secret: string }>()
    expect(client).toMatchObject({ token_endpoint_auth_method: 'client_secret_basic', client_secret_expires_at: 0 })
    const use = (secret: string) =>
      exports.default.fetch(
        new Request(`${BROKER}/token`, {
          method: 'POST',
          headers: { Authorization: `Basic ${btoa(`${client.client_id}:${secret}`)}` },
          body: new URLSearchParams({
            grant_type: 'authorization_code',
            code: 'x',
            code_verifier: 'x'.repeat(43),
            redirect_uri: 'https://client.example/cb',
          }),
        }),
      )
    expect(await (await use(client.client_secret)).json()).toMatchObject({ error: 'invalid_grant' })
    const refused = await use('wrong')
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toMatch(/^Basic /)
    expect(await refused.json()).toMatchObject({ error: 'invalid_client' })
  })

  test('asks for more scopes than there are and gets the ones there are', async () => {
    const answer = await register({ ...good, scope: 'mcp offline_access profile admin' })
    expect(await answer.json()).toMatchObject({ scope: 'mcp offline_access' })
  })

  test.for<[string, typeof registerV1 | typeof registerV2]>([
    ['SDK v1', registerV1],
    ['SDK v2', registerV2],
  ])('can be %s', async ([, registerClient]) => {
    const address = freshAddress()
    const fetchFn = async (url: string | URL, init?: RequestInit) => {
      const request = new Request(url, init)
      request.headers.set('CF-Connecting-IP', address)
      return exports.default.fetch(request)
    }
    const clientMetadata = {
      redirect_uris: ['http://localhost:3334/oauth/callback'],
      client_name: 'SDK',
      token_endpoint_auth_method: 'none',
    }
    const registered = await registerClient(BROKER, { clientMetadata, fetchFn })
    expect(registered).toMatchObject({ ...clientMetadata, client_id: expect.stringMatching(/^pub_/) })
  })
})

describe('a registration is refused when', () => {
  test.for<[string, BodyInit, string, number, string]>([
    ['it is a form', 'redirect_uris=x', 'application/x-www-form-urlencoded', 400, 'invalid_client_metadata'],
    ['it is broken JSON', '{"redirect_uris":', 'application/json', 400, 'invalid_client_metadata'],
    ['it is empty', '', 'application/json', 400, 'invalid_client_metadata'],
    ['it goes to a script', '{"redirect_uris":["javascript:alert(1)"]}', 'application/json', 400, 'invalid_redirect_uri'],
  ])('%s', async ([, body, type, status, error]) => {
    const answer = await post(body, freshAddress(), type)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(await answer.json()).toMatchObject({ error, error_description: expect.any(String), request_id: expect.any(String) })
  })

  test('it is read with GET', async () => {
    const answer = await exports.default.fetch(new Request(`${BROKER}/register`))
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toContain('POST')
  })
})

describe('attack 18: registration flood and size', () => {
  test('a body of one megabyte is refused', async () => {
    const answer = await register({ ...good, client_name: 'x'.repeat(1_000_000) })
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ error: 'payload_too_large' })
  })

  test('an endless body without a length is refused after 64 KiB', async () => {
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 16_384
        controller.enqueue(new Uint8Array(16_384).fill(32))
      },
    })
    expect((await post(endless)).status).toBe(413)
    expect(sent).toBeLessThan(512 * 1024)
  })

  test('a hundred redirect URIs are refused', async () => {
    const answer = await register({
      ...good,
      redirect_uris: Array.from({ length: 100 }, (_, n) => `https://client.example/${n}`),
    })
    expect(await answer.json()).toMatchObject({ error: 'invalid_redirect_uri' })
  })

  test('one address is told to wait after 60 clients; a forged X-Forwarded-For does not help it; others go on', async () => {
    const flood = freshAddress()
    const first = await Promise.all(Array.from({ length: 70 }, () => register(good, flood)))
    expect(first.filter(({ status }) => status === 201)).toHaveLength(60)
    const refused = await register(good, flood)
    expect(refused.status).toBe(429)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused.json()).toMatchObject({ error: 'too_many_requests' })

    const headers = { 'Content-Type': 'application/json', 'CF-Connecting-IP': flood, 'X-Forwarded-For': '198.51.100.7' }
    const forged = await exports.default.fetch(
      new Request(`${BROKER}/register`, { method: 'POST', headers, body: JSON.stringify(good) }),
    )
    expect(forged.status).toBe(429)
    expect((await register(good)).status).toBe(201)
  })

  test('a subscriber with a /56 who comes from ten of its /64 keeps nobody from registering', async () => {
    const net = '2001:db8:1234'
    const flood = await Promise.all(
      Array.from({ length: 130 }, (_, n) => register(good, `${net}:ab0${n % 10}::${(n + 1).toString(16)}`)),
    )
    expect(flood.filter(({ status }) => status === 201)).toHaveLength(120)
    expect(new Set(flood.map(({ status }) => status))).toEqual(new Set([201, 429]))
    for (let n = 0; n < 5; n += 1) expect((await register(good, `2001:db8:ffff:${n}00::1`)).status).toBe(201)
    expect((await register(good)).status).toBe(201)
  })

  test.for<[string, string, readonly string[]]>([
    ['an IPv4 address is itself, and one of its neighbours', '192.0.2.1', ['192.0.2.0/24', '192.0.2.1']],
    ['an IPv4 address in IPv6 is that', '::ffff:192.0.2.1', ['192.0.2.0/24', '192.0.2.1']],
    ['an IPv6 address is its /64, /56 and /48', '2001:db8:1:2:3:4:5:6', ipv6('2001:0db8:0001', '00', '02')],
    ['another address of that /64 is the same', '2001:DB8:1:2:ffff::1', ipv6('2001:0db8:0001', '00', '02')],
    ['another /64 of that /56', '2001:db8:1:ff::1', ipv6('2001:0db8:0001', '00', 'ff')],
    ['zeros may be left out in the network', '2001:db8::1', ipv6('2001:0db8:0000', '00', '00')],
    ['zeros may be left out behind it', '2001:db8:1:2::', ipv6('2001:0db8:0001', '00', '02')],
    ['zeros may be left out before its end', '::2:3:4:5:6', ipv6('0000:0000:0000', '00', '02')],
    ['loopback', '::1', ipv6('0000:0000:0000', '00', '00')],
    ['IPv4 with a port', '203.0.113.9:49152', ['203.0.113.0/24', '203.0.113.9']],
    ['IPv6 with a port', '[2001:db8:1:2::9]:49152', ipv6('2001:0db8:0001', '00', '02')],
    ['IPv6 in brackets', '[2001:db8:1:2::9]', ipv6('2001:0db8:0001', '00', '02')],
    ['IPv6 with a zone', 'fe80::1%eth0', ipv6('fe80:0000:0000', '00', '00')],
    ['the last of a list', '198.51.100.7, 203.0.113.9', ['203.0.113.0/24', '203.0.113.9']],
    ['no address', '', ['']],
  ])('a flood is counted per network: %s', ([, address, networks]) => {
    expect(networksAround(address)).toEqual(networks)
  })
})

function authorize(clientId: string, redirectUri: string): Promise<Response> {
  const query = new URLSearchParams({ client_id: clientId, redirect_uri: redirectUri, response_type: 'code' })
  return exports.default.fetch(new Request(`${BROKER}/authorize?${query.toString()}`))
}

async function registeredId(): Promise<string> {
  const { client_id } = await (await register(good)).json<{ client_id: string }>()
  return client_id
}

describe('attack 17: /authorize shows a page and redirects nowhere when', () => {
  test('nobody registered the client', async () => {
    const answer = await authorize(`pub_${'A'.repeat(43)}`, 'https://evil.example/cb')
    expect(answer.status).toBe(400)
    expect(answer.headers.get('location')).toBeNull()
    expect(await answer.text()).toContain('Client not found')
  })

  test('the id was put into the Directory but never issued: ids are proved before the Directory is asked', async () => {
    const id = `pub_${'B'.repeat(43)}`
    const directory = env.DIRECTORY.getByName('directory')
    await directory.register({ ...readRegistration(good).metadata, id, registeredAt: Math.floor(Date.now() / 1000) }, 'test')
    expect(await directory.client(id)).toBeDefined()
    expect((await authorize(id, 'http://127.0.0.1:33418/')).status).toBe(400)
  })

  test('the redirect URI belongs to somebody else', async () => {
    const answer = await authorize(await registeredId(), 'https://evil.example/cb')
    expect(answer.status).toBe(400)
    expect(answer.headers.get('location')).toBeNull()
    expect(await answer.text()).toContain('Invalid redirect URI')
  })

  test('the loopback path is another', async () => {
    const answer = await authorize(await registeredId(), 'http://127.0.0.1:1/other')
    expect(answer.status).toBe(400)
    expect(answer.headers.get('location')).toBeNull()
  })
})

function ipv6(site: string, high: string, low: string): readonly string[] {
  return [`${site}/48`, `${site}:${high}/56`, `${site}:${high}${low}/64`]
}
