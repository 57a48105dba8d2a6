// DOWNSTREAMS: several servers in one variable, each with an address and terms of its own.
import { describe, expect, test } from 'vitest'
import { readSettings, type Settings } from '../../../src/settings/settings.ts'
import { GOOD } from './good.ts'

type Environment = Readonly<Record<string, string | undefined>>

const TICKETS = { name: 'tickets', url: 'https://tickets.example.com/mcp' }

function settingsOf(servers: unknown, changes: Environment = {}): Settings {
  return readSettings({ ...GOOD, DOWNSTREAMS: typeof servers === 'string' ? servers : JSON.stringify(servers), ...changes })
}

const ofIssuer = (name: string): object => ({ issuers: ['https://idp.example.com'], name })

describe('a list of servers', () => {
  test('gives each an address of its own, and needs no DOWNSTREAM_MCP_URL', () => {
    expect(
      settingsOf([TICKETS, { name: 'wiki', title: 'The wiki', url: 'http://127.0.0.1:3000/sse', transport: 'http-sse' }])
        .downstreams,
    ).toEqual([
      {
        name: 'tickets',
        path: '/servers/tickets/mcp',
        resource: 'https://mcp.example.com/servers/tickets/mcp',
        url: 'https://tickets.example.com/mcp',
        auth: 'identity-jwt',
        transport: 'auto',
        scopes: ['mcp'],
      },
      {
        name: 'wiki',
        title: 'The wiki',
        path: '/servers/wiki/mcp',
        resource: 'https://mcp.example.com/servers/wiki/mcp',
        url: 'http://127.0.0.1:3000/sse',
        auth: 'identity-jwt',
        transport: 'http-sse',
        scopes: ['mcp'],
      },
    ])
  })

  test('stands beside the one of DOWNSTREAM_MCP_URL, which comes first and stays at /mcp', () => {
    const { downstreams } = settingsOf([TICKETS], {
      DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
      DOWNSTREAM_TOOLS: 'read-only',
    })
    expect(downstreams.map(({ name, path }) => `${name} ${path}`)).toEqual(['mcp /mcp', 'tickets /servers/tickets/mcp'])
    expect(downstreams[0]?.tools).toEqual([{ groups: undefined, allow: ['*'], deny: [], readOnly: true }])
    expect(downstreams[1]?.tools).toBeUndefined()
  })

  test('may hold the one at /mcp itself, under the name mcp', () => {
    expect(settingsOf([{ ...TICKETS, name: 'mcp' }]).downstreams[0]).toMatchObject({
      path: '/mcp',
      resource: 'https://mcp.example.com/mcp',
    })
  })

  test('says who may use a server, what they may call there, and how often', () => {
    const server = {
      ...TICKETS,
      tool_scopes: { 'create_*': 'tickets:write', 'delete_*': 'tickets:write' },
      allow: { groups: ['support'], emails: ['Ada@Example.com'] },
      tools: [{ groups: ['interns'], mode: 'read-only' }, { deny: ['delete_*'] }],
      limits: { requests: 60, streams: 5 },
    }
    expect(settingsOf([server]).downstreams[0]).toMatchObject({
      scopes: ['mcp', 'tickets:write'],
      toolScopes: [
        { tool: 'create_*', scope: 'tickets:write' },
        { tool: 'delete_*', scope: 'tickets:write' },
      ],
      allow: { groups: [ofIssuer('support')], emails: [ofIssuer('Ada@Example.com')] },
      tools: [
        { groups: [ofIssuer('interns')], allow: ['*'], deny: [], readOnly: true },
        { groups: undefined, allow: ['*'], deny: ['delete_*'], readOnly: false },
      ],
      limits: { requests: 60, window: 60, streams: 5 },
    })
  })

  test('takes secrets by name, anywhere in a text', () => {
    const servers = [
      { ...TICKETS, auth: 'static', headers: { Authorization: 'Bearer $TICKETS_KEY', 'X-Price': '$$5' } },
      {
        name: 'wiki',
        url: 'https://wiki.example.com',
        auth: 'oauth',
        oauth: { client_id: 'broker', client_secret: '$WIKI_SECRET' },
      },
      {
        name: 'files',
        url: 'https://files.example.com',
        auth: 'access-service-token',
        access: { client_id: '$ID', client_secret: '$FILES' },
      },
    ]
    const { downstreams } = settingsOf(servers, { TICKETS_KEY: 'k1', WIKI_SECRET: 's1', ID: 'i1.access', FILES: 's2' })
    expect(downstreams[0]?.headers).toEqual({ authorization: 'Bearer k1', 'x-price': '$5' })
    expect(downstreams[1]?.oauthClient).toEqual({ id: 'broker', secret: 's1', scopes: [] })
    expect(downstreams[2]?.headers).toEqual({ 'cf-access-client-id': 'i1.access', 'cf-access-client-secret': 's2' })
  })
})
