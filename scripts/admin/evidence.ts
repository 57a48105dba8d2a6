// npm run admin -- evidence, verify: the chain of events and receipts for an auditor, and files of it checked without the broker.
import { readFileSync, writeFileSync } from 'node:fs'
import type { EvidenceEntry } from '../../src/evidence/line.ts'
import { inOrder, LineFile, NO_EVIDENCE } from '../evidence/line-file.ts'
import { EvidenceError, keySet, TrustedKeys, type Trusted } from '../evidence/trusted-keys.ts'
import { bundle, verifyBundle, verifyReceiptFile, type Bundle } from '../evidence/verify.ts'
import { evidenceEntry, evidenceLines, walk, type KnownHash } from '../evidence/walk.ts'
import { isWrittenOnce } from '../evidence/written-once.ts'
import { Mistake, type Answer } from './signals.ts'

type Get = (path: string, query?: Readonly<Record<string, string | undefined>>) => Promise<Answer>
type Entries = Bundle['entries']

export interface Trust {
  readonly pin?: readonly string[] | undefined
  readonly jwks?: string | undefined
  readonly head?: readonly string[] | undefined
}

/** What a file proves to whoever trusts these keys; a mistake where it does not. */
export async function verifyFile(file: string, given: Trust): Promise<Answer> {
  const trust = trustOf(given)
  const pinned = (given.head ?? []).map(pinnedHead)
  const walked = async (entries: Iterable<EvidenceEntry>): Promise<Answer> => {
    const found = await walk(entries, await TrustedKeys.of(trust), { pinned })
    // Whoever can write the file can write lines that fit: no key signs them.
    if (found.proven === 0)
      throw new EvidenceError(
        `its ${found.lines} lines fit, but none is signed for and none was pinned: give --head NUMBER:HASH of one you know`,
      )
    return { holds: 'lines', ...found }
  }
  return await sentence(async () => {
    const lines = LineFile.open(file)
    if (lines) return await walked(lines.entries())
    const text = readFileSync(file, 'utf8')
    const content = whole(text)
    if (content !== undefined && !isWrittenOnce(text, content))
      throw new EvidenceError('it has a name twice, and readers differ in what it says')
    const parsed = bundle.safeParse(content)
    if (parsed.success) return proved(parsed.data, await verifyBundle(parsed.data, trust, pinned))
    if (Array.isArray(content) || (content === undefined && text.trimStart().startsWith('{'))) {
      const listed = evidenceLines.safeParse(content)
      if (!listed.success) throw new EvidenceError(NO_EVIDENCE)
      return await walked(inOrder(listed.data))
    }
    const { iss, iat, receipt, line } = await verifyReceiptFile(text, trust)
    for (const { number, hash } of pinned)
      if (number !== line?.number || hash !== line.hash)
        throw new EvidenceError(`a receipt alone can not be compared with line ${number}: verify the lines, or a bundle`)
    return { holds: 'receipt', issuer: iss, signedAt: iat, line: line?.number, receipt }
  })
}

/** The number and hash of the newest line, to be written down somewhere else, with the thumbprints of the keys. */
export async function head(get: Get): Promise<Answer> {
  const { issuer, number, hash, keys, statement } = await get('/evidence')
  return { issuer, head: `${number}:${hash}`, keys, statement }
}

/** Everything about a person, checked by the keys somebody pinned, or else by those the broker publishes at this moment. */
export async function aboutPerson(sub: string, get: Get, given: Trust & { readonly out?: string | undefined }): Promise<Answer> {
  const { issuer, number, hash, statement, keys } = await get('/evidence')
  const entries: unknown[] = []
  for (let after: number | undefined = 0; after !== undefined && after < number;) {
    const page: Answer = await get('/evidence/entries', { after: String(after), sub })
    entries.push(...page['entries'].filter((entry: Answer) => (entry['number'] ?? entry['last']) <= number))
    after = page['next']
  }
  const ids = new Set(evidenceLines.parse(entries).flatMap((entry) => receiptIn(entry) ?? []))
  const receipts: string[] = []
  for (const id of ids) receipts.push((await get(`/receipts/${encodeURIComponent(id)}/signed`))['receipt'])
  const kind = 'mcp-session-broker evidence'
  const made = bundle.parse({ kind, issuer, about: sub, head: { number, hash, statement }, keys, entries, receipts })
  const isTrusted = given.pin !== undefined || given.jwks !== undefined
  const trust = isTrusted ? trustOf(given) : { jwks: keySet.parse(await published(issuer)).keys }
  const pinned = (given.head ?? []).map(pinnedHead)
  const shown = await sentence(async () => proved(made, await verifyBundle(made, trust, pinned)))
  if (given.out !== undefined) written(given.out, `${JSON.stringify(made)}\n`)
  return { ...shown, chain: entries.flatMap((entry) => shownLine(evidenceEntry.parse(entry))) }
}

/** Never over what is there: it may be somebody's evidence. */
function written(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 })
  } catch {
    throw new Mistake(`${file} can not be written, or is there already`)
  }
}

async function published(issuer: string): Promise<unknown> {
  const response = await fetch(`${issuer}/.well-known/jwks.json`, { redirect: 'manual' })
  return await response.json()
}

function proved(made: Bundle, { walked, signedAt, receipts }: Awaited<ReturnType<typeof verifyBundle>>): Answer {
  const { issuer, about, head: newest } = made
  return {
    holds: 'bundle',
    issuer,
    about,
    ...walked,
    signedAt,
    head: `${newest.number}:${newest.hash}`,
    receipts: receipts.length,
  }
}

function trustOf({ pin, jwks }: Trust): Trusted {
  if (pin === undefined && jwks === undefined)
    throw new Mistake('Whose signature counts? Give --pin THUMBPRINT, or --jwks FILE as /.well-known/jwks.json had it.')
  const parsed = jwks === undefined ? undefined : keySet.safeParse(whole(readFileSync(jwks, 'utf8')))
  if (parsed?.success === false) throw new Mistake(`${jwks} is no key set with EC or RSA keys`)
  return { pins: pin, jwks: parsed?.data.keys }
}

function pinnedHead(text: string): KnownHash {
  const [, number, hash = ''] = /^(\d+):([\w-]{43})$/.exec(text) ?? []
  if (number === undefined) throw new Mistake('--head is NUMBER:HASH, as `evidence head` prints it')
  return { number: Number(number), hash }
}

function whole(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function sentence(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof EvidenceError ? new Mistake(`This does not hold: ${error.message}.`) : error
  }
}

function receiptIn(entry: Entries[number]): string | undefined {
  const body: Answer = ('number' in entry && entry.body) || {}
  return body['kind'] === 'receipt' ? body['receipt'].id : undefined
}

function shownLine(entry: Entries[number]): readonly Answer[] {
  if (!('number' in entry) || !entry.body) return []
  const { kind, at }: Answer = entry.body
  const said: Answer = entry.body[kind] ?? {}
  const line = { number: entry.number, at: Math.floor(at / 1000), kind }
  if (kind === 'event')
    return [
      { ...line, what: said['type'], by: said['actorName'] ?? said['actor'], reason: said['reason'], client: said['clientName'] },
    ]
  if (kind !== 'receipt') return []
  const { id, action, target, state, byName, by, why, grants, streams, closing } = said
  const closed = closing && new Date(closing.lastAt).toISOString()
  return [
    { ...line, what: `${action} ${target.what}: ${state}`, by: byName ?? by, reason: why, grants, streams, closed, receipt: id },
  ]
}

/** What was proven, in words. */
export function shownProof(answer: Answer): string {
  const signed = answer['signedAt'] === undefined ? '' : `, signed ${new Date(answer['signedAt'] * 1000).toISOString()}`
  if (answer['holds'] === 'receipt')
    return `It holds: a receipt of ${clean(answer['issuer'])}${signed}.\n${clean(JSON.stringify(answer['receipt'], undefined, 2))}`
  const { first, last, gone, hidden, hash, issuer, about, receipts, proven } = answer
  const of = issuer === undefined ? '' : ` of ${clean(issuer)}${signed}`
  return [
    `It holds: lines ${first} to ${last}${of}. None is missing, changed or moved.`,
    `${gone} lines are kept no more, and the broker has signed for them; ${hidden} are shown without what they say.`,
    ...(about === undefined ? [] : [`About ${clean(about)}; ${receipts} receipts, each signed.`]),
    ...(proven < last
      ? [`Lines ${proven + 1} to ${last} come after all that is signed for or was pinned: anybody may have added them.`]
      : []),
    `The last line is ${last}:${hash}`,
  ].join('\n')
}

export function shownHead({ issuer, head: newest, keys }: Answer): string {
  const pins = keys.map(({ kid, since }: Answer) => `key   ${kid} since ${new Date(since * 1000).toISOString()}`)
  return [clean(issuer), `head  ${newest}`, ...pins].join('\n')
}

export function shownChainRows({ chain }: Answer): [readonly Answer[], readonly string[]] {
  return [chain, ['number', 'at', 'kind', 'what', 'by', 'reason', 'client', 'grants', 'streams', 'closed']]
}

/** Line breaks stay: it is JSON. */
function clean(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]|\p{Cf}/gu, '')
}
