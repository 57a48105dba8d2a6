// A backup is made while people are connected, and a restore brings no access back that was taken away after it.
import { existsSync, renameSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { backUp, restore } from '../../selfhost/backup.ts'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient, countForLong, statusWith } from '../world/broker-client.ts'
import { fixture } from '../world/fixture.ts'
import { startWorld } from '../world/world.ts'

const the = fixture(async (closing, onEnd) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'broker-backup-'))
  onEnd(() => rm(dataDir, { recursive: true, force: true }))
  const backups = await mkdtemp(join(tmpdir(), 'broker-backups-'))
  onEnd(() => rm(backups, { recursive: true, force: true }))
  const world = await closing(startWorld({ dataDir }))
  return { dataDir, backups, world }
})

test('what was revoked after the backup stays revoked, unless the operator says that nothing was', async () => {
  const client = await BrokerClient.register(the.world.brokerUrl)
  const alice = await client.signIn('alice')
  const bob = await client.signIn('bob')
  const stream = await countForLong(the.world.mcpUrl, bob.accessToken)
  const carol = await AdminProgram.signedIn(the.world.brokerUrl, 'carol')
  const sub = String(decodeJwt(bob.accessToken).sub)
  expect((await carol.post(`/recordings/${sub}`, { bodies: false, minutes: 60, reason: 'looking for a bug' })).status).toBe(201)
  const first = join(the.backups, 'first')
  expect(backUp(the.dataDir, first)).toMatchObject({ databases: expect.any(Number) })
  expect(stream.endedAt).toBeUndefined()
  await client.revoke(alice.refreshToken)
  expect(await statusWith(the.world.mcpUrl, alice.accessToken)).toBe(401)

  await restored(first, false)
  for (const { accessToken } of [alice, bob]) expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(401)
  expect(await client.refresh(bob.refreshToken)).toMatchObject({ status: 400 })
  // Nobody is locked out: the client is still known, and signing in makes a new grant. In the second of the restore nobody can tell
  // what of it came first.
  await sleep(1_100)
  const again = await client.signIn('bob')
  expect(await statusWith(the.world.mcpUrl, again.accessToken)).toBe(200)

  await restored(first, true)
  for (const { accessToken } of [alice, bob]) expect(await statusWith(the.world.mcpUrl, accessToken)).toBe(200)
  // An administrator may have stopped it since: nobody is recorded whom nobody means to record.
  expect((await carol.see(`/people/${sub}`))['live'].recording).toBeUndefined()
})

test.for<[string, () => unknown, string]>([
  ['a folder that has a backup', () => backUp(the.dataDir, the.backups), 'is there already'],
  ['a folder that is no broker’s', () => backUp(the.backups, join(the.backups, 'none')), 'is no data folder of a broker'],
  ['no backup', () => restore(the.dataDir, join(the.backups, 'new'), false), 'is no backup of a broker'],
  ['a folder that has objects', () => restore(join(the.backups, 'first'), the.dataDir, false), 'has objects already'],
])('%s is refused', ([, act, why]) => {
  expect(act).toThrow(why)
})

async function restored(from: string, keepsAccess: boolean): Promise<void> {
  await the.world.killRuntime()
  const objects = join(the.dataDir, 'durable-objects')
  renameSync(objects, join(the.backups, `objects-${Date.now()}`))
  restore(from, the.dataDir, keepsAccess)
  expect(existsSync(objects)).toBe(true)
  await the.world.restartRuntime()
}
