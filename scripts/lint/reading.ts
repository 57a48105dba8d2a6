// Which calls read a body, and where it may be read without a bound.

/** The named member of an object, or what else is called. */
interface Callee {
  readonly type: string
  readonly computed?: boolean
  readonly property?: { readonly type: string; readonly name?: string; readonly value?: unknown }
}

export interface CallNode {
  readonly callee: Callee
  readonly arguments: readonly unknown[]
}

export interface ForOfNode {
  readonly await: boolean
  readonly right: { readonly name?: string; readonly property?: { readonly name?: string } }
}

/** Read a body whole, however much there is of it. With an argument `text` and `json` are answers of Hono. */
const WHOLE = ['text', 'json', 'arrayBuffer', 'blob', 'formData', 'bytes', 'parseBody']
/** Read it in pieces, and somebody has to count. */
const IN_PIECES = ['getReader', 'tee']

/** Where a body is carried on in pieces, and why no bound is missing. */
export const STREAMED: Readonly<Record<string, string>> = {
  'src/platform/bounded-body.ts': 'it is the bound',
  'src/mcp/sse/sse.ts': 'each event is bounded, and so are all that are unfinished',
  'src/mcp/sse/relay.ts': 'its SseReader bounds each event',
  'src/mcp/object/owned-streams.ts': 'its SseReader bounds each event',
  'src/mcp/recording/wire-tap.ts': 'passes each piece on, and bounds what it keeps',
  'src/mcp/router/forward.ts': 'passes each piece on, and keeps none',
  'src/mcp/router/late-answer.ts': 'passes each piece on, and keeps none',
}

export function readsWithoutBound({ callee, arguments: given }: CallNode, streams: boolean): boolean {
  const name = memberNamed(callee)
  if (name === undefined) return false
  if (IN_PIECES.includes(name)) return !streams
  return WHOLE.includes(name) && given.length === 0
}

function memberNamed({ property, computed }: Callee): string | undefined {
  if (!property) return undefined
  if (computed !== true) return property.name
  return typeof property.value === 'string' ? property.value : undefined
}
