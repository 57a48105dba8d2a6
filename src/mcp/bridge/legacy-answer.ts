// What a server of 2026-07-28 answers, as a client of the older revisions has to be told it.
import * as z from 'zod'
import { idKey, jsonIn } from '../message/response.ts'
import { HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION } from './era-verdict.ts'
import { editJson, elementsOf, memberOf, membersOf, type JsonChange } from './json-edit.ts'
import { paramHeadersIn, type ParamHeader } from './param-headers.ts'
import { OWN_META } from '../message/revision.ts'

/** The request that is answered. */
export interface AskedOf {
  /** As the client spelled it, in JSON. */
  readonly id: string
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

export type TranslatedAnswer =
  /** For the client, as it is; `code` is that of the server's error. */
  | { readonly kind: 'final'; readonly message: string; readonly code?: number }
  /** JSON of a result that asks for input. */
  | { readonly kind: 'input_required'; readonly result: string }

const schema = z.looseObject({
  result: z.looseObject({ resultType: z.unknown().optional() }).optional(),
  error: z.looseObject({ code: z.number(), message: z.string() }).optional(),
})

const INTERNAL = -32_603
const INVALID_PARAMS = -32_602
/** Of the revisions before 2026-07-28, "Resources", "Error Handling". */
const RESOURCE_NOT_FOUND = -32_002
const ONLY_MODERN: readonly number[] = [HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION]

/** A JSON-RPC message that is an error of the broker's. */
export function errorFor(id: string, code: number, message: string, data?: unknown): string {
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message, ...(data !== undefined && { data }) })}}`
}

/** The server has broken the protocol: the client gets an error that says how. */
export function violation(id: string, how: string): string {
  return errorFor(id, INTERNAL, `The MCP server broke the protocol: ${how}`)
}

/** Whether a message answers a request, by its id; an error to a request nobody could read has none. */
export function answersId(message: unknown, id: string): boolean {
  if (typeof message !== 'object' || message === null || 'method' in message) return false
  if (!('result' in message) && !('error' in message)) return false
  const answered = 'id' in message ? message.id : null
  return answered === null ? 'error' in message : idKey(answered) === idKey(JSON.parse(id))
}

/** `text` is a response to the request. What it says of the protocol is taken out or reworded; everything else keeps its bytes. */
export function legacyAnswer(text: string, asked: AskedOf): TranslatedAnswer {
  const parsed = schema.safeParse(jsonIn(text)).data
  if (parsed?.error) return errorAnswer(text, asked, parsed.error)
  if (!parsed?.result) return { kind: 'final', message: violation(asked.id, 'an answer has neither a result nor an error') }
  const { resultType = 'complete' } = parsed.result
  if (resultType === 'input_required') return { kind: 'input_required', result: memberOf(text, ['result']) ?? '{}' }
  if (resultType !== 'complete')
    return { kind: 'final', message: violation(asked.id, `it answers with a resultType nobody asked for`) }
  return { kind: 'final', message: editJson(text, [{ at: ['id'], to: asked.id }, ...resultChanges(parsed.result, asked)]) }
}

function errorAnswer(
  text: string,
  { id, method, params }: AskedOf,
  error: { code: number; message: string; data?: unknown },
): TranslatedAnswer {
  const { code } = error
  const withId = editJson(text, [{ at: ['id'], to: id }])
  if (ONLY_MODERN.includes(code)) {
    const message = `The MCP server refused what the broker made of the request: ${error.message}`
    return { kind: 'final', code, message: errorFor(id, INTERNAL, message, { original: error }) }
  }
  const isOfResource = method === 'resources/read' && code === INVALID_PARAMS && uriIn(error.data) === params['uri']
  if (!isOfResource || typeof params['uri'] !== 'string') return { kind: 'final', code, message: withId }
  return { kind: 'final', code, message: editJson(withId, [{ at: ['error', 'code'], to: String(RESOURCE_NOT_FOUND) }]) }
}

function uriIn(data: unknown): unknown {
  return typeof data === 'object' && data !== null && 'uri' in data ? data.uri : undefined
}

const OF_MODERN: readonly JsonChange[] = [
  { at: ['result', 'resultType'], to: undefined },
  { at: ['result', 'ttlMs'], to: undefined },
  { at: ['result', 'cacheScope'], to: undefined },
  { at: ['result', '_meta'], to: withoutOwnMeta },
]

function resultChanges(result: Readonly<Record<string, unknown>>, { method }: AskedOf): readonly JsonChange[] {
  if (method === 'tools/list') return [...OF_MODERN, { at: ['result', 'tools'], to: legacyTools }]
  if (method === 'tools/call') return [...OF_MODERN, ...structured(result)]
  return OF_MODERN
}

/** Its own keys go, and with the last of them the member itself. */
function withoutOwnMeta(meta: string): string | undefined {
  const names = membersOf(meta)?.map(([name]) => name) ?? []
  const own = names.filter((name) => name.startsWith(OWN_META))
  if (own.length === 0) return meta
  return own.length === names.length
    ? undefined
    : editJson(
        meta,
        own.map((name) => ({ at: [name], to: undefined })),
      )
}

/** Clients of the older revisions take only objects, and fail a whole list for a schema of anything else. */
function structured({ structuredContent, content }: Readonly<Record<string, unknown>>): readonly JsonChange[] {
  if (structuredContent === undefined || isObject(structuredContent)) return []
  const hasText = Array.isArray(content) && content.some((block) => isObject(block) && block['type'] === 'text')
  const block = JSON.stringify({ type: 'text', text: JSON.stringify(structuredContent) })
  const added = (list: string): string => {
    const blocks = elementsOf(list) ?? []
    return `[${[...blocks, block].join(',')}]`
  }
  const change: JsonChange = Array.isArray(content)
    ? { at: ['result', 'content'], to: added }
    : { at: ['result', 'content'], to: `[${block}]` }
  return [{ at: ['result', 'structuredContent'], to: undefined }, ...(hasText ? [] : [change])]
}

function legacyTools(tools: string): string {
  if (!NEEDS_A_LOOK.test(tools)) return tools
  const elements = elementsOf(tools)
  if (!elements) return tools
  return `[${elements.flatMap((tool) => legacyTool(tool) ?? []).join(',')}]`
}

/** Anything else about a tool is the client's; a name may be spelled with escapes. */
const NEEDS_A_LOOK = /x-mcp-header|outputSchema|\\u/

/** Undefined for a tool that a client of 2026-07-28 has to leave out ("Schema Extension"). */
function legacyTool(tool: string): string | undefined {
  const parsed = jsonIn(tool)
  if (!isObject(parsed)) return tool
  if (paramHeadersIn(parsed['inputSchema']) === undefined) return undefined
  const output = parsed['outputSchema']
  const isOfObjects = output === undefined || (isObject(output) && output['type'] === 'object')
  return isOfObjects ? tool : editJson(tool, [{ at: ['outputSchema'], to: undefined }])
}

const listSchema = z.object({ result: z.object({ tools: z.array(z.unknown()), nextCursor: z.string().optional() }) })

/** Which headers the tools of a list ask for, by name; undefined for what is no list. Tools that ask for none are not named. */
export function headersListed(
  text: string,
): { readonly tools: ReadonlyMap<string, readonly ParamHeader[]>; readonly nextCursor: string | undefined } | undefined {
  const page = listSchema.safeParse(jsonIn(text)).data?.result
  if (!page) return undefined
  const tools = new Map<string, readonly ParamHeader[]>()
  for (const tool of page.tools) {
    const declared = isObject(tool) && typeof tool['name'] === 'string' ? paramHeadersIn(tool['inputSchema']) : undefined
    if (isObject(tool) && declared && declared.length > 0) tools.set(String(tool['name']), declared)
  }
  return { tools, nextCursor: page.nextCursor }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
