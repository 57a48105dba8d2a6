// The settings reference: names, defaults and allowed words from the zod schema, what each means from the comment above it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { environment } from '../../src/settings/environment.ts'

const SOURCE = join(import.meta.dirname, '../../src/settings/environment.ts')

const HEAD = `# Settings

<!-- Written by \`npm run docs:reference\` from src/settings/environment.ts. Change it there. -->

Everything is a variable or a secret of the Worker. Durations are seconds, sizes bytes. A mistake in any of them is answered with a page that
names the variable and the cure, on every path, until it is corrected. Secrets are stored with \`npx wrangler secret put NAME\`.
\`npm run doctor\` reads all of them and asks what they name: [Troubleshooting](../operations/troubleshooting.md).
`

interface Told {
  readonly section: string
  readonly meaning: string
  /** What is said of a default that is not in the schema. */
  readonly fallback: string | undefined
}

export function settingsReference(): string {
  const told = toldIn(readFileSync(SOURCE, 'utf8'))
  const sections = new Map<string, string[]>()
  for (const [name, shape] of Object.entries(environment.shape)) {
    const { section, meaning, fallback } = told.get(name) ?? missing(name)
    const { words, value } = inSchema(shape)
    const allowed = words.length === 0 ? '' : ` Allowed: ${words.map((word) => `\`${word}\``).join(', ')}.`
    const row = `| \`${name}\` | ${fallback ?? value ?? '–'} | ${meaning}${allowed} |`
    sections.set(section, [...(sections.get(section) ?? []), row])
  }
  const tables = [...sections].map(
    ([section, rows]) => `\n## ${section}\n\n| variable | default | meaning |\n|---|---|---|\n${rows.join('\n')}\n`,
  )
  return HEAD + tables.join('')
}

/** In the order of the file, the comment above each variable and the section it stands in. */
function toldIn(source: string): ReadonlyMap<string, Told> {
  const told = new Map<string, Told>()
  let section = ''
  const parts = source.matchAll(/^ {2}\/\/ Section: (.+)$|^ {2}\/\*\*((?:(?!\*\/)[^])*)\*\/\n {2}([A-Z_]+):/gm)
  for (const [, heading, comment = '', name = ''] of parts) {
    if (heading !== undefined) {
      section = heading
      continue
    }
    const lines = comment.split('\n').map((line) => line.replace(/^\s*\*?\s*/, ''))
    const fallback = lines.find((line) => line.startsWith('@default '))?.slice('@default '.length)
    const text = lines.filter((line) => !line.startsWith('@default ')).join(' ')
    told.set(name, { section, meaning: forPage(text.trim()), fallback })
  }
  return told
}

/** Links in the source are from the root, and cells may hold no bar. */
function forPage(text: string): string {
  return text.replaceAll('](docs/', '](../').replaceAll('](SECURITY.md', '](../../SECURITY.md').replaceAll('|', '\\|')
}

function inSchema(shape: z.ZodType): { readonly words: readonly string[]; readonly value: string | undefined } {
  const { data } = shape.safeParse(undefined)
  const value = typeof data === 'number' || typeof data === 'string' ? String(data) : undefined
  const json: unknown = z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' })
  const { enum: several, const: one } = z
    .object({ enum: z.array(z.string()).optional(), const: z.string().optional() })
    .parse(json)
  return { words: several ?? (one === undefined ? [] : [one]), value }
}

function missing(name: string): never {
  throw new Error(`${name} has no comment in src/settings/environment.ts`)
}
