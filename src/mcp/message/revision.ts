// The revisions of MCP that the broker tells apart by name, and the members of `_meta` that the protocol itself has in the newest.

/** Without sessions and event ids. Whoever names this one, or a later, is of the modern era. */
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
