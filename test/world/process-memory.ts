// What lies in the memory of a process of ours, looked through for texts: for tests that say what must not be there.
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'

/** Whether the system lets us look into a process that we started: Linux does, where nothing stronger forbids it. */
export const MEMORY_IS_READABLE = canReadMemory()
if (!MEMORY_IS_READABLE) console.warn('Tests that look into the memory of the broker are skipped: the system does not let us.')

const STEP = 16 * 1024 * 1024

/** Which of the texts lie there. */
export async function foundInMemory(pid: number, texts: readonly string[]): Promise<readonly string[]> {
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8')
  const memory = await open(`/proc/${pid}/mem`, 'r')
  const wanted = texts.map((text) => ({ text, bytes: Buffer.from(text, 'latin1') }))
  const found = new Set<string>()
  const longest = Math.max(...wanted.map(({ bytes }) => bytes.length))
  for (const [, from = '', to = ''] of maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)) {
    const end = Number.parseInt(to, 16)
    for (let at = Number.parseInt(from, 16); at < end; at += STEP) {
      const part = Buffer.alloc(Math.min(STEP + longest, end - at))
      // What is only reserved can not be read.
      const { bytesRead } = await memory.read(part, 0, part.length, at).catch(() => ({ bytesRead: 0 }))
      for (const { text, bytes } of wanted) if (part.subarray(0, bytesRead).includes(bytes)) found.add(text)
    }
  }
  await memory.close()
  return texts.filter((text) => found.has(text))
}

function canReadMemory(): boolean {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  child.once('error', () => undefined)
  try {
    closeSync(openSync(`/proc/${child.pid}/mem`, 'r'))
    return true
  } catch {
    return false
  } finally {
    child.kill()
  }
}
