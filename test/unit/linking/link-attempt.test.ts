// The broker as a client of OAuth toward a server: what it asks for, whom it believes, and what it never sends where.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { beginLink, finishLink, type LinkAttempt } from '../../../src/linking/link-attempt.ts'
import type { RemoteErrorReason } from '../../../src/oauth-client/remote-error.ts'
import type { Registrar } from '../../../src/linking/registration.ts'
import type { Link } from '../../../src/session/contract/link-client.ts'
import { downstreamAt, registrar, ScriptedServer } from './scripted-server.ts'

let server: ScriptedServer
let broker: Registrar

beforeEach(async () => {
  server = await ScriptedServer.start()
  broker = await registrar()
})
afterEach(() => server.close())

test('a person is sent with PKCE, state, the resource as it is published, and what the server says to ask for', async () => {
  server.answers.set('/mcp', { status: 401, headers: { 'www-authenticate': 'Basic x="y", Bearer scope="read write"' } })
  server.bendMetadata({ scopes_supported: ['read', 'write', 'offline_access'] })
  const { url, attempt } = await beginLink(server.downstream, [], broker)
  expect(`${url.origin}${url.pathname}`).toBe(`${server.origin}/authorize`)
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    response_type: 'code',
    client_id: 'registered',
    redirect_uri: 'https://broker.example/link/callback/vault',
    state: attempt.state,
    code_challenge_method: 'S256',
    resource: `${server.origin}/mcp`,
    scope: 'read write offline_access',
    prompt: 'consent',
  })
  expect(url.href).not.toContain(attempt.codeVerifier)
})

describe('nobody is sent anywhere when', () => {
  test.for<[string, () => void, RemoteErrorReason]>([
    [
      'the metadata are those of another resource',
      () => server.bendResource({ resource: 'https://evil.example/mcp' }),
      'invalid',
    ],
    ['of a path beside it', () => server.bendResource({ resource: `${server.origin}/mc` }), 'invalid'],
    ['the authorization server names another issuer', () => server.bendMetadata({ issuer: 'https://evil.example' }), 'invalid'],
    ['it has no PKCE', () => server.bendMetadata({ code_challenge_methods_supported: undefined }), 'invalid'],
    ['it has PKCE without S256', () => server.bendMetadata({ code_challenge_methods_supported: ['plain'] }), 'invalid'],
    ['its token endpoint is in the open', () => server.bendMetadata({ token_endpoint: 'http://evil.example/token' }), 'invalid'],
    ['it sends people to a script', () => server.bendMetadata({ authorization_endpoint: 'javascript:alert(1)' }), 'invalid'],
    ['it lets no client register', () => server.bendMetadata({ registration_endpoint: undefined }), 'invalid'],
    ['the registration is refused', () => server.answers.set('/register', { status: 403, body: {} }), 'refused'],
    ['the server is down', () => server.answers.set('/.well-known/oauth-authorization-server', { status: 503 }), 'unreachable'],
    [
      'the metadata never end',
      () => server.answers.set('/.well-known/oauth-authorization-server', { body: `{"issuer":"${'x'.repeat(70_000)}"}` }),
      'unreachable',
    ],
    [
      'the metadata are somewhere else',
      () => server.answers.set('/.well-known/oauth-protected-resource/mcp', { status: 302, headers: { location: '/elsewhere' } }),
      'invalid',
    ],
    [
      'the challenge leads into the machine of somebody else',
      () =>
        server.answers.set('/mcp', {
          status: 401,
          headers: { 'www-authenticate': 'Bearer resource_metadata="http://169.254.169.254/latest"' },
        }),
      'invalid',
    ],
  ])('%s', async ([what, bend, reason]) => {
    bend()
    // Without metadata a server counts as its own authorization server, so there the next document is missing too.
    if (what === 'the metadata are somewhere else') server.bendMetadata({ issuer: 'https://evil.example' })
    await expect(beginLink(server.downstream, [], broker)).rejects.toMatchObject({ name: 'LinkError', reason })
    expect(server.paths()).not.toContain('/elsewhere')
  })
})

test('nobody is sent to an issuer whose tokens open something here, unless an operator has entered a client there', async () => {
  const exchanging = { ...broker, opensHere: (issuer: string) => issuer === server.origin }
  await expect(beginLink(server.downstream, [], exchanging)).rejects.toMatchObject({
    reason: 'invalid',
    detail: expect.stringMatching(/tokens of that one open something here$/),
  })
  expect(server.paths()).not.toContain('/register')
  const entered = { ...server.downstream, oauthClient: { id: 'entered', secret: 'x', scopes: [] } }
  expect((await beginLink(entered, [], exchanging)).url.searchParams.get('client_id')).toBe('entered')
})

describe('who comes back', () => {
  test('has their code redeemed where it was made, as the client that was sent', async () => {
    const { link } = await cameBack({ code: 'a code' })
    expect(link).toMatchObject({
      issuer: server.origin,
      tokenEndpoint: `${server.origin}/token`,
      accessToken: 'access',
      refreshToken: 'refresh',
      expiresAt: 1_800_000_060,
    })
    const asked = server.asked.find(({ path }) => path === '/token')
    expect(asked?.authorization).toBe(`Basic ${btoa('registered:its+secret')}`)
    expect(new URLSearchParams(asked?.body).get('resource')).toBe(`${server.origin}/mcp`)
  })

  test.for<[string, Record<string, string>, RemoteErrorReason]>([
    ['another state', { code: 'a code', state: 'guessed' }, 'invalid'],
    ['another issuer', { code: 'a code', iss: 'https://evil.example' }, 'invalid'],
    ['an issuer with a slash more', { code: 'a code', iss: 'SLASH' }, 'invalid'],
    ['a refusal', { error: 'access_denied' }, 'denied'],
    ['a mistake', { error: 'invalid_scope' }, 'refused'],
    ['an outage', { error: 'temporarily_unavailable' }, 'unreachable'],
    ['nothing', {}, 'invalid'],
  ])('with %s gets no token, and no code is sent anywhere', async ([, changes, reason]) => {
    const given = changes['iss'] === 'SLASH' ? { ...changes, iss: `${server.origin}/` } : changes
    await expect(cameBack(given)).rejects.toMatchObject({ name: 'LinkError', reason })
    expect(server.paths()).not.toContain('/token')
  })

  test('without an issuer gets no token where the server has promised to name it', async () => {
    server.bendMetadata({ authorization_response_iss_parameter_supported: true })
    await expect(cameBack({ code: 'a code' })).rejects.toMatchObject({ reason: 'invalid' })
    expect((await cameBack({ code: 'a code', iss: server.origin })).link.accessToken).toBe('access')
  })

  test('is not given a token of a kind that has to be proved', async () => {
    server.answers.set('/token', { body: { access_token: 'access', token_type: 'DPoP' } })
    await expect(cameBack({ code: 'a code' })).rejects.toMatchObject({ reason: 'invalid' })
  })
})

describe('who the broker is at an authorization server', () => {
  test('is refused in the server’s own words, for the log', async () => {
    const said = { error: 'invalid_redirect_uri', error_description: 'not on the list' }
    server.answers.set('/register', { status: 400, body: said })
    await expect(beginLink(server.downstream, [], broker)).rejects.toMatchObject({
      reason: 'refused',
      code: 'invalid_redirect_uri',
      detail: 'the registration endpoint answered 400 invalid_redirect_uri: not on the list',
    })
  })

  test('is registered once, and read by nobody in between', async () => {
    const keeping = await registrar()
    await beginLink(server.downstream, [], keeping)
    await beginLink(server.downstream, [], keeping)
    expect(server.paths().filter((path) => path === '/register')).toHaveLength(1)
    expect([...keeping.kept.values()].join()).not.toMatch(/registered|its secret/)
  })

  test('is registered for one address to come back to, and made anew where that was another one', async () => {
    await beginLink(server.downstream, [], broker)
    await beginLink({ ...server.downstream, name: 'renamed' }, [], broker)
    const asked = server.asked.filter(({ path }) => path === '/register').map(({ body }): unknown => JSON.parse(body))
    expect(asked).toMatchObject([
      {
        redirect_uris: ['https://broker.example/link/callback/vault'],
        client_name: 'MCP Session Broker (broker.example, vault)',
      },
      { redirect_uris: ['https://broker.example/link/callback/renamed'] },
    ])
  })

  test('is made anew when the server does not know it any more', async () => {
    server.answers.set('/token', { status: 401, body: { error: 'invalid_client' } })
    await expect(cameBack({ code: 'a code' })).rejects.toMatchObject({ reason: 'refused' })
    await beginLink(server.downstream, [], broker)
    expect(server.paths().filter((path) => path === '/register')).toHaveLength(2)
  })

  test('authenticates as the operator says, and asks for what the operator adds', async () => {
    const told = {
      ...server.downstream,
      authorization: { clientAuth: 'client_secret_post', parameters: { audience: 'https://api.example' } } as const,
    }
    const { url, attempt } = await beginLink(told, [], broker)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ audience: 'https://api.example', state: attempt.state })
    const callback = new URL('https://broker.example/link/callback/vault')
    callback.search = new URLSearchParams({ state: attempt.state, code: 'a code' }).toString()
    const { client } = await finishLink(told, attempt, callback, broker)
    expect(client).toEqual({ id: 'registered', secret: 'its secret', method: 'client_secret_post' })
    const asked = server.asked.find(({ path }) => path === '/token')
    expect(asked?.authorization).toBeUndefined()
    expect(new URLSearchParams(asked?.body).get('client_secret')).toBe('its secret')
    expect(server.asked.find(({ path }) => path === '/register')?.body).toContain(
      '"token_endpoint_auth_method":"client_secret_post"',
    )
  })

  test('is its own document where that is understood', async () => {
    server.bendMetadata({ client_id_metadata_document_supported: true })
    const { url } = await beginLink(server.downstream, [], broker)
    expect(url.searchParams.get('client_id')).toBe('https://broker.example/link/client/vault.json')
    const local = await beginLink(server.downstream, [], await registrar('http://localhost:8788'))
    expect(local.url.searchParams.get('client_id')).toBe('registered')
  })

  test('as an operator has entered it, is for the authorization server it was first used at', async () => {
    const entered = { ...server.downstream, oauthClient: { id: 'entered', secret: 'by hand', scopes: ['all'] } }
    const { url } = await beginLink(entered, [], broker)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ client_id: 'entered', scope: 'all' })
    const other = await ScriptedServer.start()
    try {
      server.bendResource({ authorization_servers: [other.origin] })
      await expect(beginLink(entered, [], broker)).rejects.toMatchObject({ reason: 'invalid' })
      // Whoever registers by itself is somebody else there.
      const { attempt } = await beginLink(server.downstream, [], broker)
      expect(attempt.issuer).toBe(other.origin)
      expect(other.paths()).toContain('/register')
    } finally {
      await other.close()
    }
  })
})

test('a server that says nothing about itself is its own authorization server, at the addresses of 2025-03-26', async () => {
  for (const path of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-authorization-server'])
    server.answers.delete(path)
  const { url } = await beginLink(server.downstream, [], broker)
  expect(url.href.startsWith(`${server.origin}/authorize?`)).toBe(true)
  expect(url.searchParams.get('resource')).toBe(`${server.origin}/mcp`)
  expect(url.searchParams.has('scope')).toBe(false)
})

test('a server where nobody listens is an outage', async () => {
  await server.close()
  await expect(beginLink(downstreamAt(`${server.origin}/mcp`), [], broker)).rejects.toMatchObject({ reason: 'unreachable' })
})

async function cameBack(given: Readonly<Record<string, string>>): Promise<{ link: Link; attempt: LinkAttempt }> {
  const { attempt } = await beginLink(server.downstream, [], broker)
  const callback = new URL('https://broker.example/link/callback/vault')
  callback.search = new URLSearchParams({ state: attempt.state, ...given }).toString()
  return { link: await finishLink(server.downstream, attempt, callback, broker), attempt }
}
