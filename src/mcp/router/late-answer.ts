// A standing stream begins although its downstream has not answered yet: some servers send their headers with the first event only,
// the SDK's own adapter for Node among them, and until that event the client would hear nothing, not even what it missed.
import { isEventStream } from '../downstream/passing-headers.ts'
import { EVENT_STREAM_HEADERS } from '../../platform/event-stream.ts'

/** A downstream that refuses does so sooner. */
const PATIENCE_MS = 1_000

/** The downstream's answer, or an event stream in its place that goes on with it; `giveUp` ends the waiting. */
export async function answerInTime(answering: Promise<Response>, giveUp: () => void): Promise<Response> {
  const { promise: impatient, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), PATIENCE_MS)
  try {
    const answer = await Promise.race([answering, impatient])
    return answer ?? new Response(bodyOf(answering, giveUp), { headers: EVENT_STREAM_HEADERS })
  } finally {
    clearTimeout(timer)
  }
}

/** Ends at once when the late answer turns out to be something else than events: the client asks again, and is told. */
function bodyOf(answering: Promise<Response>, giveUp: () => void): ReadableStream<Uint8Array> {
  let events: ReadableStreamDefaultReader<Uint8Array> | undefined
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      events ??= await eventsOf(await answering)
      const next = await events?.read()
      if (next === undefined || next.done) controller.close()
      else controller.enqueue(next.value)
    },
    async cancel() {
      giveUp()
      await events?.cancel()
    },
  })
}

async function eventsOf(answer: Response): Promise<ReadableStreamDefaultReader<Uint8Array> | undefined> {
  if (answer.ok && answer.body && isEventStream(answer)) return answer.body.getReader()
  await answer.body?.cancel()
  return undefined
}
