// Everything that lies in a folder, as text: for tests that look for what must not be readable there.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export async function textsIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return await Promise.all(files.map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1')))
}
