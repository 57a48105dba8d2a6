// The answer to one request of 2026-07-28, read to its end: what comes before it goes on at once, it itself is for the call to judge.
import { eventNotTaken } from '../../message/event-too-large.ts'
import { McpRefusal } from '../../message/refusal.ts'
import { jsonIn } from '../../message/response.ts'
import { isMessage, readEvents, SseEventTooLarge } from '../../sse/sse.ts'
import { mayBeLegacy } from '../../bridge/era-verdict.ts'
import { answersId, errorFor, legacyAnswer, violation, type AskedOf, type TranslatedAnswer } from '../../bridge/legacy-answer.ts'
import { isEventStream } from '../../downstream/passing-headers.ts'
import { lookedAt } from '../../downstream/session-doubt.ts'
import { wholeMessage } from '../../downstream/whole-body.ts'
import { lostAnswer } from '../lost-answer.ts'
import type { CallOutput } from './call-output.ts'

/** From the headers of an answer to its end: some servers send those first, and then work. */
const LONGEST_MS = 600_000

export interface LegTerms extends AskedOf {
  /** The id the request was sent with, in JSON. */
  readonly sentAs: string
  /** For an operator to find it in the log. */
  readonly call: string
  readonly maxEventBytes: number
  readonly output: CallOutput
  readonly signal: AbortSignal
}

/** A Response is a refusal of the request itself, to be passed on. `original` is the server's message; `mayBeLegacy`: an older one may say so. */
export type Leg = (TranslatedAnswer & { readonly original?: string; readonly mayBeLegacy?: boolean }) | Response

/** Statuses that say something about the person or the moment, and nothing about the message. */
const PASSED_ON: readonly number[] = [401, 403, 407, 408, 425, 429]

export async function readLeg(answer: Response, terms: LegTerms): Promise<Leg> {
  const { status, ok } = answer
  if (ok && isEventStream(answer)) return await readStream(answer, terms)
  if (PASSED_ON.includes(status) || (status >= 300 && status < 400)) return answer
  if (ok) return await readWhole(answer, terms)
  const { text, whole } = await lookedAt(answer)
  const got = judged(text, terms)
  if (got) return { ...got, mayBeLegacy: mayBeLegacy(status, text) }
  if (status >= 500) return whole
  await whole.body?.cancel()
  // A client takes 404 for the end of its session, and 400 for a connection that does not work.
  const message = errorFor(terms.id, -32_603, `The MCP server answered with status ${status}`)
  return { kind: 'final', message, mayBeLegacy: mayBeLegacy(status, text) }
}

async function readWhole(answer: Response, terms: LegTerms): Promise<Leg> {
  const { id, call, signal, maxEventBytes: mostBytes } = terms
  try {
    const text = new TextDecoder().decode(await wholeMessage(answer, { mostBytes, withinMs: LONGEST_MS }))
    return judged(text, terms) ?? final(violation(id, 'its answer is no answer to the request'))
  } catch (error) {
    signal.throwIfAborted()
    return final(error instanceof McpRefusal ? error.for({ id }).toJson(call) : lostAnswer(id, call, 'connection'))
  }
}

function judged(text: string, terms: LegTerms): Exclude<Leg, Response> | undefined {
  return answersId(jsonIn(text), terms.sentAs) ? { ...legacyAnswer(text, terms), original: text } : undefined
}

async function readStream({ body }: Response, terms: LegTerms): Promise<Leg> {
  const { id, call, output, signal, maxEventBytes } = terms
  output.begin()
  if (!body) return final(lostAnswer(id, call, 'ended'))
  try {
    for await (const event of readEvents(body, { maxEventBytes })) {
      if (!isMessage(event)) continue
      const message = jsonIn(event.data)
      if (answersId(message, terms.sentAs)) return { ...legacyAnswer(event.data, terms), original: event.data }
      if (typeof message !== 'object' || message === null || !('method' in message)) continue
      if ('id' in message) return final(violation(id, 'it sends a request of its own'))
      await output.send(event.data)
    }
    return final(lostAnswer(id, call, 'ended'))
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof SseEventTooLarge) return final(eventNotTaken(error).for({ id }).toJson(call))
    return final(lostAnswer(id, call, 'connection'))
  }
}

function final(message: string): Leg {
  return { kind: 'final', message }
}
