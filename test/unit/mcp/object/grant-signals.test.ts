// What the broker asks a server by itself, in a person's name, ends with the grant it asks for.
import { describe, expect, test } from 'vitest'
import { GrantSignals } from '../../../../src/mcp/object/grant-signals.ts'

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('cut off')), { once: true }))

const REVOKED = { code: 'credential_revoked' }

describe('what the broker asks by itself', () => {
  test('is cut off when its grant ends, and the client is told why; what is asked for another grant goes on', async () => {
    const signals = new GrantSignals(() => true)
    const asked = signals.within('ended', 5_000, aborted)
    const other = Promise.withResolvers<string>()
    const going = signals.within('alive', 5_000, () => other.promise)
    signals.end('credential_revoked', (grantId) => grantId === 'ended')
    await expect(asked).rejects.toMatchObject(REVOKED)
    other.resolve('answered')
    expect(await going).toBe('answered')
  })

  test('is not begun for a grant that is over', async () => {
    const signals = new GrantSignals(() => false)
    let isBegun = false
    const asked = signals.within('over', 5_000, () => {
      isBegun = true
      return Promise.resolve()
    })
    await expect(asked).rejects.toMatchObject(REVOKED)
    expect(isBegun).toBe(false)
  })

  test('whose answer came in the moment of the end counts for nothing', async () => {
    const signals = new GrantSignals(() => true)
    const asked = signals.within('ended', 5_000, () => {
      signals.end('credential_revoked', () => true)
      return Promise.resolve('an answer')
    })
    await expect(asked).rejects.toMatchObject(REVOKED)
  })

  test('is given up after its time, and the grant is good for the next', async () => {
    const signals = new GrantSignals(() => true)
    await expect(signals.within('slow', 1, aborted)).rejects.toThrow('cut off')
    expect(await signals.within('slow', 5_000, () => Promise.resolve('answered'))).toBe('answered')
  })
})
