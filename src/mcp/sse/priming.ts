// Whether a client can be sent a priming event, which has an id and no data (MCP 2025-11-25, SEP-1699). Older clients may not expect one.

/** `version`: what the client says in `MCP-Protocol-Version`. */
export function understandsPriming(version: string | null | undefined): boolean {
  return (version ?? '') >= '2025-11-25'
}
