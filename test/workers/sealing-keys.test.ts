// The sealing keys of a deployment: one is in use, the others stay, and of two administrators at once the second is refused.
import { env } from 'cloudflare:test'
import { describe, expect, test } from 'vitest'
import type { AdminAction } from '../../src/session/contract/receipt.ts'
import { eachBeginsAt } from './clock.ts'

const NOW = 1_800_000_000
eachBeginsAt(() => NOW)

const KEY = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' } as const
const made = (replaces: string | null) => ({ key: KEY, wrapped: { passphrase: 'wrapped', recovery: 'wrapped too' }, replaces })
let orders = 0
const order = (id: string, by = 'carol'): AdminAction => ({
  id: `order ${(orders += 1)}`,
  at: NOW,
  by,
  byName: `${by}@example.com`,
  why: 'first set-up',
  action: 'create',
  target: { what: 'sealing_key', id },
})
let names = 0
const freshDirectory = () => env.DIRECTORY.getByName(`sealing ${names++}`)

describe('a sealing key', () => {
  test('is kept with who made it, a receipt and an event', async () => {
    const directory = freshDirectory()
    expect(await directory.sealingKeys()).toEqual([])
    const receipt = await directory.keepSealingKey(made(null), order('first'))
    expect(receipt).toMatchObject({ action: 'create', target: { what: 'sealing_key', id: 'first' }, state: 'done' })
    expect(await directory.sealingKeys()).toEqual([
      {
        fingerprint: 'first',
        key: KEY,
        wrapped: { passphrase: 'wrapped', recovery: 'wrapped too' },
        createdAt: NOW,
        by: 'carol',
        byName: 'carol@example.com',
      },
    ])
    expect((await directory.receipts(undefined)).receipts).toMatchObject([{ id: receipt?.id }])
    expect(await directory.securityEvents({})).toMatchObject([
      { type: 'sealing_key_created', actor: 'carol', reason: 'first set-up' },
    ])
  })

  test('of the second of two administrators who make the first one at once is refused, and leaves nothing', async () => {
    const directory = freshDirectory()
    const [first, second] = await Promise.all([
      directory.keepSealingKey(made(null), order('of carol')),
      directory.keepSealingKey(made(null), order('of dave', 'dave')),
    ])
    expect([first?.by, second]).toEqual(['carol', undefined])
    expect((await directory.sealingKeys()).map(({ fingerprint }) => fingerprint)).toEqual(['of carol'])
    expect((await directory.receipts(undefined)).receipts).toHaveLength(1)
    expect(await directory.securityEvents({})).toHaveLength(1)
  })

  test('that is replaced stays, and only the one that was looked at is replaced', async () => {
    const directory = freshDirectory()
    await directory.keepSealingKey(made(null), order('first'))
    expect(await directory.keepSealingKey(made('another'), order('second'))).toBeUndefined()
    expect(await directory.keepSealingKey(made('first'), order('second'))).toBeDefined()
    expect(await directory.keepSealingKey(made('second'), order('first'))).toBeUndefined()
    const keys = await directory.sealingKeys()
    expect(keys.map(({ fingerprint, replacedAt }) => [fingerprint, replacedAt])).toEqual([
      ['second', undefined],
      ['first', NOW],
    ])
    expect((await directory.securityEvents({})).map(({ type }) => type)).toEqual(['sealing_key_replaced', 'sealing_key_created'])
  })
})
