// The page that says which server and client work together, direct and through the broker; and what was lost on the way.
import type { Steps } from './software.ts'

export interface Pair {
  readonly server: string
  readonly client: string
  readonly direct: Steps
  readonly through: Steps
}

export interface Matrix {
  readonly page: string
  /** What works direct and not through the broker, a sentence each. */
  readonly lost: readonly string[]
}

export function matrix(pairs: readonly Pair[]): Matrix {
  const clients = [...new Set(pairs.map(({ client }) => client))]
  const servers = [...new Set(pairs.map(({ server }) => server))]
  const cell = (server: string, client: string): string => {
    const pair = pairs.find((each) => each.server === server && each.client === client)
    return pair ? worded(pair) : ''
  }
  const rows = servers.map((server) => `| ${[server, ...clients.map((client) => cell(server, client))].join(' | ')} |`)
  const page = [
    '# Servers and clients that were tried',
    '',
    'Real software from the npm registry, each server with each client, direct and through the broker: connect, list the tools, call one, ten calls at once, a call after a pause, a counter that tells whether the session is still the same, and the end. Made by `npm run compat`.',
    '',
    `| server | ${clients.join(' | ')} |`,
    `|---|${clients.map(() => '---').join('|')}|`,
    ...rows,
    '',
    '“works” is all of it, direct and through. “works through” is what fails direct and works through the broker; “fails direct” fails in both ways, and what fails is named. What works direct and fails through would say “LOST”. Clients of 2026-07-28 alone reach most servers by [`era_bridge`](servers/legacy.md), and older ones the server of 2026-07-28 alone [by themselves](servers/eras.md).',
    '',
  ].join('\n')
  return { page, lost: pairs.flatMap(lostOf) }
}

function worded(pair: Pair): string {
  if (lostOf(pair).length > 0) return '**LOST**'
  const faults = faultsOf(pair.direct)
  if (faults.length === 0) return 'works'
  return faultsOf(pair.through).length === 0 ? 'works through' : `fails direct (${faults.join(', ')})`
}

function lostOf({ server, client, direct, through }: Pair): readonly string[] {
  return Object.entries(direct)
    .filter(([step, said]) => said === 'ok' && through[step] !== 'ok')
    .map(([step]) => `${client} at ${server}, ${step}: ${through[step] ?? 'not reached'}`)
}

function faultsOf(steps: Steps): readonly string[] {
  return Object.entries(steps).flatMap(([step, said]) => (said === 'ok' ? [] : [step]))
}
