// What tests stand on: begun before the first of them, ended after the last, and begun anew for a test that is tried again, which would else begin where it broke off.
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { Begun, type Make } from './begun.ts'

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

/** The same for each test by itself. */
export function perTest<Value extends object>(make: Make<Value>): Readonly<Value> {
  let begun: Begun<Value> | undefined
  beforeEach(async () => {
    begun = await Begun.by(make)
  })
  afterEach(async () => await begun?.end())
  return presentValue(() => begun?.value)
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
