// The doctor reads settings as the broker does, and asks what they name: a real provider, real MCP servers, and what stands in their place.
import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { Finding } from '../../../scripts/doctor/finding.ts'
import { examineSettings } from '../../../scripts/doctor/settings.ts'
import { startDownstream } from '../../world/downstream.ts'
import { fixture } from '../../world/fixture.ts'
import { startIdentityProvider } from '../../world/identity-provider.ts'
import { freePort } from '../../world/listening.ts'
import { startRawDownstream } from '../../world/raw-downstream.ts'
import { startSseDownstream } from '../../world/sse-downstream.ts'

const CLIENT = { clientId: 'doctor-client', clientSecret: 'a secret of the doctor' }

let answer: (res: ServerResponse) => void

const the = fixture(async (closing) => {
  const bothEras = await closing(startDownstream())
  const sse = await closing(startSseDownstream())
  const raw = await closing(startRawDownstream((_req, _body, res) => answer(res)))
  const silentPort = await freePort()
  const provider = await closing(startIdentityProvider({ ...CLIENT, redirectUris: ['http://localhost:8788/callback'] }))
  return { provider, bothEras, sse, raw, silentPort }
})

function told(changes: Record<string, string> = {}): Record<string, string> {
  return {
    BASE_URL: 'http://localhost:8788',
    DOWNSTREAM_MCP_URL: the.bothEras.url,
    OAUTH_AUTHORIZE_URL: the.provider.issuer,
    OAUTH_CLIENT_ID: CLIENT.clientId,
    OAUTH_CLIENT_SECRET: CLIENT.clientSecret,
    SCOPES_SUPPORTED: 'openid profile email',
    ENCRYPTION_KEY: '6f1d0c3b9a7e5f2418c7b6a5d4e3f2019b8a7c6d5e4f30211203f4e5d6c7b8a9',
    ...changes,
  }
}

async function faultsOf(changes: Record<string, string>): Promise<Finding[]> {
  return (await examineSettings(told(changes))).filter(({ state }) => state === 'fault')
}

test('finds no fault where there is none', async () => {
  const findings = await examineSettings(told())
  expect(findings.filter(({ state }) => state === 'fault')).toEqual([])
  expect(findings.map(({ says }) => says)).toEqual(
    expect.arrayContaining([
      'speaks the revision 2026-07-28 (modern)',
      'speaks sessions (legacy, up to 2025-11-25)',
      'begins a sign-in for this client and http://localhost:8788/callback',
      expect.stringMatching(/^publishes \d signing keys?$/),
    ]),
  )
  expect(the.bothEras.sessionCount()).toBe(0)
})

test('says every wrong setting at once, each with its cure', async () => {
  expect(await faultsOf({ ENCRYPTION_KEY: 'short', BASE_URL: 'mcp.example.com' })).toEqual([
    expect.objectContaining({ says: 'BASE_URL is not an http(s) URL', cure: expect.stringContaining('https://host/path') }),
    expect.objectContaining({
      says: 'ENCRYPTION_KEY is not 32 bytes in hex or base64',
      cure: expect.stringContaining('openssl'),
    }),
  ])
})

test('names what is nearly a setting, and is not used', async () => {
  const findings = await examineSettings(told({ DOWNSTREAM_TOOL: 'read-only', MY_OWN_SECRET: 'x' }))
  expect(findings.filter(({ says }) => says.includes('no setting'))).toEqual([
    {
      about: 'settings',
      state: 'note',
      says: 'DOWNSTREAM_TOOL is no setting and not used',
      cure: 'name it DOWNSTREAM_TOOLS, if that is meant',
    },
  ])
})

test('finds a server of 2024-11-05, and a transport that is set to another one', async () => {
  const findings = await examineSettings(told({ DOWNSTREAM_MCP_URL: the.sse.url }))
  expect(findings.map(({ says }) => says)).toContain('speaks HTTP+SSE (2024-11-05)')
  expect(await faultsOf({ DOWNSTREAM_MCP_URL: the.sse.url, DOWNSTREAM_TRANSPORT: 'streamable-http' })).toEqual([
    expect.objectContaining({ says: 'is set to streamable-http but speaks http-sse' }),
  ])
})

describe('in the place of the MCP server it finds', () => {
  const PAGE = { 'content-type': 'text/html' }
  test.for<[string, (res: ServerResponse) => void, RegExp]>([
    [
      'the login of Cloudflare Access',
      (res) => res.writeHead(302, { location: 'https://team.cloudflareaccess.com/cdn-cgi/access/login/x' }).end(),
      /the login of a Cloudflare Access application/,
    ],
    [
      'a challenge of a firewall',
      (res) => res.writeHead(403, { ...PAGE, 'cf-mitigated': 'challenge' }).end('<html>'),
      /a challenge of Cloudflare/,
    ],
    ['a web page', (res) => res.writeHead(200, PAGE).end('<!doctype html><title>Welcome</title>'), /a web page/],
    ['a redirect', (res) => res.writeHead(308, { location: '/mcp/' }).end(), /a redirect to \/mcp\//],
    ['something else', (res) => res.writeHead(404).end('not here'), /not as an MCP server \(POST 404, GET 404\)/],
  ])('%s', async ([, response, sentence]) => {
    answer = response
    expect(await faultsOf({ DOWNSTREAM_MCP_URL: the.raw.url })).toEqual([
      expect.objectContaining({ about: 'downstream mcp', says: expect.stringMatching(sentence), cure: expect.any(String) }),
    ])
  })

  test('nobody at all', async () => {
    const faults = await faultsOf({ DOWNSTREAM_MCP_URL: `http://127.0.0.1:${await freePort()}/mcp` })
    expect(faults).toEqual([expect.objectContaining({ says: expect.stringContaining('nothing listens there') })])
  })

  test('a server that wants to know who asks, and is told by the broker alone', async () => {
    answer = (res) => res.writeHead(401, { 'www-authenticate': 'Bearer' }).end()
    const findings = await examineSettings(told({ DOWNSTREAM_MCP_URL: the.raw.url }))
    expect(findings.map(({ says }) => says)).toContain(
      'is there, and refuses strangers (401); the broker comes with identity-jwt',
    )
    expect(await faultsOf({ DOWNSTREAM_MCP_URL: the.raw.url, DOWNSTREAM_AUTH: 'none' })).toEqual([
      expect.objectContaining({ says: expect.stringContaining('the broker proves nobody') }),
    ])
  })
})

describe('of Cloudflare Access in front of the broker it finds', () => {
  test.for([
    ['that it guards the callback', 'http://127.0.0.1:1/cdn-cgi/access/login/x', []],
    ['that it does not', 'https://elsewhere.example/', [expect.stringContaining('does not guard /callback/staff')]],
  ] as const)('%s', async ([, location, expected]) => {
    answer = (res) => res.writeHead(302, { location }).end()
    const entry = { name: 'staff', kind: 'access-application', url: 'http://127.0.0.1:1', audience: 'x' }
    const { origin } = new URL(the.raw.url)
    const faults = await faultsOf({ BASE_URL: origin, IDENTITY_PROVIDERS: JSON.stringify([entry]) })
    expect(faults.map(({ says }) => says).filter((says) => says.includes('guard'))).toEqual(expected)
  })
})

describe('of an identity provider it finds', () => {
  test.for<[string, () => Record<string, string>, RegExp]>([
    ['nobody', () => ({ OAUTH_AUTHORIZE_URL: `http://127.0.0.1:${the.silentPort}` }), /nothing listens there/],
    ['that it is none', () => ({ OAUTH_AUTHORIZE_URL: the.raw.url }), /answered 404 without metadata/],
    ['a client it does not know', () => ({ OAUTH_CLIENT_ID: 'somebody-else' }), /does not begin a sign-in for this client/],
    [
      'a redirect URI it does not know',
      () => ({ BASE_URL: 'https://mcp.example.com' }),
      /does not begin a sign-in for this client/,
    ],
  ])('%s', async ([, changes, sentence]) => {
    answer = (res) => res.writeHead(404).end()
    const says = expect.stringMatching(sentence)
    expect(await faultsOf(changes())).toEqual([
      { about: expect.stringContaining('identity provider'), state: 'fault', says, cure: expect.any(String) },
    ])
  })
})
