// The flight recorder as administrators use it: switched on for a person or one of their clients, read page by page or as a file.
import type { SealedTo } from '../../evidence/message-sealer.ts'
import type { Services } from '../../services.ts'
import type { By } from '../../session/contract/receipt.ts'
import type { RecordedBy, RecordingPage, RecordingTerms } from '../../session/contract/recording.ts'
import { SUBJECT } from './actions.ts'
import { AdminRefusal } from './refusal.ts'
import { firstLines, linesOf } from './sealed-lines.ts'
import { currentSealingKey, listSealingKeys } from './sealing-key.ts'

interface RecordingWanted {
  readonly grantId?: string | undefined
  /** Whether messages are kept too, sealed to the key in use. */
  readonly bodies: boolean
  /** Of the key that whoever asks has seen: with another one in use nothing begins. */
  readonly fingerprint?: string | undefined
  readonly minutes: number
}

/** Undefined when nobody with that name has signed in. */
export async function startRecording(
  services: Services,
  sub: string,
  { bodies, fingerprint, ...asked }: RecordingWanted,
  by: By,
): Promise<RecordingTerms | undefined> {
  if (!(await isKnown(services, sub))) return undefined
  const sealedTo = bodies ? await sealingTo(services, fingerprint) : undefined
  return await services.session(sub).record({ ...asked, sealedTo }, by)
}

async function sealingTo(services: Services, seen: string | undefined): Promise<SealedTo> {
  const { fingerprint, key } = await currentSealingKey(services)
  if (seen === undefined || seen === fingerprint) return { fingerprint, key }
  throw new AdminRefusal('sealing_key_changed', 'another sealing key is in use than the one that was shown: look at it first')
}

/** What was recorded stays for a while. False when nothing was being recorded. */
export async function stopRecording(services: Services, sub: string, by: By): Promise<boolean> {
  return (await isKnown(services, sub)) && (await services.session(sub).stopRecording(by))
}

/** What has come after the entry of that number, oldest first. Undefined when nobody with that name is known. */
export async function listRecording(services: Services, sub: string, after = 0): Promise<RecordingPage | undefined> {
  return (await isKnown(services, sub)) ? await services.session(sub).recording({ after }) : undefined
}

/** The newest so many, oldest of them first. */
export async function latelyRecorded(services: Services, sub: string, newest: number): Promise<RecordingPage | undefined> {
  return (await isKnown(services, sub)) ? await services.session(sub).recording({ newest }) : undefined
}

/** All of it, one entry a line, without messages. */
export function recordingLines(services: Services, sub: string, after = 0): ReadableStream<Uint8Array> {
  let last = after
  return jsonLines(async () => {
    const { entries, last: next } = await services.session(sub).recording({ after: last })
    last = next
    return { lines: entries, isOver: entries.length === 0 }
  })
}

/** All of it with its messages, sealed; or one entry alone. Undefined when nobody with that name is known. */
export async function sealedLines(
  services: Services,
  sub: string,
  only: number | undefined,
  by: RecordedBy,
): Promise<ReadableStream<Uint8Array> | undefined> {
  if (!(await isKnown(services, sub))) return undefined
  const session = services.session(sub)
  const told = new Set<string>()
  let first = firstLines(services.settings.baseUrl, sub, await listSealingKeys(services))
  let last = only === undefined ? 0 : only - 1
  return jsonLines(async () => {
    const page = await session.sealedRecording(last, only === undefined ? undefined : 1, by)
    last = page.last
    const shown =
      only === undefined ? page : { ...page, entries: page.entries.filter(({ number }) => number === only), marks: [] }
    const lines = [...first, ...linesOf(shown, told)]
    first = []
    return { lines, isOver: only !== undefined || page.entries.length === 0 }
  })
}

interface Lines {
  readonly lines: readonly object[]
  readonly isOver: boolean
}

function jsonLines(more: () => Promise<Lines>): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      const { lines, isOver } = await more()
      if (lines.length > 0) controller.enqueue(utf8.encode(lines.map((line) => `${JSON.stringify(line)}\n`).join('')))
      if (isOver) controller.close()
    },
  })
}

/** Asked of the index first: nobody's question makes an object for a name that nobody has. */
async function isKnown(services: Services, sub: string): Promise<boolean> {
  if (!SUBJECT.test(sub)) return false
  return (await services.directory().person(sub)) !== undefined || (await services.session(sub).describe()) !== undefined
}
