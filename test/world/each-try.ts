// What a file of tests stands on, made once; and made anew for a test that failed and is tried again, which would else begin where it broke off.
import { afterAll, beforeAll, beforeEach } from 'vitest'

/** `begin` answers how to end what it began. */
export function forEveryTry(begin: () => Promise<() => Promise<void>>): void {
  let end: (() => Promise<void>) | undefined
  beforeAll(async () => {
    end = await begin()
  })
  beforeEach(async ({ task }) => {
    if ((task.result?.attempts ?? []).length === 0) return
    await end?.()
    end = await begin()
  })
  afterAll(async () => {
    await end?.()
  })
}
