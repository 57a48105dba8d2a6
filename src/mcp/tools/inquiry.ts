// The broker's own question to a downstream which tools it has: all pages, as the person who is about to call one.
import { randomId } from '../../platform/crypto.ts'
import { MAX_EVENT_BYTES } from '../sse/relay.ts'
import { isEventStream } from '../downstream/passing-headers.ts'
import { jsonIn } from '../message/response.ts'
import { isMessage, readEvents } from '../sse/sse.ts'
import type { ToolGate } from './gate.ts'
import { listedIn } from './listing.ts'
import { wholeBody } from '../downstream/whole-body.ts'

export interface Inquiry {
  readonly id: string
  readonly body: string
}

/** A list that is longer is taken for endless. */
const MOST_PAGES = 20

/** For all pages together, in milliseconds. A call waits for it. */
export const INQUIRY_MS = 10_000

/** `ask` resolves with the response, or with nothing where none came; what it throws is thrown on. */
export async function inquire(
  gate: ToolGate,
  ask: (inquiry: Inquiry) => Promise<string | undefined>,
  params: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  let cursor: string | undefined
  let hasAnswered = true
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const id = `tools-${randomId(9)}`
    const asked = { ...params, ...(cursor !== undefined && { cursor }) }
    const text = await ask({ id, body: JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params: asked }) })
    const listed = text === undefined ? undefined : listedIn(text)
    gate.learn(listed?.tools ?? [])
    hasAnswered = listed !== undefined
    cursor = listed?.nextCursor
    if (cursor === undefined) break
  }
  gate.asked(hasAnswered)
}

/** The response with this id in an answer, whichever way it comes; nothing where there is none, or none in time. */
export async function responseIn(answer: Response, id: string, signal: AbortSignal): Promise<string | undefined> {
  const body = answer.body?.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal })
  if (!body) return undefined
  try {
    if (!isEventStream(answer)) return new TextDecoder().decode(await wholeBody(body))
    for await (const event of readEvents(body, { maxEventBytes: MAX_EVENT_BYTES }))
      if (isMessage(event) && answers(event.data, id)) return event.data
  } catch {
    // Whatever is wrong with it, it says nothing about any tool.
  }
  return undefined
}

export function answers(message: string, id: string): boolean {
  if (!message.includes(id)) return false
  const parsed = jsonIn(message)
  return typeof parsed === 'object' && parsed !== null && 'id' in parsed && parsed.id === id && !('method' in parsed)
}
