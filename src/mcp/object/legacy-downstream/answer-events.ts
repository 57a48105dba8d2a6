// The events of one answer on their way to the router: whoever sends waits until they are taken, so that nothing piles up.
import { encodeEvent } from '../../sse/sse.ts'

export class Outgoing {
  readonly body: ReadableStream<Uint8Array>
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #taken: (() => void)[] = []
  #waitingBytes = 0

  /** `left`: nobody reads any more. */
  constructor(left: () => void) {
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller
      },
      pull: () => this.#pulled(),
      cancel: () => {
        this.#controller = undefined
        this.#pulled()
        left()
      },
    })
  }

  /** What was sent and not taken, in bytes; for whoever does not wait. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Resolves when it is taken, or nothing is taken any more. */
  async send(data: string): Promise<void> {
    const controller = this.#controller
    if (!controller) return
    const bytes = encodeEvent({ event: 'message', data })
    this.#waitingBytes += bytes.length
    controller.enqueue(bytes)
    if ((controller.desiredSize ?? 0) > 0) return
    await new Promise<void>((resolve) => this.#taken.push(resolve))
  }

  /** What was sent goes out, and then the stream ends. */
  end(): void {
    this.#controller?.close()
    this.#controller = undefined
    this.#pulled()
  }

  /** There is room again: everything that was sent is taken. */
  #pulled(): void {
    this.#waitingBytes = 0
    const taken = this.#taken
    this.#taken = []
    for (const resolve of taken) resolve()
  }
}
