// Does again what administrators had done: after storage went back to an earlier moment, what was taken away since then is back.
import { readFileSync } from 'node:fs'
import { Mistake } from './signals.ts'

type Receipt = Readonly<Record<string, any>>
type Get = (path: string, query: Readonly<Record<string, string | undefined>>) => Promise<Receipt>
type Post = (path: string, body: object) => Promise<Receipt>

/** Every receipt since then, newest first: a page is the newest fifty, and a restore may go further back. */
export async function allReceipts(get: Get, since: number): Promise<Receipt> {
  const receipts: Receipt[] = []
  for (let before: string | undefined; ;) {
    const page = await get('/receipts', { before })
    receipts.push(...page['receipts'])
    const next = page['next']
    if (next === undefined || receipts.at(-1)?.['at'] < since) break
    before = String(next)
  }
  return { receipts: receipts.filter(({ at }) => at >= since) }
}

/** What `receipts --json` printed, one answer or several after each other; the oldest first. */
export function receiptsIn(file: string, since: number): readonly Receipt[] {
  const text = readFileSync(file, 'utf8')
  // Several answers in one file: each begins in the first column. Before the first, npm may have said what it runs.
  const answers = text.split(/^(?=\{)/m).flatMap((part) => (part.startsWith('{') ? [answerIn(part, file)] : []))
  if (answers.length === 0) throw new Mistake(`${file} has no receipts: npm run admin -- receipts --json writes them.`)
  const receipts: Receipt[] = answers.flatMap((answer) => answer['receipts'] ?? [answer['receipt'] ?? answer])
  // They come newest first, and times are in seconds: of two in one second the order decides whether somebody ends up blocked.
  const known = new Map<string, Receipt>()
  for (const receipt of receipts.toReversed()) if (!known.has(receipt['id'])) known.set(receipt['id'], receipt)
  return [...known.values()]
    .filter(({ at, action, state }) => at >= since && action !== 'create' && state !== 'cancelled')
    .sort((a, b) => Number(isOfEveryone(a)) - Number(isOfEveryone(b)) || a['at'] - b['at'])
}

function answerIn(part: string, file: string): Receipt {
  try {
    return JSON.parse(part.replace(/^(?=> )[^]*/m, ''))
  } catch {
    throw new Mistake(`${file} is cut off, or something else is in it: nothing was done.`)
  }
}

/** Comes last: it ends whoever replays, too. */
function isOfEveryone({ target }: Receipt): boolean {
  return target.what === 'everyone'
}

/** Each is one action more, with a receipt of its own that names the old one. */
export async function replay(receipts: readonly Receipt[], post: Post): Promise<Receipt> {
  const done: Receipt[] = []
  const refused: string[] = []
  for (const { id, action, target, why } of receipts) {
    const reason = `again, after a restore (${id}): ${why}`.slice(0, 500)
    const path =
      action === 'revoke' ? '/revocations' : `/${target.what === 'client' ? 'clients' : 'people'}/${named(target)}/${action}`
    try {
      done.push(await post(path, action === 'revoke' ? { target, reason } : { reason }))
    } catch (error) {
      // What it was about may not be there any more; the others matter all the more.
      refused.push(
        `${action} ${target.what} ${target.id ?? target.sub ?? ''} (${id}): ${error instanceof Error ? error.message : ''}`,
      )
    }
  }
  return { done: done.length, refused }
}

function named({ id, sub }: Receipt): string {
  return encodeURIComponent(id ?? sub)
}
