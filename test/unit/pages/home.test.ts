// The front page and what it tells each client.
import { describe, expect, it } from 'vitest'
import { homePage } from '../../../src/pages/home.tsx'
import { setupsFor, shortNameOf } from '../../../src/pages/setups.ts'
import { ESCAPED, probed } from './hostile.ts'

const mcpUrl = 'https://mcp.example.com/mcp'

function setupOf(client: string, url = mcpUrl) {
  const setup = setupsFor(url).find((each) => each.client === client)
  if (setup === undefined) throw new Error(`no set-up for ${client}`)
  return setup
}

describe('a client is set up with', () => {
  it.for<[string, string]>([
    ['Claude', mcpUrl],
    ['Claude Code', `claude mcp add --transport http mcp-example-com ${mcpUrl}`],
    ['MCP Inspector', `npx @modelcontextprotocol/inspector --transport http --server-url ${mcpUrl}`],
  ])('%s: %s', ([client, text]) => {
    expect(setupOf(client).text).toBe(text)
  })

  it.for<[string, unknown]>([
    ['Cursor', { mcpServers: { 'mcp-example-com': { url: mcpUrl } } }],
    ['VS Code', { servers: { 'mcp-example-com': { type: 'http', url: mcpUrl } } }],
    ['mcp-remote', { mcpServers: { 'mcp-example-com': { command: 'npx', args: ['-y', 'mcp-remote', mcpUrl] } } }],
  ])('%s: a configuration that parses', ([client, configuration]) => {
    expect(JSON.parse(setupOf(client).text)).toEqual(configuration)
  })

  it('a link that carries the same configuration into Cursor', () => {
    const { searchParams } = new URL(setupOf('Cursor').install?.href ?? '')
    expect(searchParams.get('name')).toBe('mcp-example-com')
    expect(JSON.parse(atob(searchParams.get('config') ?? ''))).toEqual({ url: mcpUrl })
  })

  it('a link that carries the same configuration into VS Code', () => {
    const { search } = new URL(setupOf('VS Code').install?.href ?? '')
    expect(JSON.parse(decodeURIComponent(search.slice(1)))).toEqual({ name: 'mcp-example-com', type: 'http', url: mcpUrl })
  })

  it.for<[string, boolean]>([
    ['http://10.0.0.7:8788/mcp', true],
    ['http://localhost:8788/mcp', false],
    ['http://127.0.0.1:8788/mcp', false],
  ])('mcp-remote at %s needs leave to speak plain http: %s', ([url, needed]) => {
    expect(setupOf('mcp-remote', url).text.includes('--allow-http')).toBe(needed)
  })

  it.for<[string, boolean]>([
    ['https://mcp.example.com/mcp', true],
    ['http://localhost:8788/mcp', false],
    ['https://localhost/mcp', false],
    ['https://10.0.0.7/mcp', false],
    ['https://192.168.1.4:8443/mcp', false],
    ['https://172.20.0.1/mcp', false],
    ['https://100.64.0.1/mcp', false],
    ['https://[fd00::1]/mcp', false],
    ['https://mcp.corp/mcp', false],
    ['https://mcp/mcp', false],
    ['https://mcp.acme.internal/mcp', false],
    ['https://8.8.8.8/mcp', true],
  ])('Claude and ChatGPT, which call from the internet, at %s: %s', ([url, offered]) => {
    const clients = setupsFor(url).map(({ client }) => client)
    expect(['Claude', 'ChatGPT'].map((client) => clients.includes(client))).toEqual([offered, offered])
  })

  it('a link that carries the address into Goose', () => {
    const { searchParams } = new URL(setupOf('Goose').install?.href ?? '')
    expect(Object.fromEntries(searchParams)).toMatchObject({ type: 'streamable_http', url: mcpUrl, id: 'mcp-example-com' })
  })

  it('an address that a shell can not read as a command', () => {
    const { text } = setupOf('Claude Code', `https://mcp.example.com/mcp?a=1&b=$(id)';rm`)
    expect(text).toBe(`claude mcp add --transport http mcp-example-com 'https://mcp.example.com/mcp?a=1&b=$(id)%27;rm'`)
  })
})

describe('a server is called', () => {
  it.for([
    ['https://mcp.example.com/mcp', 'mcp-example-com'],
    ['https://mcp.example.com/servers/docs/mcp', 'docs'],
    ['https://mcp.example.com/servers/Team%20A/mcp', 'team-20a'],
    ['http://localhost:8788/mcp', 'session-broker'],
    ['http://[::1]:8788/mcp', '1'],
    ['http://localhost:8788/servers/docs/mcp', 'docs'],
  ])('at %s: %s', ([url = '', name]) => {
    expect(shortNameOf(url)).toBe(name)
  })
})

describe('the front page', () => {
  const documents = { url: mcpUrl, name: 'Acme Documents', setups: setupsFor(mcpUrl).slice(0, 3) }
  const home = {
    name: 'mcp.example.com',
    signInWith: 'Acme Okta',
    servers: [documents],
    links: [{ label: 'Your account', href: '/account' }],
  }

  it('shows every set-up it was given, the first one open', () => {
    const html = homePage(home)
    expect(html.match(/<details/g)).toHaveLength(3)
    expect(html.match(/<details[^>]* open=/g)).toHaveLength(1)
    expect(html).toContain('claude mcp add --transport http')
  })

  it('links to the account, and has no navigation without links', () => {
    expect(homePage(home)).toContain('<a href="/account">Your account</a>')
    expect(homePage({ ...home, links: [] })).not.toContain('<nav')
  })

  it('goes by the name of the only server, and by its own where there are several', () => {
    const wiki = { ...documents, url: 'https://mcp.example.com/servers/wiki/mcp', name: 'The wiki' }
    const [one, several] = [homePage(home), homePage({ ...home, servers: [documents, wiki] })]
    expect(one).toContain('<title>Acme Documents')
    expect(several).toContain('<title>mcp.example.com')
    for (const { url, name } of [documents, wiki]) {
      expect(several).toContain(`data-server="${url}"`)
      expect(several).toContain(`<bdi>${name}</bdi>`)
    }
    expect(several.match(/<details/g)).toHaveLength(6)
    expect(several.match(/<details[^>]* open=/g)).toHaveLength(1)
  })

  it.for(probed(home, ['name', 'servers.0.setups.0.kind', 'servers.0.setups.1.kind', 'servers.0.setups.2.kind']))(
    'stays a page whatever stands in %s',
    ([, probe]) => {
      expect(homePage(probe)).toContain(ESCAPED)
      expect(homePage(probe)).not.toContain('<img')
    },
  )
})
