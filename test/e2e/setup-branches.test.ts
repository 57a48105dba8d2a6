// Every branch of `npm run setup`, at a terminal: each place, each identity provider, each question. What was shown is docs/setup-sessions.md,
// which `npx vitest run test/e2e/setup-branches.test.ts -u` writes anew.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Place } from '../../scripts/setup/places.ts'
import { PROVIDERS, providerOf } from '../../scripts/setup/providers.ts'
import { readSettingsFile } from '../../scripts/setup/settings-file.ts'
import { ROOT } from '../world/bundle.ts'
import { signInAs } from '../world/browser.ts'
import { startDownstream } from '../world/downstream.ts'
import { fixture } from '../world/fixture.ts'
import { startIdentityProvider } from '../world/identity-provider.ts'
import { freePort } from '../world/listening.ts'
import { atTerminal, type Sitting } from '../world/terminal.ts'

const PROGRAM = join(ROOT, 'scripts/setup.ts')
const SECRET = 'a secret of this test'
const REMOTE = 'https://mcp.example.com'

type Step = readonly [question: string, answer?: string]
const last: Step[] = [
  ['Client ID it shows: ', 'broker'],
  ['(not shown here): ', SECRET],
]
const about = (question: string, answer: string, ...more: readonly Step[]): readonly Step[] => [
  [question, answer],
  ...more,
  ...last,
]

/** What each of them asks besides what all ask. */
const ASKED: Readonly<Record<string, readonly Step[]>> = {
  google: about('Workspace domains', 'example.com'),
  entra: about('Tenant ID: ', '8f3c0b7e-0000-4000-8000-1234567890ab', ['for none besides [-]: ', '']),
  okta: about('such as https://ORG.okta.com: ', 'https://acme.okta.com'),
  auth0: about('such as https://TENANT.eu.auth0.com: ', 'https://acme.eu.auth0.com'),
  keycloak: about('/realms/REALM: ', 'https://sso.example.com/realms/acme'),
  github: about('Organisations', 'acme'),
  'cloudflare-access': about('TEAM.cloudflareaccess.com: ', 'acme'),
  'access-in-front': [
    ['TEAM.cloudflareaccess.com: ', 'acme'],
    ['AUD tag of the application: ', 'f00d'],
  ],
  'plain-oauth': about('are below: ', 'https://sso.example.com/oauth'),
  oidc: about('metadata names it: ', 'https://sso.example.com'),
}
const PLACES_IN_TURN = ['this-machine', 'cloudflare', 'kubernetes'] as const

const shown = new Map<string, string>()

const the = fixture(async (closing, onEnd) => {
  const folder = mkdtempSync(join(tmpdir(), 'broker-branches-'))
  onEnd(() => rmSync(folder, { recursive: true, force: true }))
  const url = `http://localhost:${await freePort()}`
  const redirectUris = [`${url}/callback`]
  const idp = await closing(startIdentityProvider({ port: 0, clientId: 'broker', clientSecret: SECRET, redirectUris }))
  const downstream = await closing(startDownstream({ port: 0 }))
  // Stand for programs that would ask for an account and for a cluster.
  for (const name of ['npx', 'kubectl'])
    writeFileSync(join(folder, name), `#!/bin/sh\necho "(${name} runs here)"\n`, { mode: 0o700 })
  return { folder, idp, downstream, url }
})

const sit = (name: string, ...flags: readonly string[]): Sitting =>
  atTerminal(the.folder, PROGRAM, '--file', join(the.folder, name), ...flags)

/** Plays a sitting to its end, and keeps what was shown of it. */
async function play(
  title: string,
  sitting: Sitting,
  steps: readonly Step[],
  flags = '',
  finish = async (): Promise<void> => undefined,
): Promise<number | null> {
  for (const [question, answer] of steps) await sitting.answers(question, answer)
  await finish()
  const code = await sitting.ended
  expect(sitting.shown).not.toContain(SECRET)
  shown.set(title, `$ npm run setup${flags}\n${withoutChance(sitting.shown)}`)
  return code
}

/** Ports, folders and measured times are other ones each time. */
function withoutChance(text: string): string {
  return (
    text
      .replaceAll(the.folder, '.')
      .replaceAll(new URL(the.idp.issuer).host, '127.0.0.1:9000')
      .replaceAll(/\/authorize\?\S+/g, '/authorize?…')
      // Lines of the broker's own log, and what it says of its end.
      .replaceAll(/^\{.*\n?/gm, '')
      .replace(/\^C[^]*/, '^C')
      .replaceAll(the.downstream.url, 'http://127.0.0.1:9001/mcp')
      .replaceAll(the.url, 'http://localhost:8788')
      .replaceAll(/\b\d+ ms\b/g, '… ms')
      .replaceAll(/[ \t]+$/gm, '')
      .trim()
  )
}

const afterProvider: readonly Step[] = [
  ['Address of the MCP server: ', 'https://tools.example.com/mcp'],
  ['(may be empty): ', 'carol@example.com'],
]

describe('an identity provider is asked for what it needs, and its settings are known again', () => {
  test.for(PROVIDERS.map(({ id, title }, index) => [id, PLACES_IN_TURN[index % 3] ?? 'this-machine', index, title] as const))(
    '%s, %s',
    async ([id, place, index, title]) => {
      const file = `${id}.env`
      const address = place === 'cloudflare' ? 'workers.dev: ' : 'public address'
      const steps: readonly Step[] = [
        ['Number or name: ', index % 2 === 0 ? place : String(1 + ['this-machine', 'cloudflare', 'kubernetes'].indexOf(place))],
        [address, REMOTE],
        ['Number or name: ', index % 2 === 0 ? id : String(index + 1)],
        ...(ASKED[id] ?? []),
        ...afterProvider,
        ...(place === 'this-machine' ? ([['whatever the client sent? [no]: ', 'yes']] as const) : []),
        [place === 'this-machine' ? 'Start it now?' : 'Deploy it now?', 'no'],
      ]
      expect(await play(`${titleOf(place)}, ${title}`, sit(file, '--no-check'), steps, ' -- --no-check')).toBe(0)
      const vars = readSettingsFile(join(the.folder, file), place)
      expect(providerOf(vars)?.id).toBe(id)
      expect(vars).toMatchObject({
        BASE_URL: REMOTE,
        DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp',
        ADMIN_EMAILS: 'carol@example.com',
      })
      expect(vars['TRUSTED_PROXY']).toBe(place === 'this-machine' ? '1' : undefined)
    },
  )
})

const begun = (): readonly Step[] => [
  ['Number or name: ', '1'],
  ['[http://localhost:8788]: ', the.url],
  ['Number or name: ', 'oidc'],
  ['metadata names it: ', the.idp.issuer],
  ...last,
]

test('a fault that the doctor finds ends it, or does not', async () => {
  const wrong: readonly Step[] = [
    ...begun(),
    ['Address of the MCP server: ', `http://127.0.0.1:${await freePort()}/mcp`],
    ['(may be empty): ', ''],
  ]
  const port = /127\.0\.0\.1:\d+\/mcp/.exec(wrong.at(-2)?.[1] ?? '')?.[0] ?? ''
  const refused = sit('faulty.env')
  expect(await play('A fault is found', refused, [...wrong, ['Go on all the same? [no]: ', '']])).toBe(1)
  shown.set(
    'A fault is found',
    (shown.get('A fault is found') ?? '')
      .replaceAll(port, '127.0.0.1:9002/mcp')
      .replaceAll(port.replace('/mcp', ''), '127.0.0.1:9002'),
  )
  const taken = sit('faulty.env')
  for (const [question, answer] of [...wrong, ['Go on all the same? [no]: ', 'yes'], ['Start it now? [yes]: ', 'no']] as const)
    await taken.answers(question, answer)
  expect(await taken.ended).toBe(0)
})

test('answers that are none are asked for again, and a file that is there is changed only when that is said', async () => {
  const careless: readonly Step[] = [
    ['Number or name: ', 'the moon'],
    ['is none of', '1'],
    ['[http://localhost:8788]: ', 'mcp.example.com'],
    ['is no origin', 'http://mcp.example.com'],
    ['has to be https', the.url],
    ['Number or name: ', '11'],
    ['is none of', 'oidc'],
    ['metadata names it: ', 'http://sso.example.com'],
    ['is no https address', the.idp.issuer],
    ['it shows: ', ''],
    ['an answer is needed', 'broker'],
    ['(not shown here): ', SECRET],
    ['MCP server: ', 'tools'],
    ['is no address', the.downstream.url],
    ['(may be empty): ', 'carol'],
    ['are no e-mail addresses', ''],
    ['Start it now? [yes]: ', 'perhaps'],
    ['answer yes or no', 'no'],
  ]
  expect(await play('Answers that are none', sit('again.env'), careless)).toBe(0)
  const before = readFileSync(join(the.folder, 'again.env'), 'utf8')
  const offered: readonly Step[] = [
    ['Number or name: ', '1'],
    ...['public address', 'Number or name', 'metadata names it', 'it shows', '[what is stored]: '].map(
      (question) => [question, ''] as const,
    ),
  ]
  const changed: readonly Step[] = [...offered, ['MCP server', ''], ['(may be empty)', 'carol@example.com']]
  expect(await play('Run again, and nothing is to be changed', sit('again.env'), [...changed, ['Change it? [no]: ', '']])).toBe(
    73,
  )
  expect(readFileSync(join(the.folder, 'again.env'), 'utf8')).toBe(before)
  const kept = await play('Run again', sit('again.env'), [...changed, ['Change it? [no]: ', 'yes'], ['Start it now?', 'no']])
  expect([kept, readFileSync(join(the.folder, 'again.env'), 'utf8')]).toEqual([0, `${before}ADMIN_EMAILS=carol@example.com\n`])
})

test('a broker on this machine is started, and a sign-in of a test client reaches the tools', async () => {
  const sitting = sit('started.env')
  const steps: readonly Step[] = [
    ...begun(),
    ['Address of the MCP server: ', the.downstream.url],
    ['(may be empty): ', ''],
    ['No faults found.'],
    ['Start it now? [yes]: ', ''],
    ['And try a sign-in? [yes]: ', ''],
    ['Sign in with your browser:'],
  ]
  const signIn = async (): Promise<void> => {
    const address = await sitting.found(/https?:\/\/\S+\/authorize\?\S+/)
    const stopAt = new URL(address).searchParams.get('redirect_uri') ?? ''
    expect((await fetch(await signInAs('alice', address, { stopAt }))).status).toBe(200)
    await sitting.answers('until you press Ctrl-C')
    sitting.types('\u0003')
  }
  await play('Started, with a sign-in', sitting, steps, '', signIn)
})

test.for([
  ['cloudflare', 'npx'],
  ['kubernetes', 'kubectl'],
] as const)('what was set up for %s is deployed by %s', async ([place, program]) => {
  const steps: readonly Step[] = [
    [place === 'cloudflare' ? 'workers.dev: ' : 'public address: ', 'http://mcp.example.com'],
    ['has to be https', REMOTE],
    ...(ASKED['okta'] ?? []),
    ...afterProvider,
    ['Deploy it now?', 'yes'],
    [`(${program} runs here)`],
  ]
  const flags = ['--where', place, '--provider', 'okta', '--no-check', '--no-sign-in']
  const sitting = sit(`deployed-${place}`, ...flags)
  // There a new name takes minutes to answer, and this one never will.
  const end = async (): Promise<void> => (place === 'cloudflare' ? sitting.types('\u0003') : undefined)
  const code = await play(`${titleOf(place)}, deployed`, sitting, steps, ` -- ${flags.join(' ')}`, end)
  expect(code).toBe(place === 'cloudflare' ? 130 : 0)
})

test('docs/setup-sessions.md is what was shown', async () => {
  const sessions = [...shown].map(([title, text]) => `## ${title}\n\n\`\`\`text\n${text}\n\`\`\`\n`)
  await expect([HEAD, ...sessions].join('\n')).toMatchFileSnapshot(join(ROOT, 'docs/setup-sessions.md'))
})

const HEAD = `# Set up: what it asks

\`npm run setup\` at a terminal, once for each place and each identity provider. A test answers the questions and writes this page, so it is what you will see.
With \`--no-check\` nobody is asked before the settings are written; without it the [doctor](operations/troubleshooting.md) looks first. Secrets are not shown as they are typed. [What it does](deploy.md#set-up-in-one-sitting) · [without a terminal](deploy.md#set-up-in-one-sitting)
`

function titleOf(place: Place): string {
  return { 'this-machine': 'On this machine', cloudflare: 'On Cloudflare', kubernetes: 'In Kubernetes' }[place]
}
