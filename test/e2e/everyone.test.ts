// Revoke everyone, and kill the runtime in the middle: what was begun is finished, and the receipt is whole.
import { expect, test } from 'vitest'
import { statusWith } from '../world/broker-client.ts'
import { startAdministeredWorld } from '../world/administered-world.ts'
import { fixture } from '../world/fixture.ts'

/** `EVERYONE=2000 npx vitest run test/e2e/everyone.test.ts` is the same with two thousand. */
const EVERYONE = Number(process.env['EVERYONE'] ?? 150)

const the = fixture(startAdministeredWorld)

test(
  'revoking everyone survives a kill in the middle: after the restart all have answered, and the receipt is whole',
  { timeout: 60_000 + EVERYONE * 100 },
  async () => {
    const { world, client, carol } = the
    const machines = []
    for (let n = 0; n < EVERYONE; n += 30)
      machines.push(...(await Promise.all(Array.from({ length: 30 }, (_, m) => carol.createMachine({ name: `Robot ${n + m}` })))))
    const alice = await client.signIn('alice')
    const overview = async (): Promise<number> => (await carol.see('/overview'))['connected']
    await expect.poll(overview, { timeout: 20_000 }).toBeGreaterThan(EVERYONE)
    const connected = await overview()

    const begun = await carol.revoke({ what: 'everyone' }, 'a drill')
    expect(begun).toMatchObject({ state: 'running', people: { total: connected, done: 0 } })
    await expect
      .poll(async () => (await carol.receipt(begun.id)).people.done, { timeout: 20_000, interval: 1 })
      .toBeGreaterThan(0)
    await world.restartRuntime()
    const half = await carol.receipt(begun.id)
    expect(half.people.done).toBeLessThan(connected)
    await expect.poll(() => carol.receipt(begun.id), { timeout: 45_000, interval: 200 }).toMatchObject({ state: 'done' })
    const whole = await carol.receipt(begun.id)
    expect(whole).toMatchObject({ people: { total: connected, done: connected, failing: 0 }, why: 'a drill' })
    // Each of them had one.
    expect(whole.grants).toBe(connected)
    for (const { token } of machines.filter((_, n) => n % 10 === 0)) expect(await statusWith(world.mcpUrl, token)).toBe(401)
    expect(await statusWith(world.mcpUrl, alice.accessToken)).toBe(401)
    await expect.poll(overview, { timeout: 30_000 }).toBe(0)
  },
)
