// Whether a client can be sent a priming event, which has an id and no data (MCP 2025-11-25, SEP-1699). Older clients may not expect one.

export function understandsPriming(headers: Headers): boolean {
  return (headers.get('mcp-protocol-version') ?? '') >= '2025-11-25'
}
