// How every body is read that is not streamed: never more of it than is wanted, and never for longer.
//
// Bytes are counted as they come, after the runtime has undone a compression: neither a missing length nor a compressed one makes
// a body larger. Whatever is left of a body that is too much is cancelled, not read.
import { GrowingBytes } from './bytes.ts'
import { ownTimer, type Deadline } from './deadlines.ts'

export class BodyError extends Error {
  override readonly name = 'BodyError'
  readonly reason: 'too_large' | 'too_late'

  constructor(reason: 'too_large' | 'too_late', { mostBytes, withinMs }: BodyBounds) {
    super(reason === 'too_large' ? `a body has more than ${mostBytes} bytes` : `a body was not there whole within ${withinMs} ms`)
    this.reason = reason
  }
}

export interface BodyBounds {
  readonly mostBytes: number
  readonly withinMs: number
  /** What keeps the time; a timer of its own where nothing is said. */
  readonly deadline?: Deadline
  /** Told of the bytes of each piece before it is held; what it throws ends the reading. */
  readonly holds?: ((bytes: number) => void) | undefined
}

/** The whole body; throws a `BodyError`, or what the source broke with. */
export async function readBounded(body: ReadableStream<Uint8Array> | null, bounds: BodyBounds): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes, rest, why } = await beginningOf(body, bounds)
  if (!rest) return bytes
  // Nobody is left to hear what cancelling may have to say.
  void rest.cancel().catch(() => undefined)
  throw new BodyError(why, bounds)
}

/** A message that says how long it is, and no longer than this, is taken in one piece: piece by piece costs several times as much. */
const ONE_PIECE = 16 * 1024

/** Undefined where a message says nothing of its length, or says it of other bytes: those of a compressed body. */
function announcedLength(headers: Headers): number | undefined {
  const length = headers.get('content-length')
  return length === null || headers.has('content-encoding') ? undefined : Number(length)
}

/** The whole body of a message; throws a `BodyError`, or what the source broke with. */
export function readMessage(message: Request | Response, bounds: BodyBounds): Promise<Uint8Array<ArrayBuffer>> {
  const announced = announcedLength(message.headers)
  if (announced === undefined || !(announced <= Math.min(ONE_PIECE, bounds.mostBytes))) return readBounded(message.body, bounds)
  bounds.holds?.(announced)
  return inOnePiece(message, bounds)
}

/** All of an answer that says it has no more bytes than that, which may throw as above; undefined where it does not say so: nothing is read. */
export function readShort(answer: Response, bounds: BodyBounds): Promise<Uint8Array<ArrayBuffer>> | undefined {
  const announced = announcedLength(answer.headers)
  return announced !== undefined && announced <= bounds.mostBytes ? inOnePiece(answer, bounds) : undefined
}

/** Of a message that is as long as it says. */
function inOnePiece(message: Request | Response, bounds: BodyBounds): Promise<Uint8Array<ArrayBuffer>> {
  const { withinMs, deadline = ownTimer } = bounds
  return new Promise((resolve, reject) => {
    const off = deadline(withinMs, () => reject(new BodyError('too_late', bounds)))
    const read = (whole: ArrayBuffer): void => {
      off()
      resolve(new Uint8Array(whole))
    }
    const broke = (error: unknown): void => {
      off()
      reject(error)
    }
    // oxlint-disable-next-line bounds/bounded-body -- this is the bound
    message.arrayBuffer().then(read, broke)
  })
}

type Beginning =
  | { readonly bytes: Uint8Array<ArrayBuffer>; readonly rest?: undefined; readonly why?: undefined }
  | {
      /** What had come of it; all of that is in the rest too. */
      readonly bytes: Uint8Array<ArrayBuffer>
      /** The body as it came, from its first byte on. */
      readonly rest: ReadableStream<Uint8Array>
      readonly why: BodyError['reason']
    }

/** The whole body, or a stream of it where it turns out to be too long, or too slow. */
export async function beginningOf(
  body: ReadableStream<Uint8Array> | null,
  { mostBytes, holds, ...time }: BodyBounds,
): Promise<Beginning> {
  if (body === null) return { bytes: new Uint8Array() }
  const source = body.getReader()
  const alarm = new Alarm(time)
  const whole = new GrowingBytes()
  try {
    for (;;) {
      const reading = source.read()
      const next = await alarm.before(reading)
      if (next === 'late') return { bytes: whole.bytes, rest: from(source, whole.bytes, reading), why: 'too_late' }
      if (next.done) return { bytes: whole.bytes }
      holds?.(next.value.length)
      const isTooMuch = whole.length + next.value.length > mostBytes
      const before = whole.bytes
      whole.add(isTooMuch ? next.value.subarray(0, mostBytes - before.length) : next.value)
      if (isTooMuch) return { bytes: whole.bytes, rest: from(source, before, Promise.resolve(next)), why: 'too_large' }
    }
  } catch (error) {
    void source.cancel().catch(() => undefined)
    throw error
  } finally {
    alarm.off()
  }
}

/** Ends whatever waits when it goes off. A promise that is raced against each piece would remember every race. */
class Alarm {
  readonly off: () => void
  #isOver = false
  #wake: (() => void) | undefined

  constructor({ withinMs, deadline = ownTimer }: Pick<BodyBounds, 'withinMs' | 'deadline'>) {
    this.off = deadline(withinMs, () => {
      this.#isOver = true
      this.#wake?.()
    })
  }

  before<Value>(work: Promise<Value>): Promise<Value | 'late'> {
    if (this.#isOver) return Promise.resolve('late')
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve('late')
      work.then(resolve, reject)
    })
  }
}

function from(
  source: ReadableStreamDefaultReader<Uint8Array>,
  begun: Uint8Array,
  reading: Promise<ReadableStreamReadResult<Uint8Array>>,
): ReadableStream<Uint8Array> {
  let next: typeof reading | undefined = reading
  // Whoever reads on hears of it; whoever cancels does not want to.
  reading.catch(() => undefined)
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      if (begun.length > 0) controller.enqueue(begun)
    },
    async pull(controller) {
      const { done, value } = await (next ?? source.read())
      next = undefined
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => source.cancel(reason),
  })
}
