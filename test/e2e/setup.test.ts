// `npm run setup` as somebody at a terminal meets it, and as a script does; with a real identity provider and a real MCP server.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { expect, test } from 'vitest'
import { BrokerClient, statusWith } from '../world/broker-client.ts'
import { signInAs } from '../world/browser.ts'
import { startDownstream } from '../world/downstream.ts'
import { fixture } from '../world/fixture.ts'
import { startIdentityProvider } from '../world/identity-provider.ts'
import { freePort } from '../world/listening.ts'
import * as terminal from '../world/terminal.ts'

const PROGRAM = join(import.meta.dirname, '../../scripts/setup.ts')
const SECRET = 'a secret of this test'

const atTerminal = (...flags: readonly string[]) => terminal.atTerminal(the.folder, PROGRAM, ...flags)
const piped = async (input: string, ...flags: readonly string[]) => await terminal.piped(the.folder, PROGRAM, input, ...flags)

const the = fixture(async (closing, onEnd) => {
  const folder = await mkdtemp(join(tmpdir(), 'broker-setup-'))
  onEnd(() => rm(folder, { recursive: true, force: true }))
  const url = `http://localhost:${await freePort()}`
  const idp = await closing(
    startIdentityProvider({
      port: 0,
      clientId: 'broker',
      clientSecret: SECRET,
      redirectUris: [`${url}/callback`, 'https://mcp.example.com/callback'],
    }),
  )
  const downstream = await closing(startDownstream({ port: 0 }))
  return { folder, url, idp, downstream }
})

test('at a terminal: every question is answered, the broker starts, and a sign-in reaches the tools', async () => {
  const file = join(the.folder, 'broker.env')
  const sitting = atTerminal('--file', file)
  await sitting.answers('Number or name: ', 'this-machine')
  await sitting.answers('public address [http://localhost:8788]: ', `${the.url}/with/a/path`)
  await sitting.answers('is no origin', the.url)
  await sitting.answers('Number or name: ', 'oidc')
  await sitting.answers('as its metadata names it: ', the.idp.issuer)
  await sitting.answers(`Redirect URI: ${the.url}/callback`)
  await sitting.answers('Client ID it shows: ', 'broker')
  await sitting.answers('Client secret it shows (not shown here): ', SECRET)
  await sitting.answers('Address of the MCP server: ', the.downstream.url)
  await sitting.answers('administrators, who can take access away (may be empty): ', 'carol@example.com')
  await sitting.answers('begins a sign-in for this client')
  await sitting.answers('No faults found.')
  await sitting.answers('Start it now? [yes]: ', '')
  await sitting.answers('And try a sign-in? [yes]: ', '')
  await sitting.answers('Sign in with your browser:')
  const address = await sitting.found(/https?:\/\/\S+\/authorize\?\S+/)
  const stopAt = new URL(address).searchParams.get('redirect_uri') ?? ''
  const back = await signInAs('alice', address, { stopAt })
  expect((await fetch(back)).status).toBe(200)
  await sitting.answers('Signed in, and the server answered. Its tools: ')
  await sitting.answers('whoami')
  await sitting.answers('until you press Ctrl-C')

  // Somebody else's client signs in as well, and whoever was the test is gone.
  const { accessToken } = await (await BrokerClient.register(the.url)).signIn('carol')
  expect(await statusWith(`${the.url}/mcp`, accessToken)).toBe(200)

  expect(statSync(file).mode & 0o777).toBe(0o600)
  const vars = parseEnv(readFileSync(file, 'utf8'))
  expect(vars).toMatchObject({ BASE_URL: the.url, OAUTH_CLIENT_SECRET: SECRET, ADMIN_EMAILS: 'carol@example.com' })
  expect(vars['ENCRYPTION_KEY']).toMatch(/^[\da-f]{64}$/)

  sitting.types('\u0003')
  await sitting.ended
  expect(sitting.shown).not.toContain(SECRET)
  expect(sitting.shown).not.toContain(vars['ENCRYPTION_KEY'])
})

test('Ctrl-C in the middle leaves nothing behind', async () => {
  const file = join(the.folder, 'interrupted.env')
  const sitting = atTerminal('--file', file, '--where', 'this-machine', '--url', the.url, '--provider', 'google')
  await sitting.answers('Workspace domains', 'example.com')
  await sitting.answers('Client ID it shows: ', 'broker')
  await sitting.answers('Client secret it shows', 'half a secr\u0003')
  expect(await sitting.ended).toBe(130)
  expect(sitting.shown).toContain('Nothing was written.')
  expect(sitting.shown).not.toContain('half a secr')
  expect(readdirSync(the.folder).filter((name) => name.startsWith('interrupted'))).toEqual([])
})

const FLAGS = () => [
  '--url',
  'https://mcp.example.com',
  '--provider',
  'oidc',
  '--issuer',
  the.idp.issuer,
  '--client-id',
  'broker',
  '--server',
  the.downstream.url,
]

test('without a terminal the first flag that is missing is named, and a secret on the command line is refused', async () => {
  const [missing, shownSecret] = await Promise.all([
    piped('', '--where', 'cloudflare', '--provider', 'oidc', '--url', 'https://mcp.example.com'),
    piped('', '--client-secret', SECRET),
  ])
  expect([missing.code, missing.said]).toEqual([
    64,
    expect.stringContaining('--issuer is missing, and there is no terminal to ask at'),
  ])
  expect([shownSecret.code, shownSecret.said]).toEqual([64, expect.stringContaining('stays in the history of the shell')])
  expect(shownSecret.said).not.toContain(SECRET)
})

test('for Kubernetes a Secret is written once, kept when nothing changes, and changed only when that is said', async () => {
  const file = join(the.folder, 'secret.yaml')
  const flags = ['--where', 'kubernetes', ...FLAGS(), '--file', file, '--client-secret-file', '-', '--yes']
  const first = await piped(SECRET, ...flags)
  expect([first.code, first.said]).toEqual([0, expect.stringContaining('kubectl apply -f')])
  const text = readFileSync(file, 'utf8')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(text).toContain(`  OAUTH_CLIENT_SECRET: "${SECRET}"`)
  expect(first.said).not.toContain(SECRET)

  // The secret is stored: it need not be given again.
  const again = await piped('', ...flags.filter((flag) => flag !== '--client-secret-file' && flag !== '-'))
  expect([again.code, again.said]).toEqual([0, expect.stringContaining('is as it should be')])
  expect(readFileSync(file, 'utf8')).toBe(text)

  const other = await piped(SECRET, ...flags, '--admins', 'carol@example.com')
  expect([other.code, other.said]).toEqual([73, expect.stringContaining('is there and was left as it is')])
  expect(readFileSync(file, 'utf8')).toBe(text)
  const changed = await piped(SECRET, ...flags, '--admins', 'carol@example.com', '--overwrite')
  expect(changed.code).toBe(0)
  expect(readFileSync(file, 'utf8').replace('  ADMIN_EMAILS: "carol@example.com"\n', '').split('\n').toSorted()).toEqual(
    text.split('\n').toSorted(),
  )
})

test('that a proxy sets the header by which strangers are counted is said, kept, and taken back', async () => {
  const file = join(the.folder, 'proxied.env')
  const flags = [
    '--where',
    'this-machine',
    ...FLAGS(),
    '--file',
    file,
    '--client-secret-file',
    '-',
    '--yes',
    '--overwrite',
    '--no-check',
  ]
  const trusts = async (...more: string[]): Promise<string | undefined> => {
    const { code, said } = await piped(SECRET, ...flags, ...more)
    expect([code, said]).toEqual([0, expect.not.stringContaining(SECRET)])
    return parseEnv(readFileSync(file, 'utf8'))['TRUSTED_PROXY']
  }
  expect(await trusts()).toBeUndefined()
  expect(await trusts('--trusted-proxy')).toBe('1')
  expect(await trusts()).toBe('1')
  expect(await trusts('--no-trusted-proxy')).toBeUndefined()
})

test('what the doctor finds wrong is said, and nothing is written', async () => {
  const file = join(the.folder, 'faulty.env')
  const flags = [
    '--where',
    'cloudflare',
    ...FLAGS(),
    '--file',
    file,
    '--client-secret-file',
    '-',
    '--yes',
    '--server',
    `http://127.0.0.1:${await freePort()}/mcp`,
  ]
  const { code, said } = await piped(SECRET, ...flags)
  expect([code, said]).toEqual([1, expect.stringContaining('refused the connection')])
  expect(existsSync(file)).toBe(false)
})

test('on Cloudflare one command deploys settings and host name, and no secret is on its command line', async () => {
  const file = join(the.folder, 'cloudflare.env')
  // Stands for wrangler, which would ask for an account.
  await writeFile(join(the.folder, 'npx'), '#!/bin/sh\nprintf "%s\\n" "$@" >"${0%/*}/asked"\nexit 7\n', { mode: 0o700 })
  const flags = ['--where', 'cloudflare', ...FLAGS(), '--file', file, '--client-secret-file', '-', '--yes', '--start']
  const { code, said } = await piped(SECRET, ...flags)
  expect([code, said]).toEqual([1, expect.stringContaining('npx ended with 7')])
  expect(readFileSync(join(the.folder, 'asked'), 'utf8').trim().split('\n')).toEqual([
    'wrangler',
    'deploy',
    '--secrets-file',
    file,
    '--domain',
    'mcp.example.com',
  ])
  expect(Object.keys(parseEnv(readFileSync(file, 'utf8'))).toSorted()).toEqual([
    'BASE_URL',
    'DOWNSTREAM_MCP_URL',
    'ENCRYPTION_KEY',
    'OAUTH_AUTHORIZE_URL',
    'OAUTH_CLIENT_ID',
    'OAUTH_CLIENT_SECRET',
  ])
})
