// The words of MCP 2026-07-28 that both directions of the bridge put into messages, or look for in them.

export const MODERN_VERSION = '2026-07-28'
/** What a server of the legacy eras is asked for; it may negotiate down. */
export const NEWEST_LEGACY_VERSION = '2025-11-25'

/** Members of `_meta` that are the protocol's own begin like this; every other one is somebody else's. */
export const OWN_META = 'io.modelcontextprotocol/'

export const META = {
  version: `${OWN_META}protocolVersion`,
  clientInfo: `${OWN_META}clientInfo`,
  capabilities: `${OWN_META}clientCapabilities`,
  logLevel: `${OWN_META}logLevel`,
  serverInfo: `${OWN_META}serverInfo`,
  subscription: `${OWN_META}subscriptionId`,
} as const

/** Their answers may be kept by clients, and say for how long (2026-07-28, "Caching"). */
export const CACHEABLE: readonly string[] = [
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]

/** A server may answer them with `input_required` (2026-07-28, "Multi Round-Trip Requests"), and no others. */
export const INTERACTIVE: readonly string[] = ['tools/call', 'prompts/get', 'resources/read']
