// What is built to be taken elsewhere: the single executable, which needs no Node.js, and the package.
import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { lock } from '../../selfhost/data-folder.ts'
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

  // The same words as `npm run selfhost` has, though there is no Node.js here.
  const refused = await runs({ ...env, ...SETTINGS, BASE_URL: '', ENCRYPTION_KEY: 'short', DEMO: '1', LISTEN: 'everywhere' })
    .ended
  expect(refused).toMatchObject({
    code: 78,
    said: expect.stringContaining('"variable":"LISTEN","problem":"is not an address and a port"'),
  })
  const mistaken = await runs({ ...env, ...SETTINGS, BASE_URL: '', ENCRYPTION_KEY: 'short', DEMO: '1' }).ended
  expect(mistaken.code).toBe(78)
  for (const sentence of [
    'BASE_URL","problem":"not configured',
    'ENCRYPTION_KEY","problem":"is not 32 bytes in hex or base64',
    'DEMO","problem":"is for npm start alone',
  ])
    expect(mistaken.said).toContain(sentence)
  expect(mistaken.said).not.toContain('"short"')
  // One that was killed a moment ago still has the folder for a moment.
  spawn('flock', [join(env.DATA_DIR, 'lock'), 'sleep', '1'])
  const broker = runs({ ...env, ...SETTINGS })
  while ((await run(join(folder, 'healthy'), env).ended).code !== 0) await sleep(50)
  const second = await runs({ ...env, ...SETTINGS, LISTEN: `127.0.0.1:${await freePort()}` }).ended
  expect(second).toMatchObject({ code: 75, said: expect.stringContaining('another broker is using the data folder') })
  const samePort = await runs({ ...env, ...SETTINGS, DATA_DIR: join(folder, 'other') }).ended
  expect(samePort).toMatchObject({ code: 69, said: expect.stringContaining('is taken') })
  // The supervisor of Node.js and this one keep each other away too.
  expect(() => lock(env.DATA_DIR)).toThrow(expect.objectContaining({ reason: 'in_use' }))
  // Strangers are counted by where they come from, and nobody may say so but a proxy that the operator trusts.
  const registrations = Array.from({ length: 61 }, async (_, index) => await register(port, `10.0.${index}.1`))
  expect((await Promise.all(registrations)).filter((status) => status === 429)).toHaveLength(1)

  broker.child.kill('SIGTERM')
  expect(await broker.ended).toMatchObject({ code: 0, said: expect.stringContaining('drain.told') })
  const release = lock(env.DATA_DIR)
  expect(await runs({ ...env, ...SETTINGS }).ended).toMatchObject({ code: 75 })
  release()
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

async function register(port: number, address: string): Promise<number | undefined> {
  const headers = { host: 'mcp.example.com', 'cf-connecting-ip': address, 'content-type': 'application/json' }
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  request({ port, path: '/register', method: 'POST', headers }, (answer) => resolve(answer.resume().statusCode))
    .once('error', reject)
    .end(JSON.stringify({ redirect_uris: ['http://127.0.0.1:1/callback'] }))
  return await promise
}

function run(program: string, env: Readonly<Record<string, string>>) {
  const child = spawn(program, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise<{ readonly code: number | null; readonly said: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, said }))
  })
  return { child, ended }
}
