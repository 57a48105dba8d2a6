// MCP Inspector's command line, which is told to speak 2026-07-28 and nothing else.
process.env.MCP_PROTOCOL_ERA = 'modern'
await import('./client-inspector.mjs')
