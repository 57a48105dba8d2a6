// What `npm start` shows once the broker answers: where it is, who one can be, and a line to paste for every client.
import { styleText } from 'node:util'
import { setupsFor } from '../../src/pages/setups.ts'
import { PEOPLE, PERSON_KEYS } from './people.ts'

const NAME = 'session-broker'

export function welcome(brokerUrl: string, mcpUrl: string): string {
  const people = PERSON_KEYS.map((key) => `${PEOPLE[key].name.split(' ')[0]} (${PEOPLE[key].about})`)
  const facts: readonly (readonly [string, string])[] = [
    ['MCP URL', strong(mcpUrl)],
    ['Sign in as', `${people.slice(0, -1).join(', ')} or ${people.at(-1)}, without a password`],
    ['In the browser', `${brokerUrl}/ ${quiet('(all of this on a page)')}`],
    ['Your clients', `${brokerUrl}/account ${quiet('(as anybody: what is open, and how to disconnect it)')}`],
    ['Everybody’s', `${brokerUrl}/admin ${quiet('(as Carol: watch a call, take the access away, see the receipt)')}`],
  ]
  const lines = [
    '',
    `${strong('MCP Session Broker')} ${quiet('is running, with a demo identity provider and an example MCP server behind it')}`,
    '',
    ...facts.map(([name, value]) => `${quiet(name.padEnd(16))}${value}`),
    '',
    ...clients(mcpUrl).flatMap(([client, line]) => [quiet(client), `  ${line}`]),
    '',
    quiet('Ctrl-C ends all of it. Who is signed in is kept in .data/ for the next start.'),
    '',
  ]
  return lines.map((line) => (line === '' ? '' : `  ${line}`)).join('\n')
}

function clients(mcpUrl: string): readonly (readonly [client: string, line: string])[] {
  const setups = new Map(setupsFor(mcpUrl, NAME).map(({ client, text }) => [client, text]))
  const oneLine = (client: string): string => JSON.stringify(JSON.parse(setups.get(client) ?? '{}'))
  return [
    ['MCP Inspector, in the browser', setups.get('MCP Inspector') ?? ''],
    [
      'MCP Inspector, in the terminal',
      `npx @modelcontextprotocol/inspector --cli ${mcpUrl} --method tools/call --tool-name whoami`,
    ],
    ['Claude Code', setups.get('Claude Code') ?? ''],
    ['Cursor, in .cursor/mcp.json', oneLine('Cursor')],
    ['VS Code', `code --add-mcp '${JSON.stringify({ name: NAME, type: 'http', url: mcpUrl })}'`],
    ['Clients that only start programs', `npx mcp-remote ${mcpUrl}`],
  ]
}

function strong(text: string): string {
  return styleText('bold', text, { stream: process.stdout })
}

function quiet(text: string): string {
  return styleText('dim', text, { stream: process.stdout })
}
