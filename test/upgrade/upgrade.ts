// npm run upgrade -- --from REF [--from REF]: a data folder that an earlier commit has written is opened by this one.
//
// The earlier broker is built from its own sources and serves people, clients, a revocation, a block and a machine credential. Then it is
// killed, and this broker starts on the same folder and port: who had access has it, who had none has none, and nothing is forgotten.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { decodeJwt } from 'jose'
import { z } from 'zod'
import { AdminProgram } from '../world/administrator.ts'
import { BrokerClient, statusWith, tokensOf } from '../world/broker-client.ts'
import { ROOT } from '../world/bundle.ts'
import { freePort } from '../world/listening.ts'
import { startWorld } from '../world/world.ts'

const createdSchema = z.looseObject({ token: z.string() })
const receiptSchema = z.looseObject({ id: z.string() })

const { values } = parseArgs({ options: { from: { type: 'string', multiple: true, default: [] } } })
function newestTag(): string {
  const [newest] = execFileSync('git', ['tag', '--sort=-creatordate'], { cwd: ROOT, encoding: 'utf8' }).split('\n')
  if (newest) return newest
  console.error('Nothing has been released yet: name the earlier commit, npm run upgrade -- --from REF')
  return process.exit(64)
}

const refs = values.from.length > 0 ? values.from : [newestTag()]

let wrong = 0
for (const ref of refs) {
  const answers = await upgradeFrom(ref)
  for (const [what, is, shouldBe] of answers) {
    const isRight = is === shouldBe
    wrong += Number(!isRight)
    console.log(`${ref}  ${isRight ? 'ok   ' : 'WRONG'} ${what}: ${is}${isRight ? '' : `, should be ${shouldBe}`}`)
  }
}
process.exit(wrong > 0 ? 1 : 0)

type Answer = readonly [what: string, is: number | string | boolean, shouldBe: number | string | boolean]

async function upgradeFrom(ref: string): Promise<readonly Answer[]> {
  const folder = mkdtempSync(join(tmpdir(), 'broker-upgrade-'))
  const [project, dataDir] = [join(folder, 'earlier'), join(folder, 'data')]
  try {
    execFileSync('git', ['clone', '--quiet', '--no-checkout', ROOT, project])
    execFileSync('git', ['checkout', '--quiet', ref], { cwd: project })
    symlinkSync(join(ROOT, 'node_modules'), join(project, 'node_modules'))
    const ports = { broker: await freePort(), identityProvider: await freePort(), downstream: await freePort() }

    const before = await startWorld({ project, dataDir, ports })
    const { brokerUrl, mcpUrl } = before
    const client = await BrokerClient.register(brokerUrl)
    const alice = await client.signIn('alice')
    const revoked = await client.signIn('alice')
    const bob = await client.signIn('bob')
    const carol = await AdminProgram.signedIn(brokerUrl, 'carol')
    // The earlier broker's answers may lack what today's have.
    const ask = async (path: string, body: object): Promise<string> => {
      const headers = { 'content-type': 'application/json', ...carol.headers }
      return await (await fetch(`${brokerUrl}/admin/api${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).text()
    }
    const machine = createdSchema.parse(
      JSON.parse(
        await ask('/machines', {
          name: 'Terminal',
          owner: 'Ops',
          scopes: ['admin'],
          expiresAt: Math.floor(Date.now() / 1000) + 3_600,
          reason: 'a test',
        }),
      ),
    )
    await client.revoke(revoked.refreshToken)
    const block = receiptSchema.parse(
      JSON.parse(await ask(`/people/${String(decodeJwt(bob.accessToken).sub)}/block`, { reason: 'left' })),
    )
    const statuses = [alice, revoked, bob].map(async ({ accessToken }) => await statusWith(mcpUrl, accessToken))
    const [aliceBefore, revokedBefore, bobBefore] = await Promise.all(statuses)
    await before.killRuntime()
    await before.close()

    const after = await startWorld({ dataDir, ports })
    try {
      const status = async (accessToken: string): Promise<number> => await statusWith(mcpUrl, accessToken)
      const program = new AdminProgram(brokerUrl, { authorization: `Bearer ${machine.token}` })
      const refreshed = await client.refresh(alice.refreshToken)
      const people = await (await program.get('/people')).text()
      return [
        ['somebody has access', await status(alice.accessToken), aliceBefore ?? 200],
        ['their refresh', refreshed.status, 200],
        ['the new token', refreshed.status === 200 ? await status(tokensOf(refreshed).accessToken) : 0, 200],
        ['a revoked grant', await status(revoked.accessToken), revokedBefore ?? 401],
        ['a revoked grant’s refresh', (await client.refresh(revoked.refreshToken)).status, 400],
        ['a blocked person', await status(bob.accessToken), bobBefore ?? 401],
        [
          'a blocked person signs in',
          await client.signIn('bob').then(
            () => 'let in',
            () => 'refused',
          ),
          'refused',
        ],
        ['somebody signs in anew', await status((await client.signIn('carol')).accessToken), 200],
        ['the machine credential', (await program.get('/people')).status, 200],
        ['the index of people', ['alice', 'bob', 'carol'].every((name) => people.includes(`${name}@example.com`)), true],
        ['the receipt of the block', (await program.get(`/receipts/${block.id}`)).status, 200],
        ['an administrator’s page', (await carol.get('/session')).status, 200],
        ['nothing is logged as an error', after.logs.filter(({ level }) => level === 'error').length, 0],
      ]
    } finally {
      await after.close()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
