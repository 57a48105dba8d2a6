// After a restore what administrators had done since is done again, by the commands of docs/self-hosting.md and docs/operations/backup.md.
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient } from '../world/broker-client.ts'
import { fixture } from '../world/fixture.ts'
import { programEnds } from '../world/program.ts'
import { startWorld } from '../world/world.ts'

const PROGRAM = join(import.meta.dirname, '../../scripts/admin.ts')

const the = fixture(async (closing, onEnd) => {
  const folder = await mkdtemp(join(tmpdir(), 'broker-replay-'))
  onEnd(() => rm(folder, { recursive: true, force: true }))
  const dataDir = join(folder, 'data')
  const world = await closing(startWorld({ dataDir }))
  return { folder, dataDir, world }
})

async function asAdministrator(): Promise<{ carol: AdminProgram; admin: (...args: readonly string[]) => Promise<string> }> {
  const carol = await AdminProgram.signedIn(the.world.brokerUrl, 'carol')
  const { token } = await carol.createMachine({ name: 'Terminal', scopes: ['admin'] })
  const admin = async (...args: readonly string[]): Promise<string> => {
    const { code, out } = await programEnds([PROGRAM, ...args], { BROKER_URL: the.world.brokerUrl, ADMIN_TOKEN: token })
    expect(code).toBe(0)
    return out
  }
  return { carol, admin }
}

test('who was blocked since the backup is blocked again, however much was done afterwards; who was let in again is not', async () => {
  const client = await BrokerClient.register(the.world.brokerUrl)
  const subs = await Promise.all(
    (['alice', 'bob'] as const).map(async (person) => String(decodeJwt((await client.signIn(person)).accessToken).sub)),
  )
  const [alice = '', bob = ''] = subs
  const other = await BrokerClient.register(the.world.brokerUrl)
  await other.signIn('alice')
  const { carol, admin } = await asAdministrator()
  expect(await admin('backup', join(the.folder, 'backup'), '--data', the.dataDir)).toContain('databases, as they were at')
  await admin('block', 'person', bob, '--reason', 'laptop stolen')
  await admin('block', 'client', other.clientId, '--reason', 'not ours')
  // More than the newest page has room for.
  for (let round = 0; round < 26; round += 1)
    for (const action of ['block', 'unblock'])
      expect((await carol.post(`/people/${alice}/${action}`, { reason: 'looking' })).ok).toBe(true)
  // As `npm run admin -- receipts --json >> receipts.json` leaves it, done twice.
  const npm = '\n> mcp-session-broker@0.1.0 admin\n> node scripts/admin.ts receipts --json\n\n'
  const said = await admin('receipts', '--json')
  await writeFile(join(the.folder, 'receipts.json'), `${npm}${said}${npm}${said}`)
  await writeFile(join(the.folder, 'cut.json'), said.slice(0, -50))

  await the.world.killRuntime()
  await rename(join(the.dataDir, 'durable-objects'), join(the.folder, 'away'))
  const restored = await admin('restore', join(the.folder, 'backup'), '--data', the.dataDir)
  const [, since = ''] = /replay FILE --since (\S+)/.exec(restored) ?? []
  await the.world.restartRuntime()

  const after = await asAdministrator()
  expect((await after.carol.see(`/people/${bob}`))['listed'].blocked).toBe(false)
  expect(await after.admin('replay', join(the.folder, 'receipts.json'), '--since', since)).toContain('54 actions done again')
  await expect(after.admin('replay', join(the.folder, 'cut.json'))).rejects.toThrow('expected 1 to be')
  await expect(client.signIn('bob')).rejects.toThrow('blocked')
  await expect(other.signIn('alice')).rejects.toThrow('blocked this application')
  expect((await client.signIn('alice')).accessToken).toBeDefined()
})
