// The set-up from the first question to a sign-in. Nothing is written before everything is answered.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { examineSettings } from '../doctor/settings.ts'
import { shown } from '../doctor/shown.ts'
import { Answers } from './answers.ts'
import { defaultFile, type Flags } from './flags.ts'
import { SetupError, USAGE_ERROR } from './setup-error.ts'
import { commandOf, notFromHere, ofTheProcess, start, type Broker, type Place } from './places.ts'
import { OF_PROVIDERS, providerOf, type KnownProvider } from './providers.ts'
import { differs, readSettingsFile, settingsText, writePrivately, type Vars } from './settings-file.ts'
import type { Terminal } from './terminal.ts'
import { openInBrowser, trySignIn } from './test-client.ts'

const FILE_IS_THERE = 73

export async function setUp(flags: Flags, terminal: Terminal, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const answers = new Answers(flags, terminal, env)
  const place = await answers.place()
  const refused = notFromHere(place)
  if (refused !== undefined) throw new SetupError(refused, USAGE_ERROR)
  const file = flags.file ?? defaultFile(place)
  const stored = readSettingsFile(file, place)
  if (Object.keys(stored).length > 0)
    terminal.say(`\n${file} is there: what it says is offered, and what is not asked stays as it is.`)
  const url = await answers.url(place, stored)
  const provider = await answers.provider(stored)
  // Of another provider nothing is offered, and nothing stays.
  const kept = providerOf(stored)?.id === provider.id ? stored : without(stored, OF_PROVIDERS)
  const issuer = await answers.issuer(provider, kept)
  terminal.say(registration(provider, url))
  const client = await answers.client(provider, kept)
  const server = await answers.server(stored)
  const admins = await answers.administrators(stored)
  const isBehindProxy = place === 'this-machine' && url.startsWith('https:')
  const isProxyTrusted = isBehindProxy && (await trustsProxy(stored, terminal, flags))

  const vars: Vars = {
    ...without(kept, ['OAUTH_RESTRICT_TO', 'ADMIN_EMAILS', 'MCP_SERVER_URL', ...(isBehindProxy ? ['TRUSTED_PROXY'] : [])]),
    BASE_URL: url,
    DOWNSTREAM_MCP_URL: server,
    ...issuer,
    ...client,
    ...(admins !== '' && { ADMIN_EMAILS: admins }),
    // A new key would sign everybody out: it is made once.
    ...(stored['COOKIE_ENCRYPTION_KEY'] === undefined && {
      ENCRYPTION_KEY: stored['ENCRYPTION_KEY'] ?? randomBytes(32).toString('hex'),
    }),
    ...ofTheProcess(place, url, file, stored),
    ...(isProxyTrusted && { TRUSTED_PROXY: '1' }),
  }
  if (flags.check) await check(vars, terminal, flags)
  const text = settingsText(vars, place, file)
  const mayChange = !existsSync(file) || !differs(file, text) || (await isToBeChanged(file, terminal, flags))
  if (!mayChange)
    throw new SetupError(
      `${file} is there and was left as it is. --overwrite changes it, --file writes another one.`,
      FILE_IS_THERE,
    )
  const steps = await whatIsToBeDone(place, terminal, flags)
  // From here on nothing is asked, and Ctrl-C ends this program as it ends any other.
  terminal.close()
  if (differs(file, text)) {
    writePrivately(file, text)
    terminal.say(`\nWritten: ${file}, for your eyes only (mode 0600). Keep a copy where you keep secrets.`)
  } else terminal.say(`\n${file} is as it should be.`)
  await begin({ place, url, file, listen: vars['LISTEN'] ?? '' }, steps, terminal)
}

function registration({ title, register }: KnownProvider, url: string): string {
  return ['', `Register the broker at ${title}:`, ...register(url).map((line) => `  ${line}`), ''].join('\n')
}

function without(vars: Vars, names: readonly string[]): Vars {
  return Object.fromEntries(Object.entries(vars).filter(([name]) => !names.includes(name)))
}

/** By that header strangers are told apart. Trusted without a proxy that sets it, each of them says who they are. */
async function trustsProxy(stored: Vars, terminal: Terminal, { yes, 'trusted-proxy': given }: Flags): Promise<boolean> {
  const offered = stored['TRUSTED_PROXY'] === '1'
  if (given !== undefined || yes || !terminal.isInteractive) return given ?? offered
  const text = 'Does your TLS proxy set CF-Connecting-IP to the address of the client, whatever the client sent?'
  return await terminal.confirm(text, 'trusted-proxy', offered)
}

async function check(vars: Vars, terminal: Terminal, { yes }: Flags): Promise<void> {
  terminal.say('\nAsking the identity provider and the server …\n')
  const named = without(vars, ['LISTEN', 'DATA_DIR', 'DRAIN_SECONDS', 'TRUSTED_PROXY'])
  const findings = await examineSettings(named)
  terminal.say(shown(findings))
  if (!findings.some(({ state }) => state === 'fault')) return
  const isToGoOn = !yes && terminal.isInteractive && (await terminal.confirm('\nGo on all the same?', 'no-check', false))
  if (!isToGoOn) throw new SetupError('Nothing was written. --no-check writes without asking them.')
}

async function isToBeChanged(file: string, terminal: Terminal, { yes, overwrite }: Flags): Promise<boolean> {
  if (overwrite || yes || !terminal.isInteractive) return overwrite
  return await terminal.confirm(`\n${file} is there. Change it?`, 'overwrite', false)
}

interface Steps {
  readonly isToStart: boolean
  readonly isToSignIn: boolean
}

async function whatIsToBeDone(
  place: Place,
  terminal: Terminal,
  { yes, start: toStart, 'sign-in': toSignIn }: Flags,
): Promise<Steps> {
  const decided = async (given: boolean | undefined, text: string, flag: string, offered: boolean): Promise<boolean> => {
    if (given !== undefined) return given
    if (yes) return offered && terminal.isInteractive
    if (!terminal.isInteractive)
      throw new SetupError(`--${flag} or --no-${flag} is missing, and there is no terminal to ask at.`, USAGE_ERROR)
    return await terminal.confirm(text, flag, offered)
  }
  const question = place === 'this-machine' ? 'Start it now?' : 'Deploy it now?'
  const isToStart = await decided(toStart, question, 'start', place !== 'kubernetes')
  // In a cluster nobody knows when the ingress will lead there.
  const canSignIn = isToStart && place !== 'kubernetes'
  return { isToStart, isToSignIn: canSignIn && (await decided(toSignIn, 'And try a sign-in?', 'sign-in', true)) }
}

async function begin(broker: Broker, { isToStart, isToSignIn }: Steps, terminal: Terminal): Promise<void> {
  const { place, url, file } = broker
  const isServedHere = place === 'this-machine'
  if (place === 'kubernetes')
    terminal.say(
      'Build and push the image of selfhost/Dockerfile, name it in selfhost/kubernetes.yaml, and put an ingress with TLS in front.',
    )
  if (isServedHere && url.startsWith('https:')) terminal.say(`A TLS proxy has to serve ${url} from here: docs/self-hosting.md.`)
  terminal.say(`${isServedHere ? 'It is started' : 'It is deployed'} by: ${commandOf(place, url, file).join(' ')}`)
  if (!isToStart) return
  const child = await start(broker)
  const end = (): void => void child?.kill('SIGTERM')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
  terminal.say(`\nThe broker runs at ${url}. Clients connect to ${url}/mcp, administrators to ${url}/admin.`)
  try {
    if (isToSignIn) await signIn(url, terminal)
  } catch (error) {
    end()
    throw error
  }
  if (child) terminal.say('The broker goes on until you press Ctrl-C.')
}

async function signIn(url: string, terminal: Terminal): Promise<void> {
  const tools = await trySignIn(url, `${url}/mcp`, (address) => {
    terminal.say(`\nSign in with your browser:\n\n  ${address}\n`)
    if (terminal.isInteractive) openInBrowser(address)
  })
  terminal.say(`\nSigned in, and the server answered. Its tools: ${tools.join(', ') || 'none'}.`)
}
