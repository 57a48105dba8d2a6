// Results that need input (MCP 2026-07-28, "Multi Round-Trip Requests") and the requests by which older revisions ask the same.
import * as z from 'zod'
import { jsonIn } from '../message/response.ts'
import type { DeclaredClient } from './modern-request.ts'
import { editJson, memberOf, membersOf } from './json-edit.ts'

/** One question of a round. */
export interface InputQuestion {
  /** The server's name for it. */
  readonly key: string
  readonly method: string
  /** JSON; absent where there are none. */
  readonly params: string | undefined
}

export type InputRound =
  | { readonly questions: readonly InputQuestion[]; readonly requestState: string | undefined }
  /** What the server did that it must not. */
  | { readonly broken: string }

/** So many a round, as real clients take. */
const MOST_QUESTIONS = 8

const declaredSchema = z.object({
  elicitation: z.looseObject({ form: z.unknown().optional(), url: z.unknown().optional() }).optional(),
  sampling: z.looseObject({ tools: z.unknown().optional() }).optional(),
  roots: z.unknown().optional(),
})

/** `result` is JSON. A question that the client has not said it can answer makes the whole of it wrong. */
export function roundIn(result: string, client: DeclaredClient): InputRound {
  const state = memberOf(result, ['requestState'])
  if (state !== undefined && !state.startsWith('"')) return { broken: 'requestState is no string' }
  const asked = memberOf(result, ['inputRequests'])
  const members = asked === undefined ? [] : membersOf(asked)
  if (!members) return { broken: 'inputRequests is no object' }
  if (members.length === 0 && state === undefined) return { broken: 'it needs input and asks nothing' }
  if (members.length > MOST_QUESTIONS)
    return { broken: `it asks ${members.length} questions at once; at most ${MOST_QUESTIONS} are passed on` }
  if (new Set(members.map(([key]) => key)).size < members.length) return { broken: 'two questions have the same name' }
  const questions: InputQuestion[] = []
  for (const [key, raw] of members) {
    const method = jsonIn(memberOf(raw, ['method']) ?? 'null')
    const params = memberOf(raw, ['params'])
    if (typeof method !== 'string') return { broken: 'a question has no method' }
    const missing = missingFor(method, params, client)
    if (missing !== undefined) return { broken: missing }
    questions.push({ key, method, params })
  }
  return { questions, requestState: state }
}

/** "MUST NOT send an inputRequests that the client has not declared". */
function missingFor(method: string, params: string | undefined, { capabilities }: DeclaredClient): string | undefined {
  const declared = declaredSchema.safeParse(jsonIn(capabilities)).data ?? {}
  const member = (name: string): unknown =>
    params === undefined ? undefined : (jsonIn(memberOf(params, [name]) ?? 'null') ?? undefined)
  if (method === 'roots/list') return declared.roots === undefined ? undeclared(method, 'roots') : undefined
  if (method === 'sampling/createMessage') {
    if (declared.sampling === undefined) return undeclared(method, 'sampling')
    const needsTools = member('tools') !== undefined || member('toolChoice') !== undefined
    return needsTools && declared.sampling.tools === undefined ? undeclared(method, 'sampling.tools') : undefined
  }
  if (method !== 'elicitation/create') return `${JSON.stringify(method.slice(0, 80))} is no question a server may ask`
  if (declared.elicitation === undefined) return undeclared(method, 'elicitation')
  const { form, url } = declared.elicitation
  if (member('mode') === 'url') return url === undefined ? undeclared(method, 'elicitation.url') : undefined
  return form === undefined && url !== undefined ? undeclared(method, 'elicitation.form') : undefined
}

function undeclared(method: string, capability: string): string {
  return `it asks ${method}, and the client has not declared ${capability}`
}

/** The request by which the client is asked; `id` and `elicitationId` are the broker's. */
export function questionFor({ method, params }: InputQuestion, id: string, version: string, elicitationId: string): string {
  const worded = params === undefined || method !== 'elicitation/create' ? params : elicitationFor(params, version, elicitationId)
  const members = [`"jsonrpc":"2.0"`, `"id":${JSON.stringify(id)}`, `"method":${JSON.stringify(method)}`]
  return `{${[...members, ...(worded === undefined ? [] : [`"params":${worded}`])].join(',')}}`
}

/** Modes came with 2025-11-25, where a question of mode url has an id. */
function elicitationFor(params: string, version: string, elicitationId: string): string {
  const mode = memberOf(params, ['mode'])
  if (mode === '"url"') return editJson(params, [{ at: ['elicitationId'], to: JSON.stringify(elicitationId) }])
  return version < '2025-11-25' ? editJson(params, [{ at: ['mode'], to: undefined }]) : params
}

export type GivenAnswer =
  /** JSON, for `inputResponses`. */
  | { readonly input: string }
  /** JSON of an error, which the round has no place for: it ends the call. */
  | { readonly error: string }

/** What the client's response to a question means to the server. */
export function givenIn(response: string, method: string): GivenAnswer {
  const result = memberOf(response, ['result'])
  if (result !== undefined) return { input: result }
  if (method === 'elicitation/create') return { input: '{"action":"cancel"}' }
  const error = memberOf(response, ['error'])
  return { error: error !== undefined && membersOf(error) ? error : '{"code":-32603,"message":"The client did not answer"}' }
}

/** `inputResponses` out of JSON by key; undefined where nothing was asked. */
export function inputResponses(given: ReadonlyMap<string, string>): string | undefined {
  if (given.size === 0) return undefined
  return `{${[...given].map(([key, raw]) => `${JSON.stringify(key)}:${raw}`).join(',')}}`
}
