// npm run admin: what administrators see and do, from a terminal; BROKER_URL and ADMIN_TOKEN (a machine credential with the scope admin) say where and as whom.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { backUp, BackupError, restore } from '../selfhost/backup.ts'
import { DataFolderError } from '../selfhost/data-folder.ts'
import { aboutPerson, head, shownChainRows, shownHead, shownProof, verifyFile } from './admin/evidence.ts'
import { printRecording } from './admin/recording.ts'
import { allReceipts, receiptsIn, replay } from './admin/replay.ts'
import { sqlExport } from './admin/sql-export.ts'
import { Mistake, signalRows, streamAction, type Answer } from './admin/signals.ts'
import { USAGE } from './admin/usage.ts'
import { clean, table, when } from './admin/table.ts'

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    'no-wait': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
    reason: { type: 'string' },
    sub: { type: 'string' },
    type: { type: 'string' },
    client: { type: 'string' },
    name: { type: 'string' },
    owner: { type: 'string' },
    scope: { type: 'string', multiple: true },
    resource: { type: 'string', multiple: true },
    provider: { type: 'string' },
    days: { type: 'string', default: '90' },
    data: { type: 'string' },
    pin: { type: 'string', multiple: true },
    head: { type: 'string', multiple: true },
    jwks: { type: 'string' },
    out: { type: 'string' },
    since: { type: 'string', default: '1970-01-01' },
    'keep-access': { type: 'boolean', default: false },
    file: { type: 'string' },
    recovery: { type: 'boolean', default: false },
    fingerprint: { type: 'string' },
  },
})
const [command = '', ...words] = positionals

const COMMANDS: Readonly<Record<string, () => Promise<Answer>>> = {
  people: () => get('/people', { search: words[0] }),
  person: () => get(`/people/${named(words[0], 'SUB')}`),
  clients: () => get('/clients', { search: words[0] }),
  machines: () => get('/machines'),
  events: () => get('/events', { type: given.type, sub: given.sub, client: given.client }),
  receipts: () => {
    if (words[0] !== undefined) return get(`/receipts/${encodeURIComponent(words[0])}`)
    return given.json ? allReceipts(get, since()) : get('/receipts')
  },
  revoke: () => settled(post('/revocations', { target: target(), reason: reason() })),
  block: () => settled(post(`${blockable()}/block`, { reason: reason() })),
  unblock: () => settled(post(`${blockable()}/unblock`, { reason: reason() })),
  machine: () => post('/machines', machine()),
  signals: () => (words.length === 0 ? get('/signals') : post(...streamAction(words, reason))),
  verify: () => verifyFile(named(words[0], 'FILE'), given),
  evidence: () => (words[0] === 'head' ? head(get) : aboutPerson(person(), get, given)),
  'sql-export': () => sqlExport(named(words[0], 'FILE'), get),
  replay: () => replay(receiptsIn(named(words[0], 'FILE'), since()), post),
  backup: async () => ({ ...here(() => backUp(named(given.data, '--data DIR'), named(words[0], 'FOLDER'))) }),
  restore: async () => ({
    ...here(() => restore(named(words[0], 'FOLDER'), named(given.data, '--data DIR'), given['keep-access'])),
  }),
}

const SHOWN: Readonly<Record<string, (answer: Answer) => string>> = {
  people: ({ people }) => table(people, ['sub', 'kind', 'email', 'name', 'liveGrants', 'blocked', 'lastSeenAt']),
  person: shownPerson,
  clients: ({ clients }) => table(clients, ['id', 'name', 'people', 'usedAt', 'isBlocked']),
  machines: ({ machines }) =>
    table(machines, ['id', 'prefix', 'name', 'owner', 'scopes', 'state', 'lastUsedAt', 'expiresAt', 'sub']),
  events: ({ events }) => table(events, ['at', 'type', 'sub', 'clientName', 'actor', 'actorName', 'reason']),
  receipts: ({ receipts, receipt, failing }) =>
    receipt === undefined
      ? table(receipts.map(flat), RECEIPT)
      : `${shownReceipt(receipt)}\n${table(failing, ['sub', 'attempts', 'nextAt', 'error'])}`,
  signals: (answer) => table(...signalRows(answer)),
  revoke: shownReceipt,
  block: shownReceipt,
  unblock: shownReceipt,
  verify: shownProof,
  evidence: (answer) =>
    answer['chain'] === undefined ? shownHead(answer) : `${shownProof(answer)}\n\n${table(...shownChainRows(answer))}`,
  'sql-export': ({ file, rows }) => `${file}\n${table([rows], Object.keys(rows))}`,
  replay: ({ done, refused }) => [`${done} actions done again`, ...refused.map(clean)].join('\n'),
  backup: ({ databases, begunAt }) => `${databases} databases, as they were at ${begunAt} or a moment later`,
  restore: ({ databases, begunAt }) =>
    `${databases} databases, as they were at ${begunAt}. ${given['keep-access'] ? 'Whoever had access then has it.' : 'Everybody signs in again.'}
Blocks that are younger are not in it: npm run admin -- replay FILE --since ${begunAt}`,
  machine: ({ machine: made, token, receipt }) =>
    `${made.id} (${made.name}, until ${when(made.expiresAt)}), receipt ${receipt.id}\n\n  ${token}\n\nKeep it now: it is not shown again.`,
}
const RECEIPT = ['id', 'at', 'by', 'byName', 'action', 'target', 'people', 'grants', 'streams', 'state', 'why']

try {
  await run()
} catch (error) {
  const isOfFile = error instanceof Error && 'path' in error && 'code' in error
  if (!(error instanceof Mistake) && !isOfFile) throw error
  console.error(isOfFile ? `${clean(String(error.path))} can not be read: ${String(error.code)}` : error.message)
  process.exitCode = 1
}

async function run(): Promise<void> {
  const ask = COMMANDS[command]
  if (given.help || command === '') return console.log(USAGE)
  if (command === 'recording') return await read()
  if (!ask) throw new Mistake(`There is no command ${command}.\n\n${USAGE}`)
  const answer = await ask()
  console.log(given.json ? JSON.stringify(answer, undefined, 2) : (SHOWN[command]?.(answer) ?? ''))
}

/** Apart from the others: it writes as it reads, and nothing of it goes to the broker. */
async function read(): Promise<void> {
  const { file, recovery: isRecoveryCode, fingerprint: expected } = given
  if (!(await printRecording({ file, isRecoveryCode, expected, fetched: sealedLines }))) process.exitCode = 1
}

async function sealedLines(): Promise<Response> {
  return await fetchApi(`/recordings/${encodeURIComponent(named(words[0], 'SUB, or --file FILE'))}/sealed`, {})
}

function target(): object {
  const [what = '', id] = words
  if (what === 'everyone') return { what }
  if (what === 'person') return { what, sub: named(id, 'SUB') }
  const sub = given.sub
  if (what === 'client' || what === 'resource') return { what, id: named(id, 'ID'), ...(sub !== undefined && { sub }) }
  if (['grant', 'stream', 'mcp_session'].includes(what)) return { what, id: named(id, 'ID'), sub: named(sub, '--sub SUB') }
  throw new Mistake(`What should be revoked? person, grant, stream, mcp_session, client, resource or everyone.`)
}

function person(): string {
  if (words[0] !== 'person') throw new Mistake('Evidence of what? head, or person SUB.')
  return named(words[1], 'SUB')
}

function blockable(): string {
  const [what, id] = words
  if (what !== 'person' && what !== 'client') throw new Mistake('Who should be meant? person SUB, or client ID.')
  return `/${what === 'person' ? 'people' : 'clients'}/${encodeURIComponent(named(id, 'ID'))}`
}

function machine(): object {
  if (words[0] !== 'create')
    throw new Mistake('machine create is the only thing to do with machines; end one with: revoke person SUB')
  const days = Number(given.days)
  if (!(days > 0)) throw new Mistake('--days is a number above zero')
  const expiresAt = Math.floor(Date.now() / 1000 + days * 86_400)
  const { resource: resources, scope: asked = ['mcp'] } = given
  const [name, owner] = [named(given.name, '--name'), named(given.owner, '--owner')]
  const [scopes, toolScopes] = [asked.filter(isOwn), asked.filter((scope) => !isOwn(scope))]
  const { provider } = given
  const more = {
    ...(resources && { resources }),
    ...(provider !== undefined && { provider }),
    ...(toolScopes.length > 0 && { toolScopes }),
  }
  return { name, owner, scopes: scopes.length > 0 ? scopes : ['mcp'], expiresAt, reason: reason(), ...more }
}

/** Of the broker; any other is one that tools of a server need. */
function isOwn(scope: string): boolean {
  return scope === 'mcp' || scope === 'admin' || scope === 'scim' || scope === 'metrics'
}

/** In whole seconds, as receipts have them: what was done in the second of a backup may have come after it. */
function since(): number {
  const at = Math.floor(Date.parse(given.since) / 1000)
  if (Number.isNaN(at)) throw new Mistake('--since is a time such as 2026-11-28T12:00:00Z')
  return at
}

/** On this machine, without the API. */
function here<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof BackupError || error instanceof DataFolderError ? new Mistake(error.message) : error
  }
}

function reason(): string {
  return named(given.reason, '--reason TEXT')
}

function named(value: string | undefined, what: string): string {
  if (value === undefined || value === '') throw new Mistake(`${what} is missing.\n\n${USAGE}`)
  return value
}

/** A wide action goes on after its answer; whoever waits is told how far it has come. */
async function settled(acted: Promise<Answer>): Promise<Answer> {
  let receipt = await acted
  while (!['done', 'cancelled'].includes(receipt['state']) && !given['no-wait']) {
    const { done, total, failing } = receipt['people']
    if (!given.json) console.error(`${done} of ${total} have answered${failing > 0 ? `, ${failing} are asked again` : ''} …`)
    await sleep(1_000)
    const shown = await get(`/receipts/${receipt['id']}`).catch((error: unknown) => {
      if (error instanceof Mistake) return error
      throw error
    })
    // Revoking everyone includes whoever does it.
    if (shown instanceof Mistake)
      throw new Mistake(`It goes on, but can not be watched from here any more. Receipt ${receipt['id']}. ${shown.message}`)
    receipt = shown['receipt']
  }
  return receipt
}

async function get(path: string, query: Readonly<Record<string, string | undefined>> = {}): Promise<Answer> {
  const parameters = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return await answered(path + (parameters.length > 0 ? `?${new URLSearchParams(parameters).toString()}` : ''), {})
}

async function post(path: string, body: object): Promise<Answer> {
  return await answered(path, { method: 'POST', body: JSON.stringify(body) })
}

interface Asked {
  readonly method?: string
  readonly body?: string
}

async function answered(path: string, asked: Asked): Promise<Answer> {
  const response = await fetchApi(path, asked)
  const text = await response.text()
  return text.startsWith('{') ? JSON.parse(text) : {}
}

/** The answer, where it is a good one. */
async function fetchApi(path: string, asked: Asked): Promise<Response> {
  const broker = named(process.env['BROKER_URL'], 'The environment variable BROKER_URL')
  const token = named(process.env['ADMIN_TOKEN'], 'The environment variable ADMIN_TOKEN')
  const url = URL.parse(`/admin/api${path}`, broker)
  if (!url) throw new Mistake(`BROKER_URL is no URL: ${broker}`)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  // A redirect would take the credential along.
  const response = await fetch(url, { ...asked, headers, redirect: 'manual' }).catch(() => {
    throw new Mistake(`${url.origin} does not answer: is BROKER_URL right, and is the broker running?`)
  })
  if (response.ok) return response
  const text = await response.text()
  const answer: Answer = text.startsWith('{') ? JSON.parse(text) : {}
  throw new Mistake(
    `Refused (${response.status} ${answer['error'] ?? ''}): ${answer['error_description'] ?? clean(text).slice(0, 200)}`,
  )
}

function shownPerson({ listed, live, events }: Answer): string {
  const { identity, grants = [], streams = [], blocked } = live ?? { identity: listed, blocked: listed?.blocked }
  const who = [identity?.name, identity?.email, blocked ? 'BLOCKED' : undefined].filter(Boolean).join(', ')
  const parts = [
    ['Grants', table(grants, ['id', 'clientName', 'resource', 'scopes', 'mcpSessions', 'createdAt', 'endsAt'])],
    ['Open streams', table(streams, ['id', 'grantId', 'kind', 'label', 'openedAt'])],
    ['Recent events', table(events, ['at', 'type', 'clientName', 'actor', 'actorName', 'reason'])],
  ]
  return [who, ...parts.map(([title, shown]) => `\n${title}\n${shown}`)].join('\n')
}

function shownReceipt(receipt: Answer): string {
  const { total, done, failing } = receipt['people']
  const isOver = ['done', 'cancelled'].includes(receipt['state'])
  const state = isOver ? receipt['state'] : `${receipt['state']}: ${failing} of ${total} are asked again`
  const what = `${receipt['action']} ${targetOf(receipt)}`
  return `${what}: ${state}
${receipt['grants']} grants and ${receipt['streams']} streams ended, ${done} of ${total} people asked
receipt ${receipt['id']}, by ${clean(receipt['byName'] ?? '')} (${clean(receipt['by'])}): ${clean(receipt['why'])}`
}

function flat(receipt: Answer): Answer {
  const { done, total } = receipt['people']
  return { ...receipt, people: `${done}/${total}`, target: targetOf(receipt) }
}

function targetOf(receipt: Answer): string {
  const { what, id, sub } = receipt['target']
  return [what, id, sub].filter(Boolean).map(clean).join(' ')
}
