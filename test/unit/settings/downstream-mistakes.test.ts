// An operator who wrote something wrong into DOWNSTREAMS hears at which server, in which field, and what to do.
import { describe, expect, test } from 'vitest'
import { readSettings, SettingsError } from '../../../src/settings/settings.ts'
import type { SettingsProblem } from '../../../src/settings/problem.ts'
import { GOOD } from './good.ts'

type Environment = Readonly<Record<string, string | undefined>>

const TICKETS = { name: 'tickets', url: 'https://tickets.example.com/mcp' }

function problemsOf(servers: unknown, changes: Environment = {}): readonly SettingsProblem[] {
  try {
    readSettings({ ...GOOD, DOWNSTREAMS: typeof servers === 'string' ? servers : JSON.stringify(servers), ...changes })
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
  return []
}

describe('a mistake is named with its server and field:', () => {
  const HTTP = 'http://tools.internal/mcp'
  const ACCESS = { client_id: 'a', client_secret: 'b' }
  test.for<[what: string, servers: unknown, mistake: string]>([
    ['no JSON', '[{', 'is not a JSON array of servers'],
    ['one server without brackets', TICKETS, 'is not a JSON array of servers'],
    ['an empty list', [], 'names no server'],
    ['no object', ['tickets'], 'server 1: Invalid input'],
    ['no name', [{ url: TICKETS.url }], 'server 1, field name: is missing'],
    [
      'a name that is no part of a path',
      [{ ...TICKETS, name: 'Ticket/System' }],
      'server “Ticket/System”, field name: is not of lower-case letters',
    ],
    ['two of one name', [TICKETS, TICKETS], 'server “tickets”: another one has the same name'],
    ['no URL', [{ name: 'tickets' }], 'server “tickets”, field url: is missing'],
    ['a file', [{ ...TICKETS, url: 'file:///etc/passwd' }], 'server “tickets”, field url: is not an http(s) URL'],
    [
      'a password in the URL',
      [{ ...TICKETS, url: 'https://:b@c.example' }],
      'server “tickets”, field url: is not an http(s) URL',
    ],
    ['an unknown field', [{ ...TICKETS, alow: {} }], 'server “tickets”: Unrecognized key: "alow"'],
    ['an unknown transport', [{ ...TICKETS, transport: 'sse' }], 'server “tickets”, field transport: Invalid option'],
    ['an unknown mode', [{ ...TICKETS, auth: 'basic' }], 'server “tickets”, field auth: Invalid option'],
    [
      'tokens of people over http',
      [{ ...TICKETS, url: HTTP, auth: 'idp-token' }],
      'server “tickets”, field url: would carry a secret over plain http',
    ],
    [
      'their own tokens over http',
      [{ ...TICKETS, url: HTTP, auth: 'oauth' }],
      'server “tickets”, field url: would carry a secret over plain http',
    ],
    [
      'a fixed secret over http',
      [{ ...TICKETS, url: HTTP, auth: 'static', headers: { 'x-key': 'a' } }],
      'server “tickets”, field url: would carry a secret',
    ],
    [
      'a service token over http',
      [{ ...TICKETS, url: HTTP, auth: 'access-service-token', access: ACCESS }],
      'field url: would carry a secret over',
    ],
    ['a static secret that is not there', [{ ...TICKETS, auth: 'static' }], 'server “tickets”, field headers: is missing'],
    [
      'secrets that no mode sends',
      [{ ...TICKETS, headers: { 'x-key': 'a' } }],
      'server “tickets”, field headers: is for auth static alone',
    ],
    [
      'a service token that is not there',
      [{ ...TICKETS, auth: 'access-service-token' }],
      'server “tickets”, field access: is missing',
    ],
    [
      'a service token nobody asked for',
      [{ ...TICKETS, access: ACCESS }],
      'field access: is for auth access-service-token alone',
    ],
    [
      'a client nobody asked for',
      [{ ...TICKETS, oauth: { client_id: 'a' } }],
      'server “tickets”, field oauth: is for auth oauth alone',
    ],
    [
      'a secret that is not set',
      [{ ...TICKETS, auth: 'static', headers: { 'X-Key': '$NOT_THERE' } }],
      'field headers.X-Key: names $NOT_THERE, which is not set',
    ],
    [
      'a header of the broker',
      [{ ...TICKETS, auth: 'static', headers: { 'X-User-Email': 'a' } }],
      'server “tickets”, field headers.X-User-Email: ',
    ],
    [
      'a header of two lines',
      [{ ...TICKETS, auth: 'static', headers: { 'x-key': 'a\r\nb: c' } }],
      'field headers.x-key: holds characters that no header',
    ],
    ['no scope', [{ ...TICKETS, scopes: [] }], 'server “tickets”, field scopes: is empty'],
    ['a scope of two words', [{ ...TICKETS, scopes: ['a b'] }], 'server “tickets”, field scopes.0: is not a scope'],
    ['the scope of administrators', [{ ...TICKETS, scopes: ['admin'] }], 'server “tickets”, field scopes.0: is not a scope'],
    [
      'a tool scope that is not offered',
      [{ ...TICKETS, scopes: ['mcp'], tool_scopes: { a: 'b' } }],
      'field tool_scopes: names a scope that is not in scopes',
    ],
    [
      'nothing but scopes that tools need, of which machines would get the first',
      [{ ...TICKETS, scopes: ['write'], tool_scopes: { 'delete_*': 'write' } }],
      'server “tickets”, field tool_scopes: leaves no scope that everybody gets',
    ],
    [
      'a tool that needs what everybody has',
      [{ ...TICKETS, tool_scopes: { 'delete_*': 'mcp' } }],
      'server “tickets”, field tool_scopes: leaves no scope that everybody gets',
    ],
    ['a list of nobody', [{ ...TICKETS, allow: {} }], 'server “tickets”, field allow: names nobody'],
    ['an address that is none', [{ ...TICKETS, allow: { emails: ['ada'] } }], 'field allow.emails.0: is not an e-mail address'],
    ['a word for tools', [{ ...TICKETS, tools: 'all' }], 'field tools: is neither "read-only" nor a list of rules'],
    ['no rule', [{ ...TICKETS, tools: [] }], 'server “tickets”, field tools'],
    ['a limit of zero', [{ ...TICKETS, limits: { requests: 0 } }], 'server “tickets”, field limits.requests: is not above zero'],
    [
      'a window of nothing',
      [{ ...TICKETS, limits: { window: 60 } }],
      'server “tickets”, field limits: has a window, but no requests',
    ],
  ])('%s', ([, servers, mistake]) => {
    const [problem, ...more] = problemsOf(servers)
    expect(`${problem?.variable} ${problem?.problem}`).toContain(mistake)
    expect(problem?.variable).toBe('DOWNSTREAMS')
    expect(problem?.cure).not.toBe('')
    expect(more).toEqual([])
  })

  test('the name of the one at DOWNSTREAM_MCP_URL', () => {
    const [problem] = problemsOf([{ ...TICKETS, name: 'mcp' }], { DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp' })
    expect(problem).toMatchObject({
      variable: 'DOWNSTREAMS',
      problem: 'server “mcp”: this is the name of the one at DOWNSTREAM_MCP_URL',
    })
  })

  test.for(['DOWNSTREAM_AUTH', 'DOWNSTREAM_TRANSPORT', 'DOWNSTREAM_ERA', 'DOWNSTREAM_ERA_BRIDGE', 'DOWNSTREAM_TOOLS'])(
    '%s for a server that is not there',
    (variable) => {
      const value = {
        DOWNSTREAM_AUTH: 'none',
        DOWNSTREAM_TRANSPORT: 'auto',
        DOWNSTREAM_ERA: 'auto',
        DOWNSTREAM_ERA_BRIDGE: 'on',
        DOWNSTREAM_TOOLS: 'read-only',
      }[variable]
      expect(problemsOf([TICKETS], { [variable]: value })).toEqual([
        {
          variable,
          problem: 'is for the server at DOWNSTREAM_MCP_URL, which is not set',
          cure: expect.stringContaining('DOWNSTREAMS'),
        },
      ])
    },
  )

  test('a secret that is not set comes with the command that sets it', () => {
    const [problem] = problemsOf([{ ...TICKETS, auth: 'static', headers: { 'X-Key': '$NOT_THERE' } }])
    expect(problem?.cure).toContain('wrangler secret put NOT_THERE')
  })
})

test('all mistakes of all servers are reported at once, beside those of other variables', () => {
  const problems = problemsOf(
    [
      { name: 'tickets', url: 'http://tools.internal', auth: 'static', headers: { 'x-key': '$A' }, limits: { window: 1 } },
      { name: 'wiki', url: 'nowhere', auth: 'static', transport: 'sse' },
    ],
    { BASE_URL: 'nowhere' },
  )
  expect(problems.map(({ variable, problem }) => `${variable} ${problem.split(':')[0]}`)).toEqual([
    'BASE_URL is not an http(s) URL',
    'DOWNSTREAMS server “tickets”, field headers.x-key',
    'DOWNSTREAMS server “tickets”, field url',
    'DOWNSTREAMS server “tickets”, field limits',
    'DOWNSTREAMS server “wiki”, field url',
    'DOWNSTREAMS server “wiki”, field transport',
    'DOWNSTREAMS server “wiki”, field headers',
  ])
})

test('no message repeats what may be a secret', () => {
  const hunter = 'hunter2'
  const servers = [
    {
      name: 'a',
      url: `https://x:${hunter}@a.example`,
      auth: hunter,
      headers: { 'x-key': `${hunter}\n` },
      access: { client_id: hunter },
    },
    { name: 'b', url: 'https://b.example', oauth: hunter, limits: hunter, tools: hunter, scopes: [`${hunter} `] },
  ]
  expect(problemsOf(servers).length).toBeGreaterThan(5)
  expect(JSON.stringify(problemsOf(servers))).not.toContain(hunter)
  expect(JSON.stringify(problemsOf(`[{"headers": "${hunter}`))).not.toContain(hunter)
})
