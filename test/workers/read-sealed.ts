// What the sealed file of a person's recording says to whoever has the passphrase.
import { readRecording, type Problem, type ReadEntry, type SealedLine } from '../../scripts/admin/sealed-recording.ts'
import { firstLines, linesOf } from '../../src/routes/admin/sealed-lines.ts'
import { openedBy, type MadeKey } from '../world/sealing-key.ts'
import type { Session } from './person.ts'

async function sealedFile(session: Session, ...keys: readonly MadeKey[]): Promise<readonly SealedLine[]> {
  const kept = keys.map((key) => ({ ...key, createdAt: 0, by: 'carol' }))
  const lines = [...firstLines('https://broker.example', 'sub', kept)]
  const told = new Set<string>()
  for (let last = 0, isOver = false; !isOver;) {
    const page = await session.sealedRecording(last)
    isOver = page.entries.length === 0
    last = page.last
    lines.push(...linesOf(page, told))
  }
  return JSON.parse(JSON.stringify(lines))
}

interface WhatWasRead {
  readonly entries: readonly ReadEntry[]
  readonly problems: readonly Problem['code'][]
}

/** With the private half as it is: unwrapping it takes a second each time. */
export async function readSealed(session: Session, key: MadeKey, ...others: readonly MadeKey[]): Promise<WhatWasRead> {
  const entries: ReadEntry[] = []
  const lines = await sealedFile(session, key, ...others)
  const problems = await readRecording(lines, openedBy(key), (entry) => entries.push(entry))
  return { entries, problems: problems.map(({ code }) => code) }
}
