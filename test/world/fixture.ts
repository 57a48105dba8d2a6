// What tests stand on: begun before the first of them, ended after the last, and begun anew for a test that is tried again, which would else begin where it broke off.
import { afterAll, beforeAll, beforeEach } from 'vitest'

type End = () => unknown
type OnEnd = (end: End) => void
/** Closes, at the end, what has been started; what is still starting is waited for. */
type Closing = <Started extends { close(): unknown }>(started: Started | Promise<Started>) => Promise<Started>

export type Make<Value extends object> = (closing: Closing, onEnd: OnEnd) => Promise<Value>

/** To be called at the top of a file or of a `describe`; what it answers has its properties as soon as a test begins. */
export function fixture<Value extends object>(make: Make<Value>): Readonly<Value> {
  let begun: Begun<Value> | undefined
  const begin = async (): Promise<void> => {
    const before = begun
    begun = undefined
    await before?.end()
    begun = await Begun.by(make)
  }
  beforeAll(begin)
  beforeEach(async ({ task }) => {
    if ((task.result?.attempts ?? []).length > 0) await begin()
  })
  afterAll(async () => await begun?.end())
  return presentValue(() => begun?.value)
}

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

/** An object may be replaced while tests hold it: each property is that of the present one. */
function presentValue<Value extends object>(present: () => Value | undefined): Readonly<Value> {
  const now = (): Value => {
    const value = present()
    if (value === undefined) throw new Error('A fixture is begun before the first test: read it in a test or in a hook')
    return value
  }
  const empty: Value = Object.create(null)
  return new Proxy(empty, {
    get: (_, name) => Reflect.get(now(), name),
    has: (_, name) => name in now(),
    ownKeys: () => {
      throw new Error('A fixture has no properties of its own: name those you need')
    },
    set: () => false,
  })
}
