// Methods of MCP 2026-07-28 that have more to them than a request and its result: both directions of the bridge ask for these lists.

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
