// npm run docs:reference: writes the pages of docs/reference/ that follow from the code. A test refuses them when they are out of date.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GENERATED } from './reference/pages.ts'

const ROOT = join(import.meta.dirname, '..')

for (const [file, text] of GENERATED) {
  writeFileSync(join(ROOT, file), text())
  console.log(`wrote ${file}`)
}
