// A response of the legacy eras as a client of 2026-07-28 gets it: members that revision wants are added, and codes it reserves are not used.
import * as z from 'zod'
import { jsonIn } from '../message/response.ts'
import { editJson, elementsOf, memberOf, type JsonChange } from './json-edit.ts'
import { CACHEABLE } from './protocol.ts'
import { META } from '../message/revision.ts'

export interface ModernResponse {
  readonly text: string
  /** Of the HTTP response, where nothing has been sent yet. */
  readonly status: number
}

export interface AnsweredRequest {
  readonly method: string
  /** As its client spelled it, in JSON. */
  readonly id: string
  /** What the server has said of itself in `initialize`, in JSON. */
  readonly serverInfo: string | undefined
}

const METHOD_NOT_FOUND = -32601
const INVALID_PARAMS = -32602
const INTERNAL_ERROR = -32603
/** Of 2025-11-25; a later server must not say it (2026-07-28, "Error Codes"). */
const RESOURCE_NOT_FOUND = -32002
const URL_ELICITATION_REQUIRED = -32042

/** Reserved for the protocol since 2026-07-28: from a server that does not know that, they would be taken for evidence of an era. */
const RESERVED = { from: -32099, to: -32020 } as const

export function modernResponse(text: string, asked: AnsweredRequest): ModernResponse {
  const code = errorCodeIn(text)
  return code === undefined ? { text: modernResult(text, asked), status: 200 } : modernError(text, asked, code)
}

function modernResult(text: string, { id, method, serverInfo }: AnsweredRequest): string {
  const changes: JsonChange[] = [
    { at: ['id'], to: id },
    { at: ['result', 'resultType'], to: '"complete"' },
  ]
  if (CACHEABLE.includes(method)) {
    // Nothing is known of how long it stays right, and lists may be this person's alone.
    changes.push({ at: ['result', 'ttlMs'], to: '0' }, { at: ['result', 'cacheScope'], to: '"private"' })
  }
  if (serverInfo !== undefined) changes.push({ at: ['result', '_meta', META.serverInfo], to: serverInfo })
  if (method === 'tools/list' && text.includes('"execution"')) changes.push({ at: ['result', 'tools'], to: withoutExecution })
  return editJson(text, changes)
}

/** How a tool takes part in the experimental tasks of 2025-11-25, which are not translated. */
function withoutExecution(tools: string): string {
  const kept = elementsOf(tools)?.map((tool) => editJson(tool, [{ at: ['execution'], to: undefined }]))
  return kept ? `[${kept.join(',')}]` : tools
}

function modernError(text: string, { id }: AnsweredRequest, code: number): ModernResponse {
  const own: JsonChange = { at: ['id'], to: id }
  if (code === METHOD_NOT_FOUND) return { text: editJson(text, [own]), status: 404 }
  if (code === RESOURCE_NOT_FOUND) {
    return { text: editJson(text, [own, { at: ['error', 'code'], to: String(INVALID_PARAMS) }]), status: 200 }
  }
  if (code < RESERVED.from || code > RESERVED.to) return { text: editJson(text, [own]), status: 200 }
  const changes: JsonChange[] = [
    own,
    { at: ['error', 'code'], to: String(INTERNAL_ERROR) },
    { at: ['error', 'data'], to: `{"original":${memberOf(text, ['error']) ?? 'null'}}` },
  ]
  return { text: editJson(text, changes), status: 200 }
}

const errorSchema = z.object({ error: z.object({ code: z.number() }) })

export function errorCodeIn(text: string): number | undefined {
  return text.includes('"error"') ? errorSchema.safeParse(jsonIn(text)).data?.error.code : undefined
}

const urlsSchema = z.object({
  error: z.object({
    code: z.literal(URL_ELICITATION_REQUIRED),
    data: z.object({ elicitations: z.array(z.object({ message: z.string(), url: z.string() })).min(1) }),
  }),
})

/** The addresses a server of 2025-11-25 wants the person to go to before it is asked again; undefined for any other response. */
export function urlsWantedIn(text: string): readonly { readonly message: string; readonly url: string }[] | undefined {
  if (!text.includes(String(URL_ELICITATION_REQUIRED))) return undefined
  return urlsSchema.safeParse(jsonIn(text)).data?.error.data.elicitations
}
