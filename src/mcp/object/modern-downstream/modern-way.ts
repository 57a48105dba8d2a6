// How a message gets to a server of 2026-07-28 in the name of a person, and what comes back as one message.
import { readEvents, isMessage } from '../../sse/sse.ts'
import { ACCEPTS_MESSAGES } from '../../../platform/event-stream.ts'
import { isEventStream } from '../../downstream/passing-headers.ts'
import { wholeMessage } from '../../downstream/whole-body.ts'
import type { DownstreamRequest, SentHeaders } from '../downstream-request.ts'
import { requestDownstream } from '../request-downstream.ts'

/** Of the request that brings it about: whose name it is in, and what ends it. */
export type ModernWay = Pick<DownstreamRequest, 'target' | 'headers' | 'signal' | 'headersWithinMs' | 'challenged'>

/** What belongs to a session, which this server has none of, and what the broker says instead. */
const NOT_PASSED: readonly string[] = ['mcp-session-id', 'last-event-id', 'mcp-name', 'mcp-method']

export async function postModern(
  { target, headers, signal, headersWithinMs, challenged }: ModernWay,
  body: string,
  own: Readonly<Record<string, string>>,
): Promise<Response> {
  const sent: SentHeaders = { ...headers, 'content-type': 'application/json', accept: ACCEPTS_MESSAGES }
  for (const name of NOT_PASSED) delete sent[name]
  Object.assign(sent, own)
  return await requestDownstream(target, { method: 'POST', headers: sent, body }, { signal, headersWithinMs }, challenged)
}

/** The first message of an answer that `fits`, whichever way it came; the empty text where there is none. */
export async function messageOf(
  answer: Response,
  fits: (message: string) => boolean,
  { mostBytes, withinMs }: { readonly mostBytes: number; readonly withinMs: number },
): Promise<string> {
  if (!isEventStream(answer)) return new TextDecoder().decode(await wholeMessage(answer, { mostBytes, withinMs }))
  if (!answer.body) return ''
  const ending = new AbortController()
  const timer = setTimeout(() => ending.abort('no answer in time'), withinMs)
  try {
    const events = answer.body.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal: ending.signal })
    for await (const event of readEvents(events, { maxEventBytes: mostBytes }))
      if (isMessage(event) && fits(event.data)) return event.data
    return ''
  } finally {
    clearTimeout(timer)
  }
}
