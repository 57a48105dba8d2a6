// What `npm start` shows once the broker answers: where it is, what is behind it, who one can be, and a line to paste for every client.
import { styleText } from 'node:util'
import { setupsFor, shortNameOf } from '../../src/pages/setups.ts'
import type { Settings } from '../../src/settings/settings.ts'
import { meansPerson } from '../../src/settings/people.ts'
import { exampleServer, stdioBridge } from './own-servers.ts'
import type { OwnSettings } from './own-settings.ts'
import { PEOPLE, PERSON_KEYS } from './people.ts'

export interface Running {
  readonly settings: Pick<Settings, 'baseUrl' | 'downstreams' | 'identityProviders' | 'administrators'>
  readonly own: OwnSettings
  /** Their own identity providers, as a sentence names them. */
  readonly providers: string
  readonly notes: readonly string[]
  /** By URL, what keeps a server from being used. */
  readonly unusable: ReadonlyMap<string, string>
}

/** By name. */
const EXAMPLES: ReadonlyMap<string, string> = new Map([
  ['mcp', 'the example, of both eras: whoami, echo, count, ask, fail'],
  ['legacy', 'the same for 2025-11-25 alone; a client of 2026-07-28 is translated'],
  ['modern', 'the same for 2026-07-28 alone; a client of 2025-11-25 is translated'],
])

type Fact = readonly [name: string, value: string]

export function welcome(running: Running): string {
  const { settings, own, notes } = running
  const [server] = settings.downstreams
  if (!server) return ''
  const behind = own.hasServer
    ? settings.downstreams.length > 1
      ? 'your MCP servers'
      : 'your MCP server'
    : 'an example MCP server'
  const signIn = own.hasSignIn ? 'your own sign-in' : 'the demo sign-in'
  const facts: readonly Fact[] = [
    ...settings.downstreams.flatMap(({ name, resource, url }): Fact[] => [
      ['MCP URL', strong(resource)],
      ['In front of', own.hasServer ? url : `${url} ${quiet(`(${EXAMPLES.get(name) ?? 'an example'})`)}`],
    ]),
    ...signInFacts(running),
    ['In the browser', `${settings.baseUrl}/ ${quiet('(all of this on a page)')}`],
    ['Your clients', `${settings.baseUrl}/account ${quiet('(as anybody: what is open, and how to disconnect it)')}`],
    ['Everybody’s', `${settings.baseUrl}/admin ${quiet(`(${administrators(running)})`)}`],
    ...own.sources.map(({ source, names }): Fact => [
      `From ${source === '.dev.vars' ? source : 'environment'}`,
      names.join(', '),
    ]),
    ...notes.map((note): Fact => ['Note', note]),
  ]
  const lines = [
    '',
    `${strong('MCP Session Broker')} ${quiet(`is running: ${signIn} in front of ${behind}`)}`,
    '',
    ...facts.map(([name, value]) => `${quiet(name.padEnd(18))}${value}`),
    '',
    ...unusable(running),
    ...clientLines(server.resource, !own.hasServer).flatMap(([client, line]) => [quiet(client), `  ${line}`]),
    '',
    ...(own.hasServer ? [] : yourOwn()),
    quiet('Ctrl-C ends all of it. Who is signed in is kept in .data/ for the next start.'),
    '',
  ]
  return lines.map((line) => (line === '' ? '' : `  ${line}`)).join('\n')
}

function signInFacts({ settings, own, providers }: Running): readonly Fact[] {
  if (own.hasSignIn)
    return [
      ['Sign in with', providers],
      ...settings.identityProviders.map(({ callback }): Fact => [
        'Redirect URL',
        `${settings.baseUrl}${callback} ${quiet('(to be entered there)')}`,
      ]),
    ]
  const people = PERSON_KEYS.map((key) => `${PEOPLE[key].name.split(' ')[0]} (${PEOPLE[key].about})`)
  return [['Sign in as', `${people.slice(0, -1).join(', ')} or ${people.at(-1)}, without a password`]]
}

function administrators({ settings: { administrators: rules, identityProviders }, own }: Running): string {
  const { emails, groups } = rules.named
  if (emails.length + groups.length === 0) return 'closed: set ADMIN_EMAILS or ADMIN_GROUPS'
  const what = 'watch a call, take the access away, see the receipt'
  if (own.hasSignIn) return what
  const names = PERSON_KEYS.map((key) => ({ ...PEOPLE[key], issuer: identityProviders[0]?.url ?? '', subject: key }))
    .filter((person) => meansPerson(rules.named, person))
    .map(({ name }) => name.split(' ')[0])
  return names.length > 0
    ? `as ${names.join(' or ')}: ${what}`
    : `nobody of the demo is an administrator: add ${PEOPLE.carol.email} to ADMIN_EMAILS`
}

function unusable({ settings, unusable: wrong }: Running): readonly string[] {
  if (wrong.size === 0) return []
  const here = settings.downstreams.map(({ url }) => new URL(url)).find((url) => wrong.has(url.href) && isThisComputer(url))
  return [
    ...[...wrong.values()].map((sentence) => attention(sentence)),
    quiet('It is asked again every two seconds, so it may be started now.'),
    ...(here
      ? [
          quiet('A server to try:'),
          `  ${exampleServer(here.port || '80')}`,
          quiet('A server that is a program (stdio) needs somebody in between who listens:'),
          `  ${stdioBridge(here.port || '80')}`,
        ]
      : []),
    '',
  ]
}

function isThisComputer({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname.startsWith('127.') || hostname === '[::1]'
}

function yourOwn(): readonly string[] {
  return [
    quiet('Your own MCP server instead of the example'),
    '  DOWNSTREAM_MCP_URL=http://localhost:3001/mcp npm start',
    quiet('… and before that, where it is a program (stdio)'),
    `  ${stdioBridge('3001')}`,
    '',
  ]
}

/** A line to paste for every client. */
export function clientLines(mcpUrl: string, isExample: boolean): readonly (readonly [client: string, line: string])[] {
  const name = shortNameOf(mcpUrl)
  const setups = new Map(setupsFor(mcpUrl, name).map(({ client, text }) => [client, text]))
  const oneLine = (client: string): string => JSON.stringify(JSON.parse(setups.get(client) ?? '{}'))
  return [
    ['MCP Inspector, in the browser', setups.get('MCP Inspector') ?? ''],
    [
      'MCP Inspector, in the terminal',
      `npx @modelcontextprotocol/inspector --cli ${mcpUrl} --method tools/${isExample ? 'call --tool-name whoami' : 'list'}`,
    ],
    ['Claude Code', setups.get('Claude Code') ?? ''],
    ['Cursor, in .cursor/mcp.json', oneLine('Cursor')],
    ['VS Code', `code --add-mcp '${JSON.stringify({ name, type: 'http', url: mcpUrl })}'`],
    ['Clients that only start programs', `npx mcp-remote ${mcpUrl}`],
  ]
}

function strong(text: string): string {
  return styleText('bold', text, { stream: process.stdout })
}

function quiet(text: string): string {
  return styleText('dim', text, { stream: process.stdout })
}

function attention(text: string): string {
  return styleText('yellow', text, { stream: process.stdout })
}
