// One event stream of a downstream, message by message, until it ends or breaks off.
import { describeError, log } from '../../../platform/telemetry.ts'
import { Silence } from '../resumed-silence.ts'
import { isMessage, readEvents, SseEventTooLarge } from '../../sse/sse.ts'

export type Take = (data: string, serverEventId?: string) => Promise<void>

export interface Pumping {
  /** What came before it. */
  readonly serverEventId: string | undefined
  readonly signal: AbortSignal
  readonly maxEventBytes: number
  /** What has answered so need not be asked again; what comes unasked is lost alone. */
  readonly isCall: boolean
}

/** Resolves with the last event id when the stream ends, however it ends. */
export async function pumped(
  body: ReadableStream<Uint8Array>,
  take: Take,
  { serverEventId: before, signal, maxEventBytes, isCall }: Pumping,
): Promise<string | undefined> {
  let serverEventId = before
  try {
    for await (const event of readEvents(body, { maxEventBytes, signal })) {
      if (event.id !== undefined) serverEventId = event.id || undefined
      // On the one stream of an HTTP+SSE client other types mean other things, or nothing.
      if (isMessage(event)) await take(event.data, event.id || undefined)
    }
  } catch (error) {
    if (isCall && error instanceof SseEventTooLarge) throw error
    if (!signal.aborted) log('warn', 'downstream.connection_broken', { reason: describeError(error) })
  }
  return serverEventId
}

/** The same, and over when nothing has come for so long. */
export async function pumpedUntilSilent(
  body: ReadableStream<Uint8Array>,
  take: Take,
  pumping: Pumping,
  { ms, silent }: { readonly ms: number; readonly silent: () => void },
): Promise<string | undefined> {
  const ending = new AbortController()
  const silence = new Silence(ms, () => {
    silent()
    ending.abort('silent')
  })
  const taken: Take = async (data, id) => {
    silence.broken()
    await take(data, id)
  }
  const signal = AbortSignal.any([pumping.signal, ending.signal])
  return await pumped(body, taken, { ...pumping, signal }).finally(() => silence.end())
}
