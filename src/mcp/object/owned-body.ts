// The body of an owned stream as it is read: until it ends, its stream is aborted, nothing more is owed, or nothing comes for too long.
import { GRACE_MS } from '../sse/relay.ts'
import { isMessage, type SseEvent } from '../sse/sse.ts'
import { owesNothing, type OwnedStream } from './owned-stream.ts'
import { Silence } from './resumed-silence.ts'

export class Intake {
  readonly #live: OwnedStream
  readonly #source: ReadableStreamDefaultReader<Uint8Array>
  readonly #silence: Silence
  #grace: ReturnType<typeof setTimeout> | undefined

  constructor(live: OwnedStream, source: ReadableStreamDefaultReader<Uint8Array>, longestSilenceMs: number | undefined) {
    this.#live = live
    this.#source = source
    this.#silence = new Silence(longestSilenceMs, () => {
      live.lostBecause = 'silent'
      this.#stop()
    })
    live.abort.signal.addEventListener('abort', this.#stop, { once: true })
  }

  /** Undefined when it broke off. */
  async next(): Promise<ReadableStreamReadResult<Uint8Array> | undefined> {
    return await this.#source.read().catch(() => undefined)
  }

  /** What came is stored. */
  took(events: readonly SseEvent[]): void {
    if (events.some(isMessage)) this.#silence.broken()
    // The downstream SHOULD close the stream now (MCP 2025-11-25, "Sending Messages to the Server"); not all of them do.
    if (owesNothing(this.#live)) this.#grace ??= setTimeout(this.#stop, GRACE_MS)
  }

  close(): void {
    clearTimeout(this.#grace)
    this.#silence.end()
    this.#live.abort.signal.removeEventListener('abort', this.#stop)
  }

  readonly #stop = (): void => void this.#source.cancel().catch(() => undefined)
}
