// What the doctor says of an address at which not the broker answers, or not the broker alone.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { examineDeployment } from '../../../scripts/doctor/deployment.ts'
import { fixture } from '../../world/fixture.ts'
import { freePort } from '../../world/listening.ts'
import { startRawDownstream } from '../../world/raw-downstream.ts'

/** What a healthy broker says, path by path; a test puts something else in the place of one answer. */
function healthy(req: IncomingMessage, res: ServerResponse): void {
  const ours = { 'x-request-id': 'r', 'content-type': 'application/json' }
  const path = `${req.method} ${req.url}`
  const cors = { 'access-control-expose-headers': 'WWW-Authenticate, Mcp-Session-Id' }
  const challenge = { 'www-authenticate': `Bearer resource_metadata="${the.origin}/.well-known/oauth-protected-resource/mcp"` }
  const preflight = { 'access-control-allow-headers': 'authorization, content-type, mcp-protocol-version, mcp-session-id' }
  if (path === 'GET /health') res.writeHead(200, ours).end('{"ok":true}')
  else if (path === 'GET /.well-known/oauth-authorization-server')
    res.writeHead(200, ours).end(JSON.stringify({ issuer: the.origin }))
  else if (path === 'GET /.well-known/oauth-protected-resource/mcp')
    res.writeHead(200, ours).end(JSON.stringify({ resource: `${the.origin}/mcp` }))
  else if (path === 'GET /.well-known/jwks.json') res.writeHead(200, ours).end('{"keys":[{}]}')
  else if (path === 'POST /mcp') res.writeHead(401, { ...ours, ...cors, ...challenge }).end('{}')
  else if (path === 'OPTIONS /mcp') res.writeHead(204, { ...ours, ...preflight }).end()
  else if (req.method === 'POST') res.writeHead(400, ours).end('{"error":"invalid_request"}')
  else res.writeHead(404, ours).end('{"error":"not_found"}')
}

const the = fixture(async (closing) => {
  const server = await closing(startRawDownstream((req, _body, res) => healthy(req, res)))
  const origin = new URL(server.url).origin
  return { server, origin }
})

async function faults(): Promise<string[]> {
  const findings = await examineDeployment(new URL(the.origin))
  expect(findings.filter(({ state, cure }) => state === 'fault' && cure === undefined)).toEqual([])
  return findings.filter(({ state }) => state === 'fault').map(({ says }) => says)
}

describe('the doctor looks at an address and finds', () => {
  test('nothing, where everything is as it should be', async () => {
    the.server.handleWith((req, _body, res) => healthy(req, res))
    expect(await faults()).toEqual([])
  })

  test.for<[string, string, (res: ServerResponse) => void, RegExp]>([
    [
      'a Worker with wrong settings',
      'GET /health',
      json(503, { error: 'misconfigured', error_description: 'BASE_URL not configured' }),
      /BASE_URL not configured/,
    ],
    [
      'a parked domain',
      'GET /health',
      page(200, '<!doctype html><title>Soon</title>'),
      /not the broker answers at .*\/health \(200\) but a web page/,
    ],
    [
      'another address in BASE_URL',
      'GET /.well-known/oauth-authorization-server',
      json(200, { issuer: 'https://other.example' }),
      /names the issuer https:\/\/other\.example/,
    ],
    [
      'a firewall that stops programs',
      'POST /token',
      page(403, 'error code: 1010'),
      /POST \/token is answered \(403\) by a block page of Cloudflare/,
    ],
    [
      'a login in front of everything',
      'POST /mcp',
      redirect('https://team.cloudflareaccess.com/cdn-cgi/access/login/mcp'),
      /POST \/mcp is answered \(302\) by the login of a Cloudflare Access application/,
    ],
    ['a proxy that takes the challenge away', 'POST /mcp', json(401, {}), /no challenge/],
    ['a firewall that answers preflights', 'OPTIONS /mcp', page(403, '<html>'), /CORS preflight answers 403/],
    [
      'a page in the place of unknown metadata',
      'GET /.well-known/oauth-authorization-server/there-is-no-such-path',
      page(200, '<html>'),
      /unknown metadata is answered with 200/,
    ],
    [
      'metadata of another MCP server',
      'GET /.well-known/oauth-protected-resource/mcp',
      json(200, { resource: 'https://other.example/mcp' }),
      /will refuse it/,
    ],
  ])('%s', async ([, at, response, sentence]) => {
    the.server.handleWith((req, _body, res) => (`${req.method} ${req.url}` === at ? response(res) : healthy(req, res)))
    const said = await faults()
    expect(said.length).toBeGreaterThan(0)
    expect(said.join('\n')).toMatch(sentence)
  })

  test('nobody', async () => {
    const findings = await examineDeployment(new URL(`http://127.0.0.1:${await freePort()}`))
    expect(findings).toEqual([
      expect.objectContaining({ state: 'fault', says: expect.stringContaining('nothing listens there') }),
    ])
  })
})

function json(status: number, body: object): (res: ServerResponse) => void {
  return (res) => res.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'r' }).end(JSON.stringify(body))
}

function page(status: number, body: string): (res: ServerResponse) => void {
  return (res) => res.writeHead(status, { 'content-type': 'text/html' }).end(body)
}

function redirect(location: string): (res: ServerResponse) => void {
  return (res) => res.writeHead(302, { location }).end()
}
