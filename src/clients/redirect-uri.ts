// Where an authorization response may go: which redirect URIs a client may register, and whether the asked one is registered.
//
// Everything here reads the text itself, never a parsed and repaired URL: what a browser would forgive (`https:\host`,
// `http://127.0.0.1@evil`, a tab inside the scheme) is what the published attacks on redirect checks consist of.

export type RedirectUriKind = 'https' | 'loopback' | 'private-scheme'

const LONGEST = 2048

// RFC 3986 section 2, without `#` (RFC 6749 section 3.1.2 forbids a fragment) and `*`, which only wildcard matchers want here.
const URI_TEXT = /^(?:[\w.~:/?[\]@!$&'()+,;=-]|%[0-9a-f]{2})+$/i
const ENCODED_CONTROL = /%(?:[01][0-9a-f]|7f)/i

const HTTPS = /^https:\/\/([a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?(?=[/?]|$)/i
// RFC 8252 section 7.3, and `localhost`, which section 8.3 discourages and Claude Code, Cursor and mcp-remote use.
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::(\d{1,5}))?(?=[/?]|$)/
const PRIVATE_SCHEME = /^([a-z][a-z0-9+.-]*):(?:\/\/[^/?@]*(?=[/?]|$)|\/(?!\/))/

/**
 * RFC 8252 section 7.1 wants a reverse domain name, so any scheme with a dot may come. These are the ones without a dot that
 * MCP clients really use. There is no list of bad schemes: `javascript`, `data`, `file` and the next one have no dot either.
 */
const CLIENT_SCHEMES: ReadonlySet<string> = new Set(
  `antigravity cherrystudio claude code-oss cursor goose jetbrains kiro lmstudio obsidian opencode positron postman qoder raycast trae
   vscode vscodium warp windsurf zed`.split(/\s+/),
)
/** What editors call the same application before it is released. */
const CHANNEL = /-(?:beta|canary|dev|exploration|insiders|next|nightly|preview)$/

/** The kind of a redirect URI a client may register; undefined for one it may not. `more` are schemes the operator names, in lower case. */
export function acceptableRedirectUri(uri: string, more: readonly string[] = []): RedirectUriKind | undefined {
  if (uri.length > LONGEST || !URI_TEXT.test(uri) || ENCODED_CONTROL.test(uri)) return undefined
  if (uri.startsWith('https:')) return leadsWhereItSays(uri) ? 'https' : undefined
  if (uri.startsWith('http:')) return loopback(uri) === undefined ? undefined : 'loopback'
  const scheme = PRIVATE_SCHEME.exec(uri)?.[1] ?? ''
  const isClients = scheme.includes('.') || CLIENT_SCHEMES.has(scheme.replace(CHANNEL, '')) || more.includes(scheme)
  return isClients && URL.canParse(uri) ? 'private-scheme' : undefined
}

/** A number is an address to a browser, in any spelling: `0x7f.1` is 127.0.0.1, and the person would be shown the one and sent to the other. */
function leadsWhereItSays(uri: string): boolean {
  const [, host] = HTTPS.exec(uri) ?? []
  const read = URL.parse(uri)?.hostname
  return host !== undefined && read !== undefined && (host.startsWith('[') || host.toLowerCase() === read)
}

/** The kind of one that was accepted before; an answer may stand in it by now, of any length. */
export function kindOfAccepted(uri: string): RedirectUriKind {
  if (uri.startsWith('https:')) return 'https'
  return uri.startsWith('http:') ? 'loopback' : 'private-scheme'
}

/**
 * Exact comparison of strings, with one exception: a native client can't know its loopback port when it registers, so on
 * loopback any port matches (RFC 8252 section 7.3). Host, path and query stay exact there too.
 */
export function redirectUriIsRegistered(asked: string, registered: readonly string[]): boolean {
  if (registered.includes(asked)) return true
  const portless = loopback(asked)
  return portless !== undefined && registered.some((uri) => loopback(uri) === portless)
}

/** A loopback URI without its port, the form in which two of them are compared. */
function loopback(uri: string): string | undefined {
  const [authority, host, port = '80'] = LOOPBACK.exec(uri) ?? []
  if (authority === undefined || host === undefined || Number(port) < 1 || Number(port) > 65_535) return undefined
  return `http://${host}${uri.slice(authority.length)}`
}
