// Questions of a legacy server as 2026-07-28 asks them (`input_required`), and the answers a client comes back with.
import * as z from 'zod'
import { canonical } from '../../platform/canonical-json.ts'
import { isRecord } from './client-capabilities.ts'
import { editJson, memberOf, type JsonChange } from './json-edit.ts'

/** What a server may ask a client. */
export const QUESTIONS: readonly string[] = ['elicitation/create', 'sampling/createMessage', 'roots/list']

/** Of one round; whoever asks more at once is not asking a person. */
export const MOST_QUESTIONS = 8
/** Rounds of one request; then it is given up. */
export const MOST_ROUNDS = 10

/** One question on its way to the client. */
export interface InputRequest {
  readonly key: string
  readonly method: string
  /** JSON; undefined where the question has none. */
  readonly params: string | undefined
}

/** Members of a question that are of the earlier revision, or the broker's to answer. */
const NOT_PASSED: readonly JsonChange[] = ['_meta', 'task', 'elicitationId'].map((name) => ({ at: [name], to: undefined }))

export function questionParams(message: string): string | undefined {
  const params = memberOf(message, ['params'])
  return params === undefined ? undefined : editJson(params, NOT_PASSED)
}

/** The last message of a response that asks something. */
export function inputRequired(id: string, questions: readonly InputRequest[], requestState: string): string {
  const requests = questions.map(({ key, method, params }) => {
    const rest = params === undefined ? '' : `,"params":${params}`
    return `${JSON.stringify(key)}:{"method":${JSON.stringify(method)}${rest}}`
  })
  const result = `"resultType":"input_required","inputRequests":{${requests.join(',')}},"requestState":${JSON.stringify(requestState)}`
  return `{"jsonrpc":"2.0","id":${id},"result":{${result}}}`
}

const RESPONSES: Readonly<Record<string, z.ZodType>> = {
  'elicitation/create': z.looseObject({
    action: z.enum(['accept', 'decline', 'cancel']),
    content: z.record(z.string(), z.unknown()).optional(),
  }),
  'sampling/createMessage': z.looseObject({
    role: z.enum(['user', 'assistant']),
    content: z.union([z.looseObject({}), z.array(z.looseObject({}))]),
    model: z.string(),
  }),
  'roots/list': z.looseObject({ roots: z.array(z.looseObject({ uri: z.string() })) }),
}

/** Whether an answer has the shape of one to this question. */
export function isResponseTo(method: string, response: unknown): boolean {
  return RESPONSES[method]?.safeParse(response).success ?? false
}

export function isAccepted(response: unknown): boolean {
  return isRecord(response) && response['action'] === 'accept'
}

/** A JSON-RPC response for the server, with the client's answer as it is; both in JSON. */
export function answerTo(id: string, result: string): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${result}}`
}

/** What a server is told of a question that nobody will answer. */
export function noAnswerTo(id: string, method: string, why: string): string {
  if (method === 'elicitation/create') return answerTo(id, '{"action":"cancel"}')
  // The code the specification shows for a person who does not want to.
  const code = method === 'sampling/createMessage' ? -1 : -32603
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message: why })}}`
}

/** What has to be the same when a client comes back with answers: everything but them, and what is of one request alone. */
export function askedAgain(params: Readonly<Record<string, unknown>>): string {
  const { _meta, inputResponses: _answers, requestState: _state, ...same } = params
  return canonical(same)
}
