// Something that takes several steps to begin, and what has to be ended with it, however far it came.
type End = () => unknown
type OnEnd = (end: End) => void
/** Closes, at the end, what has been started; what is still starting is waited for. */
export type Closing = <Started extends { close(): unknown }>(started: Started | Promise<Started>) => Promise<Started>

export type Make<Value extends object> = (closing: Closing, onEnd: OnEnd) => Value | Promise<Value>

/** A value, and what has to be ended with it: the newest first, because it may stand on what is older. */
export class Begun<Value extends object> {
  readonly value: Value
  readonly #ends: readonly End[]

  private constructor(value: Value, ends: readonly End[]) {
    this.value = value
    this.#ends = ends
  }

  /** What a failure leaves half begun is ended, too. */
  static async by<Value extends object>(make: Make<Value>): Promise<Begun<Value>> {
    const ends: End[] = []
    const closing: Closing = async (started) => {
      ends.push(async () => {
        const closable = await Promise.resolve(started).catch(() => undefined)
        await closable?.close()
      })
      return await started
    }
    try {
      return new Begun(await make(closing, (end) => ends.push(end)), ends)
    } catch (error) {
      await endAll(ends, [error])
      throw error
    }
  }

  async end(): Promise<void> {
    await endAll(this.#ends)
  }
}

/** One that fails keeps no other from its end. */
async function endAll(ends: readonly End[], before: readonly unknown[] = []): Promise<void> {
  const errors = [...before]
  for (const end of ends.toReversed()) {
    try {
      await end()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join('; '))
  if (errors.length > before.length) throw errors[0]
}
