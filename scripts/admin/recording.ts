// npm run admin -- recording: asks for the passphrase, reads a sealed recording on this machine, and writes it out as plain JSON Lines.
import { open as openFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Readable, Writable } from 'node:stream'
import { openedWith, readRecording, type SealedLine } from './sealed-recording.ts'
import { Mistake } from './signals.ts'
import { clean } from './table.ts'

interface RecordingWanted {
  /** A sealed file; what the broker gives out when absent. */
  readonly file: string | undefined
  readonly isRecoveryCode: boolean
  readonly expected: string | undefined
  /** The answer of the broker. */
  readonly fetched: () => Promise<Response>
}

/** True when everything is as it was recorded. */
export async function printRecording({ file, isRecoveryCode, expected, fetched }: RecordingWanted): Promise<boolean> {
  const source = file === undefined ? bodyOf(await fetched()) : (await openFile(file)).createReadStream()
  const secret = await asked(isRecoveryCode ? 'Recovery code: ' : 'Passphrase: ')
  if (secret === '') throw new Mistake('Nothing was typed, so nothing was opened.')
  const open = openedWith({ secret, isRecoveryCode, expected })
  const shown = new Set<string>()
  const problems = await readRecording(
    linesOf(source),
    async (fingerprint, line) => {
      if (!shown.has(fingerprint)) console.error(`Sealed to the key ${clean(fingerprint)}: compare with the printed kit.`)
      shown.add(fingerprint)
      return await open(fingerprint, line)
    },
    (entry) => process.stdout.write(`${JSON.stringify(entry)}\n`),
  )
  for (const { code, text } of problems) console.error(`${code}: ${clean(text)}`)
  return problems.length === 0
}

async function* linesOf(source: Readable): AsyncGenerator<SealedLine> {
  for await (const text of createInterface({ input: source, crlfDelay: Infinity })) {
    if (text === '') continue
    const line = lineIn(text)
    if (!line) throw new Mistake('This is no sealed recording: a line is no JSON object.')
    yield line
  }
}

function lineIn(text: string): SealedLine | undefined {
  try {
    const line: SealedLine | undefined = JSON.parse(text) ?? undefined
    return typeof line === 'object' ? line : undefined
  } catch {
    return undefined
  }
}

function bodyOf({ body }: Response): Readable {
  if (!body) throw new Mistake('The broker answered with nothing.')
  return Readable.from(body)
}

/** On a terminal nothing of it is shown; from a pipe it is the first line. */
async function asked(question: string): Promise<string> {
  const isTerminal = process.stdin.isTTY
  process.stderr.write(question)
  const hidden = new Writable({ write: (_, __, done) => done() })
  const lines = createInterface({ input: process.stdin, output: hidden, terminal: isTerminal })
  const answer = await new Promise<string>((resolve) => {
    lines.once('line', resolve)
    lines.once('close', () => resolve(''))
  })
  lines.close()
  process.stderr.write('\n')
  return answer
}
