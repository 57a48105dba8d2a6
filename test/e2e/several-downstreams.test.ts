// One broker, three servers of three eras: every client reaches each of them, and nothing that is good for one is good for another.
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { afterEach, describe, expect, test } from 'vitest'
import { keyRing } from '../../src/issuer/keys.ts'
import { SignedTokens } from '../../src/oauth/tokens/signed-tokens.ts'
import { fromHex } from '../../src/platform/crypto.ts'
import { AdminProgram, pagesCookie } from '../world/administrator.ts'
import { BrokerClient, errorOf, statusWith, tokensOf } from '../world/broker-client.ts'
import { ROOT } from '../world/bundle.ts'
import { credentialsFor, legacyClientFor, modernClientFor } from '../world/clients.ts'
import { LegacyClient } from '../world/legacy-client.ts'
import { freePort } from '../world/listening.ts'
import { Home, SpawnedClient } from '../world/spawned-client.ts'
import { saidBy } from '../world/spoken-result.ts'
import { SseClient } from '../world/sse-client.ts'
import { stdioOf } from '../world/stdio.ts'
import { LEGACY, MODERN, OLD, SERVERS, threeEras, type Server } from '../world/three-eras.ts'
import { fixture } from '../world/fixture.ts'

const WHOAMI = { name: 'whoami', arguments: {} }
const INSPECTOR = join(ROOT, 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js')
const MCP_REMOTE = join(ROOT, 'node_modules/mcp-remote/dist/proxy.js')

const eras = threeEras({ groups: ['engineering'] })
const at = (server: Server): string => eras.at(server)

describe('a client of every kind uses all three at once:', () => {
  const running: { readonly home: Home; readonly program: SpawnedClient }[] = []

  afterEach(async () => {
    await Promise.all(running.splice(0).map(async ({ home, program }) => (await program.end(), await home.remove())))
  })

  test('MCP Inspector', async () => {
    const env = { MCP_AUTO_OPEN_ENABLED: 'true', MCP_INSPECTOR_SECRET_STORE: 'file' }
    const asking = ['--method', 'tools/call', '--tool-name', 'whoami', '--format', 'json', '--protocol-era', 'auto']
    const said = SERVERS.map(async (server) => {
      const callback = ['--callback-url', `http://127.0.0.1:${await freePort()}/oauth/callback`]
      const program = await start(INSPECTOR, ['--cli', at(server), ...asking, ...callback], env)
      await program.signIn('alice')
      return { code: await program.ended(), said: saidBy(JSON.parse(program.stdout)) }
    })
    expect(await Promise.all(said)).toMatchObject(SERVERS.map(({ alice }) => ({ code: 0, said: alice })))
  })

  test('mcp-remote', async () => {
    const said = SERVERS.map(async (server) => {
      const program = await start(MCP_REMOTE, [at(server), '--allow-http'], {})
      const client = new Client({ name: 'a client that only starts programs', version: '1.0.0' })
      const connected = client.connect(stdioOf(program))
      await program.signIn('alice')
      await connected
      return saidBy(await client.callTool(WHOAMI))
    })
    expect(await Promise.all(said)).toMatchObject(SERVERS.map(({ alice }) => alice))
  })

  test('the SDK of the 2025 revisions', async () => {
    const connected = await Promise.all(SERVERS.map(async (server) => await legacyClientFor('alice', at(server))))
    const said = connected.map(async ({ client }) => saidBy(await client.callTool(WHOAMI)))
    expect(await Promise.all(said)).toMatchObject(SERVERS.map(({ alice }) => alice))
    await Promise.all(connected.map(async ({ client }) => await client.close()))
  })

  test('the SDK of 2026-07-28, which speaks to each in its era', async () => {
    const connected = await Promise.all(SERVERS.map(async (server) => await modernClientFor('alice', at(server))))
    const versions = connected.map(({ client }) => client.getNegotiatedProtocolVersion())
    expect(versions).toEqual(['2025-11-25', '2025-11-25', '2026-07-28'])
    const said = connected.map(async ({ client }) => saidBy(await client.callTool(WHOAMI)))
    expect(await Promise.all(said)).toMatchObject(SERVERS.map(({ alice }) => alice))
    await Promise.all(connected.map(async ({ client }) => await client.close()))
  })

  async function start(script: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<SpawnedClient> {
    const home = await Home.create()
    const program = new SpawnedClient(home, script, args, { MCP_REMOTE_CONFIG_DIR: join(home.path, 'mcp-auth'), ...env })
    running.push({ home, program })
    return program
  }
})

describe('what is good for one server is good for no other:', () => {
  const credentials = fixture(() => Promise.all(SERVERS.map(async (server) => await credentialsFor('alice', at(server)))))

  test('a token, at either of its addresses', async () => {
    const met: [string, boolean][] = []
    const misplaced: (string | null)[] = []
    for (const [index, { accessToken }] of credentials.entries()) {
      for (const server of SERVERS) {
        for (const [method, url, place] of eras.addressesOf(server)) {
          const answer = await fetch(url, { method, headers: { authorization: `Bearer ${accessToken}` } })
          await answer.body?.cancel()
          const isAtHome = server === SERVERS[index]
          met.push([`${method} ${url} ${answer.status === 401}`, isAtHome])
          const challenge = answer.headers.get('www-authenticate')
          if (!isAtHome && challenge?.includes(`/.well-known/oauth-protected-resource${place}"`) !== true)
            misplaced.push(challenge)
        }
      }
    }
    expect(met.filter(([said, isAtHome]) => said.endsWith('true') === isAtHome)).toEqual([])
    expect(met).toHaveLength(27)
    expect(misplaced).toEqual([])
  })

  test('an MCP session, an event id, and the handle of a stream of HTTP+SSE', async () => {
    const [atOld, atLegacy, atModern] = credentials.map(({ accessToken }) => accessToken)
    const mine = await LegacyClient.open(at(LEGACY), atLegacy ?? '')
    const counted = await mine.stream('count', { to: 1, interval_ms: 1 })
    const { id } = await counted.find(({ id: given }) => given !== undefined && given !== '')
    const elsewhere = await LegacyClient.open(at(MODERN), atModern ?? '')
    const own = elsewhere.sessionId
    elsewhere.sessionId = mine.sessionId
    expect((await elsewhere.call('echo', { message: 'x' })).status).toBe(404)
    elsewhere.sessionId = own
    expect((await elsewhere.get(id)).status).toBe(404)

    const stream = await SseClient.open(eras.besides(OLD), atOld ?? '')
    const endpoint = await stream.endpoint()
    expect(new URL(endpoint).pathname).toBe('/servers/old/messages')
    const misplaced = endpoint.replace('/servers/old/', '/')
    const headers = { authorization: `Bearer ${atModern}`, 'content-type': 'application/json' }
    const ping = { method: 'POST', headers, body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' }
    expect((await fetch(misplaced, ping)).status).toBe(404)
    stream.stream.leave()
  })
})

test('18. registration flood and size: there is one place to register however many servers there are, and none below them', async () => {
  const registration = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"redirect_uris":["http://localhost/cb"]}',
  }
  for (const path of ['/servers/legacy/register', '/servers/register'])
    expect((await fetch(eras.world.brokerUrl + path, registration)).status).toBe(404)
  for (const server of SERVERS) expect((await fetch(`${at(server)}/register`, registration)).status).toBe(401)
})

test('21. resource and audience confusion: a grant keeps its server: at another one its code and its refresh token are refused, and none named means its own', async () => {
  const client = await BrokerClient.register(eras.world.brokerUrl)
  const changes = { resource: at(LEGACY) }
  expect(errorOf(await client.redeem(await client.code('alice', { changes }), { resource: at(MODERN) }))).toBe('invalid_target')
  const { refreshToken } = await client.signIn('alice', { changes })
  expect(errorOf(await client.refresh(refreshToken, { resource: at(OLD) }))).toBe('invalid_target')
  expect(errorOf(await client.refresh(refreshToken, { resource: eras.world.brokerUrl }))).toBe('invalid_target')
  const { accessToken } = tokensOf(await client.refresh(refreshToken))
  expect((await LegacyClient.open(at(LEGACY), accessToken)).sessionId).not.toBe('')
  // With several servers a request that names none could mean any of them.
  await expect(client.code('alice')).rejects.toThrow('error=invalid_target')
})

test('22. issuer mix-up: whichever server a client began at, one issuer is named from the challenge to the answer', async () => {
  for (const server of SERVERS) {
    const challenge = (await fetch(at(server), { method: 'POST' })).headers.get('www-authenticate') ?? ''
    const [, address = ''] = /resource_metadata="([^"]+)"/.exec(challenge) ?? []
    const metadata: unknown = await (await fetch(address)).json()
    expect(metadata).toMatchObject({ resource: at(server), authorization_servers: [eras.world.brokerUrl] })
    const of = await (await fetch(`${eras.world.brokerUrl}/.well-known/oauth-authorization-server${server.path}`)).json()
    expect(of).toMatchObject({ issuer: eras.world.brokerUrl, authorization_response_iss_parameter_supported: true })
    const { client, answer } = await modernClientFor('alice', at(server))
    await client.close()
    expect(answer.getAll('iss')).toEqual([eras.world.brokerUrl])
  }
})

test('49. SSRF by a server URL: a server of HTTP+SSE can send the messages of its clients to no other server', async () => {
  const { accessToken } = await credentialsFor('alice', at(OLD))
  eras.legacy.requests.forget()
  eras.old.nameEndpoint(eras.legacy.url)
  const answer = await SseClient.connect(eras.besides(OLD), accessToken)
  eras.old.nameEndpoint()
  expect(answer.stream.status).toBe(502)
  expect(eras.legacy.requests.all).toEqual([])
  // Nor can a client climb out of the one it may use.
  for (const way of ['/..%2f..%2fmcp', '/%2e%2e/', '/..%5c'])
    expect((await fetch(at(OLD) + way, { method: 'POST', headers: { authorization: `Bearer ${accessToken}` } })).status).toBe(404)
})

test('53. cross-environment tokens: a token of another broker with the same key and the same servers is refused at each of them', async () => {
  const ring = await keyRing({ secret: fromHex(eras.world.vars['ENCRYPTION_KEY'] ?? '') })
  const now = Math.floor(Date.now() / 1000)
  const facts = {
    sub: 'somebody',
    grantId: 'grant',
    clientId: 'client',
    scopes: ['mcp'],
    generation: 1,
    issuedAt: now,
    endsAt: now + 600,
  }
  const staging = new SignedTokens(ring, 'https://staging.example', () => now)
  const ours = new SignedTokens(ring, eras.world.brokerUrl, () => now)
  for (const server of SERVERS) {
    const resources = [at(server), `https://staging.example${server.path}`]
    for (const resource of resources) {
      const strange = [
        await staging.accessToken({ ...facts, resource }, 600),
        await ours.refreshToken({ ...facts, resource }, 600),
      ]
      for (const token of strange) expect(await statusWith(at(server), token)).toBe(401)
    }
  }
})

test('an administrator sees which revisions each of them speaks', async () => {
  const { brokerUrl } = eras.world
  const cookie = await pagesCookie(brokerUrl, 'carol')
  const page = await (await fetch(`${brokerUrl}/admin/connect`, { headers: { cookie, accept: 'text/html' } })).text()
  const sections = page.split('data-server="').slice(1)
  const shown = sections.map((section) => [section.split('"')[0], /data-era="(\w+)"/.exec(section)?.[1]])
  expect(Object.fromEntries(shown)).toEqual({ [at(MODERN)]: 'modern', [at(LEGACY)]: 'legacy', [at(OLD)]: 'legacy' })
})

test('other rules count from the start of the broker that has them; an administrator takes one server away from everybody', async () => {
  const [mine, other] = await Promise.all([credentialsFor('alice', at(LEGACY)), credentialsFor('alice', at(MODERN))])
  await eras.allowAt({ emails: ['carol@example.com'] })
  expect(await statusWith(at(LEGACY), mine.accessToken)).toBe(403)
  const carol = await AdminProgram.signedIn(eras.world.brokerUrl, 'carol')
  await carol.revoke({ what: 'resource', id: at(LEGACY) })
  await expect.poll(() => statusWith(at(LEGACY), mine.accessToken)).toBe(401)
  expect(await statusWith(at(MODERN), other.accessToken)).toBe(200)
})
