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
  const memory = await open(`/proc/${pid}/mem`, 'r')
  const wanted = texts.map((text) => ({ text, bytes: Buffer.from(text, 'latin1') }))
  const found = new Set<string>()
  const longest = Math.max(...wanted.map(({ bytes }) => bytes.length))
  const whole = Buffer.alloc(STEP + longest)
  for (const { from, end } of filled(await readFile(`/proc/${pid}/smaps`, 'utf8'))) {
    for (let at = from; at < end; at += STEP) {
      // What is only reserved can not be read.
      const { bytesRead } = await memory.read(whole, 0, Math.min(whole.length, end - at), at).catch(() => ({ bytesRead: 0 }))
      const part = whole.subarray(0, bytesRead)
      for (const { text, bytes } of wanted) if (!found.has(text) && part.includes(bytes)) found.add(text)
    }
  }
  await memory.close()
  return texts.filter((text) => found.has(text))
}

/** What can be written and has ever been: much more is reserved, and reading that would fill it. */
function filled(smaps: string): readonly { readonly from: number; readonly end: number }[] {
  const areas = smaps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw.*\n(?:[A-Z].*\n)*?Rss: +(\d+) kB/gm)
  return [...areas]
    .filter(([, , , kilobytes]) => kilobytes !== '0')
    .map(([, from = '', end = '']) => ({ from: Number.parseInt(from, 16), end: Number.parseInt(end, 16) }))
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
