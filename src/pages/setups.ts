// How each client is told about one MCP server: pure, so that pages, `npm start` and the portal say the same.

export interface Setup {
  readonly client: string
  readonly kind: 'command' | 'json' | 'yaml' | 'url'
  /** What to do with `text`, as one sentence. */
  readonly where: string
  readonly text: string
  /** A link that opens the client and adds the server there, where the client has one. */
  readonly install?: { readonly label: string; readonly href: string }
}

const LOOPBACK = new Set(['localhost', '127.0.0.1'])
/** Names that no public DNS has. */
const PRIVATE_NAME = /^[^.]+$|\.(local|localhost|internal|intranet|lan|corp|home|test|home\.arpa)$/
const PRIVATE_NUMBER =
  /^(0|10|127)\.|^192\.168\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|^\[/

/** Hosted clients call from their own network: they reach neither this computer, nor a private network, nor plain http. */
function isReachableFromOutside({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' && !PRIVATE_NAME.test(hostname) && !PRIVATE_NUMBER.test(hostname)
}

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

  const viaMcpRemote = json({ mcpServers: { [name]: { command: 'npx', args: ['-y', 'mcp-remote', url, ...plainHttp] } } })

  const hosted: readonly Setup[] = [
    {
      client: 'Claude',
      kind: 'url',
      where: 'On the web and in the desktop app: Customize → Connectors → Add custom connector, then paste this address.',
      text: url,
    },
    {
      client: 'ChatGPT',
      kind: 'url',
      where: 'In developer mode: Settings → Apps → Create, paste this address, and choose OAuth.',
      text: url,
    },
  ]

  return [
    ...(isReachableFromOutside(address) ? hosted : []),
    {
      client: 'Claude Code',
      kind: 'command',
      where: 'Run this in a terminal, then type /mcp in Claude Code to sign in.',
      text: `claude mcp add --transport http ${name} ${quoted(url)}`,
    },
    {
      client: 'VS Code',
      kind: 'json',
      where: 'Add this to .vscode/mcp.json, or run “MCP: Add Server” from the Command Palette.',
      text: json({ servers: { [name]: { type: 'http', url } } }),
      install: { label: 'Add to VS Code', href: `vscode:mcp/install?${encodeURIComponent(JSON.stringify(vsCode))}` },
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
      client: 'Gemini CLI',
      kind: 'command',
      where: `Run this in a terminal, then type /mcp auth ${name} in Gemini CLI to sign in.`,
      text: `gemini mcp add --transport http ${name} ${quoted(url)}`,
    },
    {
      client: 'Codex',
      kind: 'command',
      where: 'Run these in a terminal; the second one signs you in.',
      text: `codex mcp add ${name} --url ${quoted(url)}\ncodex mcp login ${name}`,
    },
    {
      client: 'Windsurf',
      kind: 'json',
      where: 'Add this to ~/.codeium/windsurf/mcp_config.json, then refresh the MCP servers in Cascade.',
      text: json({ mcpServers: { [name]: { serverUrl: url } } }),
    },
    {
      client: 'Zed',
      kind: 'json',
      where: 'Add this to your settings (zed: open settings file).',
      text: json({ context_servers: { [name]: { url } } }),
    },
    {
      client: 'JetBrains',
      kind: 'json',
      where: 'In Settings → Tools → AI Assistant → Model Context Protocol (MCP), or in those of Junie, add a server as JSON.',
      text: viaMcpRemote,
    },
    {
      client: 'Goose',
      kind: 'yaml',
      where: 'Add this to ~/.config/goose/config.yaml, or run “goose configure” and add a remote extension (Streamable HTTP).',
      text: `extensions:\n  ${name}:\n    enabled: true\n    type: streamable_http\n    name: ${name}\n    uri: ${JSON.stringify(url)}\n    timeout: 300`,
      install: {
        label: 'Add to Goose',
        href: `goose://extension?type=streamable_http&url=${encodeURIComponent(url)}&id=${name}&name=${name}&description=${encodeURIComponent(name)}`,
      },
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
      text: viaMcpRemote,
    },
  ]
}
