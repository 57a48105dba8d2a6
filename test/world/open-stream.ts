// An answer that is still coming: what it has said so far, and when it came to its end.
import { setTimeout as sleep } from 'node:timers/promises'

export class OpenStream {
  /** Everything that arrived until now. */
  text = ''
  /** When the last byte came and no more will; undefined while it is open. */
  endedAt: number | undefined
  readonly ended: Promise<void>

  constructor(response: Response) {
    this.ended = this.#read(response)
  }

  async untilSaid(words: string, withinMs = 15_000): Promise<void> {
    const deadline = Date.now() + withinMs
    while (!this.text.includes(words)) {
      if (Date.now() > deadline || this.endedAt !== undefined) throw new Error(`the stream never said “${words}”: ${this.text}`)
      await sleep(5)
    }
  }

  /** True when the stream ends in time. */
  async endsWithin(milliseconds: number): Promise<boolean> {
    await Promise.race([this.ended, sleep(milliseconds, undefined, { ref: false })])
    return this.endedAt !== undefined
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder()
    try {
      for await (const chunk of response.body ?? []) this.text += decoder.decode(chunk, { stream: true })
    } catch {
      // Broken off or ended: over either way.
    }
    this.endedAt = Date.now()
  }
}
