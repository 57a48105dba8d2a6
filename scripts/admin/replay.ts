// Does again what administrators had done: after storage went back to an earlier moment, what was taken away since then is back.
import { readFileSync } from 'node:fs'

type Receipt = Readonly<Record<string, any>>
type Post = (path: string, body: object) => Promise<Receipt>

/** What `receipts --json` printed, one answer or several after each other; the oldest first. */
export function receiptsIn(file: string, since: number): readonly Receipt[] {
  const text = readFileSync(file, 'utf8')
  // Several answers in one file: each begins in the first column.
  const answers: Receipt[] = text.split(/^(?=\{)/m).flatMap((part) => (part.trim() === '' ? [] : [JSON.parse(part)]))
  const receipts: Receipt[] = answers.flatMap((answer) => answer['receipts'] ?? [answer['receipt'] ?? answer])
  const known = new Map(receipts.map((receipt) => [receipt['id'], receipt]))
  return [...known.values()]
    .filter(({ at, action, state }) => at >= since && action !== 'create' && state !== 'cancelled')
    .sort((a, b) => Number(isOfEveryone(a)) - Number(isOfEveryone(b)) || a['at'] - b['at'])
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
