// Attack 57: how long a wrong token takes tells nothing, because for each of them the same is done. Work is counted, which no load changes.
import { createHmac, randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { app } from '../../../src/app.ts'
import { foundation, wired } from '../../../src/services.ts'
import { assetFolder } from '../../world/asset-folder.ts'
import { postHeaders } from '../../world/broker-client.ts'
import { perTest } from '../../world/fixture.ts'

const BASE_URL = 'https://mcp.example.com'
const NOW = 1_900_000_000
const now = (): number => NOW
const FACTS = {
  sub: 'a person',
  grantId: 'a grant',
  clientId: 'a client',
  resource: `${BASE_URL}/mcp`,
  scopes: ['mcp'],
  generation: 1,
  issuedAt: NOW,
  endsAt: NOW + 86_400,
}

const CONTEXT = Object.assign(Object.create(null), { waitUntil: () => undefined, passThroughOnException: () => undefined })

const its = perTest(() => {
  // What has been compared with what: the only work that takes its time, and whose time could depend on a secret.
  const verify = vi.spyOn(crypto.subtle, 'verify')
  for (const level of ['info', 'warn', 'error'] as const) vi.spyOn(console, level).mockReturnValue()
  return { verify }
})
afterEach(() => void vi.restoreAllMocks())

async function broker() {
  const base = await foundation({
    BASE_URL,
    DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
    OAUTH_AUTHORIZE_URL: 'https://idp.example.com',
    OAUTH_CLIENT_ID: 'broker',
    ENCRYPTION_KEY: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
  })
  const asked: string[] = []
  const nobody = (what: string) => (): never => {
    asked.push(what)
    throw new Error(`the ${what} was asked about a wrong token`)
  }
  const services = wired(base, { session: nobody('session'), directory: nobody('directory'), assets: assetFolder, now })
  const { signedTokens } = services
  const floor = app(services)
  const token = await signedTokens.accessToken(FACTS, 3_600)
  const [head = '', body = '', signature = ''] = token.split('.')
  // Remembered, as one that is in use is.
  expect(await signedTokens.verifyAccessToken(token, FACTS.resource)).toMatchObject({ grantId: FACTS.grantId })
  its.verify.mockClear()
  const work = async (wrong: string) => {
    its.verify.mockClear()
    const headers = postHeaders(wrong)
    const init = { method: 'POST', headers, body: '{"jsonrpc":"2.0","id":1,"method":"ping"}' }
    const answer = await floor.request(FACTS.resource, init, {}, CONTEXT)
    const { status } = answer
    const shown = [...answer.headers].filter(([name]) => name !== 'x-request-id')
    const text = (await answer.text()).replace(answer.headers.get('x-request-id') ?? '', 'the request id')
    const compared = its.verify.mock.calls.map(([, , mac, data]) => [mac.byteLength, data.byteLength])
    return { compared, asked: [...asked], answer: { status, shown, text } }
  }
  return { work, head, body, signature, token }
}

const swapped = (character: string | undefined): string => (character === 'A' ? 'B' : 'A')
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('57. timing of token lookup: as much is done', () => {
  test('for a wrong token, however much of a right one it holds', async () => {
    const { work, head, body, signature } = await broker()
    const wrong = {
      late: `${head}.${body}.${signature.slice(0, -2)}${swapped(signature.at(-2))}${signature.slice(-1)}`,
      early: `${head}.${body}.${swapped(signature[0])}${signature.slice(1)}`,
      unknown: `${head}.${randomBytes(body.length).toString('base64url').slice(0, body.length)}.${signature}`,
    }
    const late = await work(wrong.late)

    // One comparison of whole MACs by the runtime, over the whole of the token; and nobody is asked whether there is such a person.
    expect(late).toMatchObject({ compared: [[32, `${head}.${body}`.length]], asked: [], answer: { status: 401 } })
    expect(await work(wrong.early)).toEqual(late)
    expect(await work(wrong.unknown)).toEqual(late)
  })

  test('for a forged one, whether or not there is such a person and such a grant', async () => {
    const { work, head, body } = await broker()
    const said = JSON.parse(Buffer.from(body, 'base64url').toString())
    const forged = (claims: object): string => {
      const signed = `${head}.${encoded({ ...said, ...claims })}`
      return `${signed}.${createHmac('sha256', 'a guess').update(signed).digest('base64url')}`
    }
    const known = await work(forged({}))

    expect(known).toMatchObject({ compared: [[32, expect.any(Number)]], asked: [], answer: { status: 401 } })
    expect(await work(forged({ sub: 'a nobody' }))).toEqual(known)
    expect(await work(forged({ gid: 'b grant' }))).toEqual(known)
  })

  test('and the right one is told apart by it: the count is of what happens', async () => {
    const { work, token } = await broker()
    expect(await work(token)).toMatchObject({ compared: [], asked: ['directory', 'session'] })
  })
})
