// What has passed over an open stream, as whoever carries it counts: in memory, for people who watch.
import * as z from 'zod'

export const streamTraffic = z.object({
  /** Of the downstream, on their way to the client or there. */
  events: z.number(),
  /** Of those events, and of a body that is no event stream. */
  bytes: z.number(),
  /** Unix seconds of the last of them; absent before the first. */
  lastAt: z.number().optional(),
  /** Bytes the client has not taken yet. */
  waiting: z.number(),
})
export type StreamTraffic = z.output<typeof streamTraffic>

export class StreamMeter {
  #events = 0
  #bytes = 0
  #lastAt: number | undefined
  #waiting = 0

  /** Goes on where a count from before ended. */
  resume({ events, bytes, lastAt }: Pick<StreamTraffic, 'events' | 'bytes' | 'lastAt'>): void {
    this.#events = events
    this.#bytes = bytes
    this.#lastAt = lastAt
  }

  /** They are held for the client from now on, until it takes them. */
  passed(events: number, bytes: number): void {
    this.#events += events
    this.#bytes += bytes
    this.#waiting = bytes
    this.#lastAt = Math.floor(Date.now() / 1000)
  }

  /** The client has taken what was held for it. */
  taken(): void {
    this.#waiting = 0
  }

  get traffic(): StreamTraffic {
    const lastAt = this.#lastAt
    return { events: this.#events, bytes: this.#bytes, waiting: this.#waiting, ...(lastAt !== undefined && { lastAt }) }
  }
}
