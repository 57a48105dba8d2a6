// How each client is told about one MCP server: pure, so that pages, `npm start` and the portal say the same.

export interface Setup {
  readonly client: string
  readonly kind: 'command' | 'json' | 'url'
  /** What to do with `text`, as one sentence. */
  readonly where: string
  readonly text: string
  /** A link that opens the client and adds the server there, where the client has one. */
  readonly install?: { readonly label: string; readonly href: string }
}

const LOOPBACK = new Set(['localhost', '127.0.0.1'])

/** `https://mcp.example.com/servers/docs/mcp` is `docs`; `https://mcp.example.com/mcp` is `mcp-example-com`. This computer has no name. */
export function shortNameOf(mcpUrl: string): string {
  const { hostname, pathname } = new URL(mcpUrl)
  const named = /^\/servers\/([^/]+)\//.exec(pathname)?.[1]
  if (named === undefined && LOOPBACK.has(hostname)) return 'session-broker'
  // Claude Code takes letters, digits, hyphens and underscores only.
  const name = (named ?? hostname).toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return name.replace(/^-|-$/g, '') || 'mcp-server'
}

// URL.href leaves ' ( ) $ ! and & as they are; inside single quotes a POSIX shell and PowerShell read all but the quote.
function quoted(url: string): string {
  return /^[\w.:/~%-]+$/.test(url) ? url : `'${url.replaceAll("'", '%27')}'`
}

function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2)
}

export function setupsFor(mcpUrl: string, name: string = shortNameOf(mcpUrl)): readonly Setup[] {
  const address = new URL(mcpUrl)
  const url = address.href
  const vsCode = { name, type: 'http', url }
  // mcp-remote speaks plain http to this computer only, unless it is told that the network is trusted.
  const plainHttp = address.protocol === 'http:' && !LOOPBACK.has(address.hostname) ? ['--allow-http'] : []

  const claude: Setup = {
    client: 'Claude',
    kind: 'url',
    where: 'Settings → Connectors → Add custom connector, then paste this address.',
    text: url,
  }

  return [
    // Claude's connectors call from Anthropic's network: they reach neither this computer nor plain http.
    ...(address.protocol === 'https:' ? [claude] : []),
    {
      client: 'Claude Code',
      kind: 'command',
      where: 'Run this in a terminal, then type /mcp in Claude Code to sign in.',
      text: `claude mcp add --transport http ${name} ${quoted(url)}`,
    },
    {
      client: 'Cursor',
      kind: 'json',
      where: 'Add this to ~/.cursor/mcp.json, or to .cursor/mcp.json in one project.',
      text: json({ mcpServers: { [name]: { url } } }),
      install: {
        label: 'Add to Cursor',
        href: `cursor://anysphere.cursor-deeplink/mcp/install?name=${name}&config=${encodeURIComponent(btoa(JSON.stringify({ url })))}`,
      },
    },
    {
      client: 'VS Code',
      kind: 'json',
      where: 'Add this to .vscode/mcp.json, or run “MCP: Add Server” from the Command Palette.',
      text: json({ servers: { [name]: { type: 'http', url } } }),
      install: { label: 'Add to VS Code', href: `vscode:mcp/install?${encodeURIComponent(JSON.stringify(vsCode))}` },
    },
    {
      client: 'MCP Inspector',
      kind: 'command',
      where: 'Run this in a terminal; the Inspector opens in your browser.',
      text: `npx @modelcontextprotocol/inspector --transport http --server-url ${quoted(url)}`,
    },
    {
      client: 'mcp-remote',
      kind: 'json',
      where: 'For clients that only start programs on this computer: add this to their list of MCP servers.',
      text: json({ mcpServers: { [name]: { command: 'npx', args: ['-y', 'mcp-remote', url, ...plainHttp] } } }),
    },
  ]
}
