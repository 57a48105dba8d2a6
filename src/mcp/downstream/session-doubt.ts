// Whether a refusal of the downstream's leaves it open that the downstream has lost the session it was asked in.
//
// The specification wants 404 for a session that is over. Servers use 404 for a method they lack too, and many say 400, 410, 401
// or even 200 of a session they do not know. An error with the request's own id was made by something that had read the request,
// and so knew the session; before that an error has no id to name (JSON-RPC 2.0 section 5.1).
import { beginningOf, readShort } from '../../platform/bounded-body.ts'
import type { Deadline } from '../../platform/deadlines.ts'
import { OpenRequests } from '../message/open-requests.ts'
import { jsonIn } from '../message/response.ts'
import { isEventStream } from './passing-headers.ts'
import { SseReader } from '../sse/sse.ts'

export interface Judged {
  readonly isDoubtful: boolean
  /** A server that refuses everything seldom does so in words about sessions. */
  readonly namesSession: boolean
  /** The answer, to be passed on whole: what was read of its body is back. */
  readonly answer: Response
  /** All of its body, where that was read and is not back: of the small answers that leave no doubt, which are most. */
  readonly bytes?: Uint8Array<ArrayBuffer> | undefined
}

/** An answer with its body, whether or not that was read. */
export function restored({ answer, bytes }: Pick<Judged, 'answer' | 'bytes'>): Response {
  return bytes ? new Response(bytes, { status: answer.status, headers: answer.headers }) : answer
}

/** As much of a refusal is looked at, and no longer waited for, in bytes and milliseconds. */
const LOOKED_AT_BYTES = 64 * 1024
const LOOKED_AT_MS = 1_000

/**
 * A refusal behind status 200 is no longer than this; most answers are, and need not be looked at. What is announced as so little has
 * been written by its server, and is waited for as every announced answer is.
 */
const SMALL = { mostBytes: 512, withinMs: 60_000 } as const

const NAMES_SESSION = /session/i
const UNSUPPORTED_VERSION = /"code"\s*:\s*-32022\b/

const utf8 = new TextDecoder()

/** `sent` is the body of the request. */
export function judged(answer: Response, sent: Uint8Array | string | undefined, deadline?: Deadline): Promise<Judged> {
  const { status } = answer
  const isRefusal = status === 400 || status === 404 || status === 410
  // Without a challenge it is not about the person's token. Servers of the Rust SDK said so of a session for a year.
  const isUnchallenged = status === 401 && !answer.headers.has('www-authenticate')
  return isRefusal || isUnchallenged ? judgedRefusal(answer, sent, deadline) : judgedSmall(answer, deadline)
}

async function judgedRefusal(answer: Response, sent: Uint8Array | string | undefined, deadline?: Deadline): Promise<Judged> {
  const { text, whole } = await lookedAt(answer, deadline)
  return { isDoubtful: doubtful(answer, text, sent), namesSession: namesSession(text), answer: whole }
}

/** One that refuses nothing by its status: in the small ones something may stand that does. */
async function judgedSmall(answer: Response, deadline?: Deadline): Promise<Judged> {
  const judgement = { isDoubtful: false, namesSession: false, answer }
  if (!isSmallJson(answer)) return judgement
  let bytes: Uint8Array<ArrayBuffer> | undefined
  try {
    bytes = await readShort(answer, { ...SMALL, ...(deadline && { deadline }) })
  } catch (error) {
    return { ...judgement, answer: broken(answer, error) }
  }
  const text = bytes ? utf8.decode(bytes) : ''
  if (!text.includes('"error"') || !isErrorOfSession(jsonIn(text))) return { ...judgement, bytes }
  return { isDoubtful: true, namesSession: namesSession(text), answer: restored({ answer, bytes }) }
}

function doubtful(answer: Response, text: string, sent: Uint8Array | string | undefined): boolean {
  if (answer.status === 401) return NAMES_SESSION.test(text)
  // A server that has been replaced by one of 2026-07-28, which knows no sessions, says so of the version.
  if (UNSUPPORTED_VERSION.test(text)) return true
  // Some say of the session, and under the request's own id, that they do not know it.
  return NAMES_SESSION.test(text) || !answersOneOf(requestIdsIn(sent), messagesIn(answer, text))
}

export function namesSession(text: string): boolean {
  return NAMES_SESSION.test(text)
}

function isSmallJson({ status, headers }: Response): boolean {
  const length = headers.get('content-length')
  // One of unknown length may take its time: it would be looked at for longer than it should be held.
  if (status !== 200 || length === null || Number(length) > SMALL.mostBytes) return false
  return headers.get('content-type')?.startsWith('application/json') ?? false
}

/** Of nobody's request, or in words about the session, whose ever it is. */
function isErrorOfSession(message: unknown): boolean {
  if (typeof message !== 'object' || message === null || !('error' in message)) return false
  const isOfNobody = !('id' in message) || message.id === null
  return isOfNobody || NAMES_SESSION.test(JSON.stringify(message.error))
}

function answersOneOf(ids: readonly string[], messages: readonly string[]): boolean {
  const open = new OpenRequests(ids)
  for (const message of messages) open.settle(message)
  return open.spelled.length < ids.length
}

function messagesIn(answer: Response, text: string): readonly string[] {
  if (!isEventStream(answer)) return [text]
  const { complete } = new SseReader({ maxEventBytes: LOOKED_AT_BYTES }).take(new TextEncoder().encode(text))
  return complete.flatMap(({ data }) => data ?? [])
}

/** Of the requests in a body that has been judged before it was sent. */
function requestIdsIn(sent: Uint8Array | string | undefined): readonly string[] {
  if (sent === undefined) return []
  const parsed: unknown = JSON.parse(typeof sent === 'string' ? sent : new TextDecoder().decode(sent))
  return [parsed].flat().flatMap((message) => (isRequest(message) ? [JSON.stringify(message.id)] : []))
}

function isRequest(message: unknown): message is { readonly id: unknown } {
  return typeof message === 'object' && message !== null && 'method' in message && 'id' in message
}

/** What was read of an answer. */
interface LookedAt {
  readonly text: string
  /** The answer with that put back in front of the rest. */
  readonly whole: Response
}

export async function lookedAt(answer: Response, deadline?: Deadline): Promise<LookedAt> {
  const { body, status, headers } = answer
  if (!body) return { text: '', whole: new Response(null, { status, headers }) }
  try {
    const small = isSmallJson(answer) && (await readShort(answer, { ...SMALL, ...(deadline && { deadline }) }))
    if (small) return { text: utf8.decode(small), whole: new Response(small, { status, headers }) }
    const bounds = { mostBytes: LOOKED_AT_BYTES, withinMs: LOOKED_AT_MS, ...(deadline && { deadline }) }
    const { bytes, rest } = await beginningOf(body, bounds)
    const whole = new Response(rest ?? bytes, { status, headers })
    return { text: utf8.decode(bytes), whole }
  } catch (error) {
    return { text: '', whole: broken(answer, error) }
  }
}

/** Whoever reads on meets the same, and whoever cancels does not. */
function broken({ status, headers }: Response, error: unknown): Response {
  const body = new ReadableStream({ pull: (controller) => controller.error(error) }, { highWaterMark: 0 })
  return new Response(body, { status, headers })
}
