// Storage that fails under the whole broker: it says so, and gives nothing that it could not remember. Named after the case it answers.
import { runInDurableObject } from 'cloudflare:test'
import { exports } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ORDER_HEADER } from '../../src/mcp/dispatch/dispatch-header.ts'
import { keyRing } from '../../src/issuer/keys.ts'
import { SignedTokens } from '../../src/oauth/tokens/signed-tokens.ts'
import { fromHex } from '../../src/platform/crypto.ts'
import { ASKING } from './asking-server.ts'
import { caller, granted, isLive, nobody, ordered, REDIRECT_URI, rowsOf, signIn, type Session } from './person.ts'

const BROKER = 'http://localhost:8788'
const VERIFIER = 'v'.repeat(43)
const now = () => Math.floor(Date.now() / 1000)

afterEach(() => {
  vi.restoreAllMocks()
})

/** From now on every statement fails that looks like this, but for the first few. */
async function fails(session: Session, statements: RegExp, { spared = 0 } = {}): Promise<void> {
  let left = spared
  await runInDurableObject(session, (_, { storage: { sql } }) => {
    const exec = sql.exec.bind(sql)
    vi.spyOn(sql, 'exec').mockImplementation((query, ...bindings) => {
      if (statements.test(query) && (left -= 1) < 0) throw new Error('storage is away')
      return exec(query, ...bindings)
    })
  })
}

const recovers = (session: Session) => runInDurableObject(session, () => void vi.restoreAllMocks())

async function post(path: string, form: Record<string, string>): Promise<Response> {
  return exports.default.fetch(new Request(`${BROKER}${path}`, { method: 'POST', body: new URLSearchParams(form) }))
}

async function call(accessToken: string, message: object, headers: Record<string, string> = {}): Promise<Response> {
  const authorization = `Bearer ${accessToken}`
  const init = {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(message),
  }
  return exports.default.fetch(new Request(`${BROKER}/mcp`, init))
}

const modern = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/list',
  params: { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } },
}
const modernHeaders = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' }
const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25' } }

interface Pair {
  readonly access_token: string
  readonly refresh_token: string
}

/** A person who has just come back from the identity provider, with the code their client got. */
async function comingBack() {
  const registered = await exports.default.fetch(
    new Request(`${BROKER}/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'cf-connecting-ip': '192.0.2.200' },
      body: JSON.stringify({ redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' }),
    }),
  )
  const { client_id: clientId } = await registered.json<{ client_id: string }>()
  const session = nobody()
  const grant = await signIn(session, { clientId })
  const secret = fromHex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f')
  const signedTokens = new SignedTokens(await keyRing({ secret }), BROKER, now)
  const { grantId, jti } = grant
  const code = await signedTokens.code({ sub: session.name ?? '', grantId, clientId, jti, expiresAt: now() + 300 })
  const redeeming = {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    code_verifier: VERIFIER,
    redirect_uri: REDIRECT_URI,
  }
  return { session, grant, clientId, redeem: () => post('/token', redeeming) }
}

async function expectUnavailable(answer: Response): Promise<void> {
  const text = await answer.text()
  expect([answer.status, Number(answer.headers.get('retry-after')) > 0, JSON.parse(text)]).toEqual([
    503,
    true,
    expect.objectContaining({ error: 'temporarily_unavailable' }),
  ])
  expect(text).not.toMatch(/storage is away|access_token|refresh_token|\bat .*\.ts/)
}

describe('51 storage outage', () => {
  test.for([
    ['on write', /^(INSERT|UPDATE)/],
    ['on read', /^SELECT/],
  ] as const)('%s: a code is not redeemed, and is as good as before when storage is back', async ([, statements]) => {
    const { session, redeem } = await comingBack()
    const before = await rowsOf(session)
    await fails(session, statements)
    await expectUnavailable(await redeem())
    await recovers(session)
    expect(await rowsOf(session)).toEqual(before)
    expect((await redeem()).status).toBe(200)
  })

  test('a refresh gives no pair that is not stored; the old one works when storage is back', async () => {
    const { session, clientId, redeem } = await comingBack()
    const { refresh_token } = await (await redeem()).json<Pair>()
    const refresh = () => post('/token', { grant_type: 'refresh_token', client_id: clientId, refresh_token })
    const before = await rowsOf(session)
    await fails(session, /^(INSERT|UPDATE)/)
    await expectUnavailable(await refresh())
    await recovers(session)
    expect((await rowsOf(session))['grants']).toEqual(before['grants'])
    expect((await refresh()).status).toBe(200)
  })

  test('a revocation that could not be stored is not said to have happened', async () => {
    const { session, grant, clientId, redeem } = await comingBack()
    const { refresh_token } = await (await redeem()).json<Pair>()
    const revoke = () => post('/revoke', { client_id: clientId, token: refresh_token })
    await fails(session, /^(INSERT|UPDATE)/)
    await expectUnavailable(await revoke())
    await recovers(session)
    expect((await revoke()).status).toBe(200)
    expect(await isLive(session, grant)).toBe(false)
  })

  test('a request of either era is neither let through nor refused for good', async () => {
    const { session, redeem } = await comingBack()
    const { access_token } = await (await redeem()).json<Pair>()
    // The first use of a token is what a request writes; a session is what initialize does.
    await fails(session, /^(INSERT|UPDATE)/)
    await expectUnavailable(await call(access_token, modern, modernHeaders))
    await expectUnavailable(await call(access_token, initialize))
    await recovers(session)
    expect((await call(access_token, modern, modernHeaders)).status).toBe(200)
    await fails(session, /mcp_sessions/)
    await expectUnavailable(await call(access_token, initialize))
    await recovers(session)
    const opened = await call(access_token, initialize)
    expect([opened.status, opened.headers.has('mcp-session-id')]).toEqual([200, true])
  })

  test.for([0, 2])(
    'events that can not be stored are not sent; their client comes again and gets each of them once (%i stored)',
    async (spared) => {
      const { session, redeem } = await comingBack()
      const { access_token } = await (await redeem()).json<Pair>()
      const opened = await call(access_token, initialize)
      const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': '2025-11-25' }
      await fails(session, /^INSERT INTO events/, { spared })
      const cut = await (await call(access_token, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: {} }, headers)).text()
      expect(cut).toMatch(/^: ok\n\nid: ([\w-]+\.0)\nretry: 1000\ndata: \n\n: closed: shutting_down\n\n$/)
      await recovers(session)
      const lastEventId = /^id: (.*)$/m.exec(cut)?.[1] ?? ''
      const again = new Request(`${BROKER}/mcp`, {
        headers: { ...headers, authorization: `Bearer ${access_token}`, 'last-event-id': lastEventId },
      })
      const rest = await (await exports.default.fetch(again)).text()
      expect([...rest.matchAll(/"step":(\d)|"result"|"error"/g)].map(([said, step]) => step ?? said)).toEqual([
        '1',
        '2',
        '3',
        '4',
        '"result"',
      ])
    },
  )

  test('streams whose end can not be stored end all the same, each of them', async () => {
    const session = nobody()
    const { grantId, clientId } = await granted(session)
    const open = async (id: string): Promise<Response> => {
      const message = { jsonrpc: '2.0', id, method: 'tools/call', params: { name: `outage ${id}` } }
      const about = { kind: 'request', requestIds: [`"${id}"`], count: 1, target: ASKING, requestId: 'r', label: 'tools/call' }
      const order = { ...about, caller: caller({ grantId, clientId, jti: '' }), client: 'streamable-http', headers: {} }
      const headers = { [ORDER_HEADER]: JSON.stringify({ ...order, body: JSON.stringify(message) }) }
      return await session.fetch('https://session/mcp', { method: 'POST', headers })
    }
    const calls = await Promise.all(['a', 'b', 'c'].map(open))
    expect((await session.describe())?.streams).toHaveLength(3)
    await fails(session, /^UPDATE streams SET closed/)
    await expect(ordered(session, 'revoke')).rejects.toThrow('storage is away')
    for (const answer of calls) expect(await answer.text()).toMatch(/: closed: credential_revoked\n\n$/)
    expect((await session.describe())?.streams).toEqual([])
  })
})
