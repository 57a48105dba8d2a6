// The documentation site: its pages, where links lead on it, what follows from the code, and the bounds of README.md.
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { includedIn, REWRITES, SHOWN, siteLink, withSiteLinks } from '../../docs/.vitepress/links.ts'
import { CHAPTERS } from '../../docs/.vitepress/pages.ts'
import { GENERATED } from '../../scripts/reference/pages.ts'

const ROOT = resolve(import.meta.dirname, '../..')

test.for([...GENERATED])('%s is what the code says: npm run docs:reference', ([file, text]) => {
  expect(document(file)).toBe(text())
})

describe('README.md', () => {
  const lines = document('README.md').split('\n')

  test('is read aloud in three minutes: 450 words besides code and tables, 200 lines of 120 characters at most', () => {
    const spoken = document('README.md')
      .replace(/```[\s\S]*?```|<!--[\s\S]*?-->|!\[[^\]]*\]\([^)]*\)|^\|.*$/gm, '')
      .replace(/\]\([^)]*\)/g, ']')
    expect(spoken.match(/[\p{L}\d][\p{L}\d’'./:@-]*/gu)?.length).toBeLessThanOrEqual(450)
    expect(lines.length).toBeLessThanOrEqual(200)
    expect(lines.filter((line) => line.length > 120)).toEqual([])
  })

  test('shows the portal, and says how somebody is revoked', () => {
    expect(document('README.md')).toMatch(/!\[[^\]]+\]\(docs\/portal\.png\)/)
    expect(document('README.md').split('## Revoke somebody')[1]).toContain('revoke person SUB')
  })
})

describe('the documentation site', () => {
  const pages = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules') && !name.startsWith('.vitepress'))
    .toSorted()
  const listed = CHAPTERS.flatMap(({ pages: files }) => files.map(([file]) => file))

  test('lists every page in its side bar, the records of decisions on a page of their own', () => {
    expect(listed.toSorted()).toEqual(pages.filter((name) => !/^decisions\/\d/.test(name)))
  })

  test('shows the documents of the root, whole', () => {
    for (const [file, page] of Object.entries(SHOWN)) expect(includedIn(document(`docs/${page}`))).toBe(file)
  })

  test.for<[string, string, string, string | undefined]>([
    ['a page beside it', 'limits.md', 'deploy.md#bots-and-the-firewall', './deploy.md#bots-and-the-firewall'],
    ['a page in another folder', 'servers/index.md', '../clients/index.md', './../clients/index.md'],
    [
      'a document of the root that is a page',
      'operations/keys.md',
      '../../SECURITY.md#changing-keys',
      './../security.md#changing-keys',
    ],
    ['a page, from a document of the root', 'security.md', 'docs/attacks.md', './attacks.md'],
    ['a page that is served under another name', 'architecture.md', 'docs/decisions/README.md', './decisions/index.md'],
    ['the front page', 'limits.md', '../README.md', './index.md'],
    ['a file that is no page', 'servers/index.md', '../../examples/README.md', undefined],
    ['another site', 'limits.md', 'https://example.com/', 'https://example.com/'],
  ])('leads a link to %s there', ([, page, href, link]) => {
    expect(siteLink(page, href)).toBe(link)
  })

  test('has the same links in the Markdown twin of a page', () => {
    const text = '[why](docs/decisions/README.md), [how](ARCHITECTURE.md#streams), [a program](examples/README.md)'
    expect(withSiteLinks('security.md', text)).toBe('[why](./decisions/index.md), [how](./architecture.md#streams), a program')
  })

  test('serves every page under a name of its own', () => {
    const served = pages.map((name) => REWRITES[name] ?? name)
    expect(new Set(served).size).toBe(pages.length)
  })
})

function document(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8')
}
