// Attack 56: whole journeys, failures included, and then a search for every secret that took part in them.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { Browser, signInAs } from '../../world/browser.ts'
import { BrokerClient, callTool, REDIRECT_URI, statusWith, tokensOf } from '../../world/broker-client.ts'
import { fixture } from '../../world/fixture.ts'
import { issuedTokens } from '../../world/issued-tokens.ts'
import { startWorld } from '../../world/world.ts'

interface Exchange {
  readonly what: string
  /** Of the answer: headers and body. */
  readonly said: string
}

const ENCRYPTION_KEY = randomBytes(32).toString('hex')

const exchanges: Exchange[] = []

const the = fixture(async (closing, onEnd) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'broker-leaks-'))
  onEnd(() => rm(dataDir, { recursive: true, force: true }))
  // In this mode the provider's own tokens travel through the broker to the downstream, so that more could go astray.
  const world = await closing(startWorld({ dataDir, overrides: { ENCRYPTION_KEY, DOWNSTREAM_AUTH: 'idp-token' } }))
  onEnd(() => vi.unstubAllGlobals())
  const { fetch } = globalThis
  vi.stubGlobal('fetch', async (input: string | URL, init?: RequestInit) => {
    const answer = await fetch(input, init)
    const { pathname, origin } = new URL(input)
    if (origin !== world.brokerUrl) return answer
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n')
    const what = `${init?.method ?? 'GET'} ${pathname} ${answer.status}`
    exchanges.push({ what, said: `${headers}\n\n${await answer.clone().text()}` })
    return answer
  })
  return { world, dataDir }
})

test('56. log and error leakage: no secret is said where it is not handed over', async () => {
  const { issued, codes, verifiers, cookies, clientSecret } = await journeys()
  const provider = issuedTokens(the.dataDir)
  expect(provider.length).toBeGreaterThan(5)
  expect(
    the.world.downstream.requests.all.some(({ headers }) => provider.includes(String(headers['x-forwarded-access-token']))),
  ).toBe(true)

  const key = Buffer.from(ENCRYPTION_KEY, 'hex')
  const ownerSecrets = [
    ENCRYPTION_KEY,
    key.toString('base64'),
    key.toString('base64url'),
    the.world.vars['OAUTH_CLIENT_SECRET'] ?? '',
    Buffer.from(`${the.world.vars['OAUTH_CLIENT_ID']}:${the.world.vars['OAUTH_CLIENT_SECRET']}`).toString('base64'),
  ]
  const all = [...ownerSecrets, ...provider, ...issued, ...codes, ...verifiers, ...cookies, clientSecret]

  const kinds = [
    'POST /token 400',
    'POST /token 401',
    'POST /mcp 400',
    'POST /mcp 401',
    'POST /mcp 502',
    'GET /callback 400',
    'GET /callback 503',
  ]
  expect([...new Set(exchanges.map(({ what }) => what))]).toEqual(expect.arrayContaining(kinds))

  // What was said in answers: only where each is handed to whom it is for.
  expect(placesOf([...ownerSecrets, ...provider, ...verifiers])).toEqual([])
  expect(placesOf(issued)).toEqual(['POST /token 200'])
  expect(placesOf(codes)).toEqual(['GET /callback 303'])
  expect(placesOf([clientSecret])).toEqual(['POST /register 201'])
  expect(placesOf(cookies)).toEqual(['GET /authorize 200', 'POST /authorize 303'])

  // What was logged, by the broker and by the runtime under it: none, nor anything that has the look of one.
  expect(the.world.logs.length).toBeGreaterThan(20)
  const logged = the.world.logs.map(({ message }) => message)
  expect(all.filter((secret) => logged.some((line) => line.includes(secret)))).toEqual([])
  expect(logged.filter((line) => /eyJ[\w-]{10}|Bearer \w/.test(line))).toEqual([])

  // What lies on the disk: the broker keeps people's names, but no credential that a thief of the disk could use.
  await the.world.killRuntime()
  const disk = await diskOf(join(the.dataDir, 'durable-objects'))
  expect(disk).toContain('alice@example.com')
  expect(all.filter((secret) => disk.includes(secret))).toEqual([])
})

async function journeys() {
  const client = await BrokerClient.register(the.world.brokerUrl, { token_endpoint_auth_method: 'client_secret_post' })
  const stranger = await BrokerClient.register(the.world.brokerUrl)
  const cookies: string[] = []
  const codes: string[] = []
  const verifiers: string[] = []
  const codeOf = async (from: BrokerClient): Promise<{ code: string; verifier: string }> => {
    const browser = new Browser()
    const code = await from.code('alice', { browser })
    codes.push(code.code)
    verifiers.push(code.verifier)
    return code
  }

  // A good journey, then everything that can be done wrong with what it gave.
  const code = await codeOf(client)
  const first = tokensOf(await client.redeem(code))
  const second = tokensOf(await client.refresh(first.refreshToken))
  const third = tokensOf(await client.refresh(second.refreshToken))
  await statusWith(the.world.mcpUrl, third.accessToken)
  await stranger.refresh(third.refreshToken)
  await stranger.revoke(third.accessToken)
  await stranger.introspect(third.refreshToken)
  await client.introspect(third.accessToken)
  await client.refresh(third.refreshToken, { client_secret: `${client.clientSecret}x` })
  await client.refresh(third.refreshToken, { scope: third.accessToken, resource: third.accessToken })
  await client.refresh(third.refreshToken, { refresh_token: [third.refreshToken, second.refreshToken] })
  await client.token({ grant_type: third.refreshToken })
  await client.token({ [third.refreshToken]: ['twice', 'twice'] })
  await client.redeem(code, { redirect_uri: third.accessToken })
  await statusWith(the.world.mcpUrl, third.refreshToken)
  await statusWith(the.world.mcpUrl, `${third.accessToken}.${third.accessToken}`)
  await fetch(`${the.world.mcpUrl}?access_token=${third.accessToken}`)
  await fetch(`${the.world.brokerUrl}/nothing/${third.accessToken}?code=${code.code}`)
  await callTool(the.world.mcpUrl, third.accessToken, { headers: { 'mcp-name': third.accessToken } })
  await fetch(the.world.mcpUrl, {
    method: 'POST',
    headers: { authorization: `Bearer ${third.accessToken}`, 'content-type': 'application/json' },
    body: `{"${third.accessToken}`,
  })

  // Codes that burn, sign-ins that fail, a thief.
  await client.redeem(await codeOf(client), { code_verifier: undefined })
  await stranger.redeem(await codeOf(client))
  await client.refresh(first.refreshToken)
  await statusWith(the.world.mcpUrl, third.accessToken)
  await signInAs('alice', client.authorizeUrl().url, { decision: 'deny', stopAt: REDIRECT_URI })
  await fetch(client.authorizeUrl({ resource: third.accessToken, response_type: third.accessToken }).url, { redirect: 'manual' })

  // A callback that is shown to the wrong browser, with the provider's code in it, and one whose token request fails.
  const browser = new Browser()
  const page = await browser.get(client.authorizeUrl().url)
  const [consent] = page.forms
  if (!consent) throw new Error('no consent form')
  cookies.push(browser.cookiesFor(`${the.world.brokerUrl}/authorize`).split('=')[1] ?? '')
  const idp = await browser.submit(consent, { decision: 'allow' })
  cookies.push(browser.cookiesFor(`${the.world.brokerUrl}/callback`).split('=')[1] ?? '')
  const [form] = idp.forms
  if (!form) throw new Error('no sign-in form')
  const back = await browser.submit(form, { person: 'alice' }, { stopAt: `${the.world.brokerUrl}/callback` })
  await fetch(back.url)
  the.world.idp.control.failNext('token')
  await browser.get(back.url)

  // The provider is away, and then the downstream.
  const live = await (async () => tokensOf(await client.redeem(await codeOf(client))))()
  the.world.idp.control.down(true)
  const renewed = tokensOf(await client.refresh(live.refreshToken))
  const away = await new Browser().get(client.authorizeUrl().url)
  await new Browser().get(away.url)
  the.world.idp.control.down(false)
  await statusWith(the.world.mcpUrl, renewed.accessToken)
  await the.world.downstream.close()
  await statusWith(the.world.mcpUrl, renewed.accessToken)

  const issued = [first, second, third, live, renewed].flatMap(({ accessToken, refreshToken }) => [accessToken, refreshToken])
  return { issued, codes, verifiers, cookies, clientSecret: client.clientSecret ?? '' }
}

/** Which kinds of answers hold one of the secrets. */
function placesOf(secrets: readonly string[]): readonly string[] {
  expect(secrets.every((secret) => secret.length > 8)).toBe(true)
  const holding = exchanges.filter(({ said }) => secrets.some((secret) => said.includes(secret)))
  return [...new Set(holding.map(({ what }) => what))].sort()
}

async function diskOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const contents = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1')))
  return contents.join('\n')
}
