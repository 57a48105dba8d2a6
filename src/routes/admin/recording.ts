// The flight recorder as administrators use it: switched on for a person or one of their clients, read page by page or as a file.
import type { Services } from '../../services.ts'
import type { By } from '../../session/contract/receipt.ts'
import type { RecordingAsked, RecordingPage, RecordingTerms } from '../../session/contract/recording.ts'
import { SUBJECT } from './actions.ts'

/** Undefined when nobody with that name has signed in. */
export async function startRecording(
  services: Services,
  sub: string,
  asked: RecordingAsked,
  by: By,
): Promise<RecordingTerms | undefined> {
  return (await isKnown(services, sub)) ? await services.session(sub).record(asked, by) : undefined
}

/** What was recorded stays for a day. False when nothing was being recorded. */
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

/** All of it, one entry a line. */
export function recordingLines(services: Services, sub: string, after = 0): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder()
  let last = after
  return new ReadableStream({
    async pull(controller) {
      const { entries, last: next } = await services.session(sub).recording({ after: last })
      last = next
      if (entries.length === 0) controller.close()
      else controller.enqueue(utf8.encode(entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')))
    },
  })
}

/** Asked of the index first: nobody's question makes an object for a name that nobody has. */
async function isKnown(services: Services, sub: string): Promise<boolean> {
  if (!SUBJECT.test(sub)) return false
  return (await services.directory().person(sub)) !== undefined || (await services.session(sub).describe()) !== undefined
}
