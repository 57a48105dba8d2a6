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
import { startWorld, type World } from '../world/world.ts'
import { forEveryTry } from '../world/each-try.ts'

let dataDir: string
let backups: string
let world: World

forEveryTry(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'broker-backup-'))
  backups = await mkdtemp(join(tmpdir(), 'broker-backups-'))
  world = await startWorld({ dataDir })
  return async () => {
    await world?.close()
    for (const folder of [dataDir, backups]) await rm(folder, { recursive: true, force: true })
  }
})

test('what was revoked after the backup stays revoked, unless the operator says that nothing was', async () => {
  const client = await BrokerClient.register(world.brokerUrl)
  const alice = await client.signIn('alice')
  const bob = await client.signIn('bob')
  const stream = await countForLong(world.mcpUrl, bob.accessToken)
  const carol = await AdminProgram.signedIn(world.brokerUrl, 'carol')
  const sub = String(decodeJwt(bob.accessToken).sub)
  expect((await carol.post(`/recordings/${sub}`, { bodies: false, minutes: 60, reason: 'looking for a bug' })).status).toBe(201)
  const first = join(backups, 'first')
  expect(backUp(dataDir, first)).toMatchObject({ databases: expect.any(Number) })
  expect(stream.endedAt).toBeUndefined()
  await client.revoke(alice.refreshToken)
  expect(await statusWith(world.mcpUrl, alice.accessToken)).toBe(401)

  await restored(first, false)
  for (const { accessToken } of [alice, bob]) expect(await statusWith(world.mcpUrl, accessToken)).toBe(401)
  expect(await client.refresh(bob.refreshToken)).toMatchObject({ status: 400 })
  // Nobody is locked out: the client is still known, and signing in makes a new grant. In the second of the restore nobody can tell
  // what of it came first.
  await sleep(1_100)
  const again = await client.signIn('bob')
  expect(await statusWith(world.mcpUrl, again.accessToken)).toBe(200)

  await restored(first, true)
  for (const { accessToken } of [alice, bob]) expect(await statusWith(world.mcpUrl, accessToken)).toBe(200)
  // An administrator may have stopped it since: nobody is recorded whom nobody means to record.
  expect((await carol.see(`/people/${sub}`))['live'].recording).toBeUndefined()
})

test.for<[string, () => unknown, string]>([
  ['a folder that has a backup', () => backUp(dataDir, backups), 'is there already'],
  ['a folder that is no broker’s', () => backUp(backups, join(backups, 'none')), 'is no data folder of a broker'],
  ['no backup', () => restore(dataDir, join(backups, 'new'), false), 'is no backup of a broker'],
  ['a folder that has objects', () => restore(join(backups, 'first'), dataDir, false), 'has objects already'],
])('%s is refused', ([, act, why]) => {
  expect(act).toThrow(why)
})

async function restored(from: string, keepsAccess: boolean): Promise<void> {
  await world.killRuntime()
  const objects = join(dataDir, 'durable-objects')
  renameSync(objects, join(backups, `objects-${Date.now()}`))
  restore(from, dataDir, keepsAccess)
  expect(existsSync(objects)).toBe(true)
  await world.restartRuntime()
}
