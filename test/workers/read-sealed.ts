// What the sealed file of a person's recording says to whoever has the passphrase.
import { firstLines, linesOf } from '../../src/routes/admin/sealed-lines.ts'
import { readSealed, type MadeKey, type WhatWasRead } from '../world/sealing-key.ts'
import type { Session } from './person.ts'

async function sealedFile(session: Session, key: MadeKey): Promise<readonly object[]> {
  const lines = [...firstLines('https://broker.example', session.name ?? '', [{ ...key, createdAt: 0, by: 'carol' }])]
  const told = new Set<string>()
  for (let last = 0, isOver = false; !isOver;) {
    const page = await session.sealedRecording(last)
    isOver = page.entries.length === 0
    last = page.last
    lines.push(...linesOf(page, told))
  }
  return lines
}

/** With the private half as it is: unwrapping it takes a second each time. */
export async function readRecordingOf(session: Session, key: MadeKey): Promise<WhatWasRead> {
  const lines = await sealedFile(session, key)
  return await readSealed(lines.map((line) => JSON.stringify(line)).join('\n'), key)
}
