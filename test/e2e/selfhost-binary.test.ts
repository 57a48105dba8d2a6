// What is built to be taken elsewhere: the single executable, which needs no Node.js, and the package.
import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { ROOT } from '../world/bundle.ts'
import { freePort } from '../world/listening.ts'

const SETTINGS = {
  BASE_URL: 'https://mcp.example.com',
  DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
  OAUTH_AUTHORIZE_URL: 'https://login.example.com',
  OAUTH_CLIENT_ID: 'broker',
  OAUTH_CLIENT_SECRET: 'a secret of this test',
  ENCRYPTION_KEY: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
}

test('the executable serves without Node.js, refuses a folder that is in use, and tells streams before it ends', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'broker-binary-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  execFileSync(process.execPath, [join(ROOT, 'scripts/build-binary.ts'), '--out', join(folder, 'mcp-session-broker')])
  for (const name of ['run', 'healthy']) copyFileSync(join(ROOT, 'selfhost', name), join(folder, name))
  const [port, operations] = [await freePort(), await freePort()]
  const env = {
    PATH: '/usr/bin:/bin',
    LISTEN: `127.0.0.1:${port}`,
    DATA_DIR: join(folder, 'data'),
    OPERATIONS_PORT: String(operations),
  }
  const runs = (vars: Readonly<Record<string, string>>): ReturnType<typeof run> => run(join(folder, 'run'), vars)

  expect(await runs(env).ended).toMatchObject({ code: 78, said: expect.stringContaining('BASE_URL is not configured') })
  const broker = runs({ ...env, ...SETTINGS })
  while ((await run(join(folder, 'healthy'), env).ended).code !== 0) await sleep(50)
  const second = await runs({ ...env, ...SETTINGS, LISTEN: `127.0.0.1:${await freePort()}` }).ended
  expect(second).toMatchObject({ code: 75, said: expect.stringContaining('another broker is using the data folder') })
  broker.child.kill('SIGTERM')
  expect(await broker.ended).toMatchObject({ code: 0, said: expect.stringContaining('drain.told') })
  expect((await run(join(folder, 'healthy'), env).ended).code).toBe(1)
})

test('the packed package has a command that needs nothing of this repository but workerd', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'broker-package-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  execFileSync('npm', ['pack', '--pack-destination', folder], { cwd: ROOT, stdio: 'pipe' })
  const [tarball = ''] = readdirSync(folder)
  execFileSync('tar', ['xzf', tarball], { cwd: folder })
  const modules = join(folder, 'package/node_modules')
  mkdirSync(modules)
  for (const name of ['workerd', '@cloudflare']) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  const env = {
    ...SETTINGS,
    PATH: process.env['PATH'] ?? '',
    LISTEN: `127.0.0.1:${await freePort()}`,
    DATA_DIR: join(folder, 'data'),
  }
  const broker = run(join(folder, 'package/dist/selfhost.js'), env)
  // And the set-up, which knows that it is in a package.
  const setUp = execFileSync(process.execPath, [join(folder, 'package/dist/setup.js'), '--help'], { encoding: 'utf8' })
  expect(setUp).toContain('--where PLACE')
  while ((await run(join(ROOT, 'selfhost/healthy'), env).ended).code !== 0) await sleep(50)
  broker.child.kill('SIGTERM')
  expect(await broker.ended).toMatchObject({ code: 0, said: expect.stringContaining('broker.ended') })
})

function run(program: string, env: Readonly<Record<string, string>>) {
  const child = spawn(program, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise<{ readonly code: number | null; readonly said: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, said }))
  })
  return { child, ended }
}
