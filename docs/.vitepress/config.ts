// The documentation site: VitePress over the documents of docs/, with search, both colour schemes, llms.txt and a Markdown twin of each page.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { anchorOf, REWRITES, siteLink, withIncluded, withSiteLinks } from './links.ts'
import { CHAPTERS } from './pages.ts'

const DOCS = fileURLToPath(new URL('..', import.meta.url))
const TITLE = 'MCP Session Broker'
const DESCRIPTION = 'Single sign-on in front of any MCP server, with revocation that closes every open stream at once.'

/** The parts of VitePress and markdown-it that are used here; their types are installed in docs/ alone. */
interface Token {
  readonly type: string
  readonly children: readonly Token[] | null
  readonly attrGet: (name: string) => string | null
  readonly attrSet: (name: string, value: string) => void
  tag: string
  attrs: readonly (readonly [name: string, value: string])[] | null
}
interface Markdown {
  readonly core: { readonly ruler: { readonly push: (name: string, rule: (state: State) => void) => void } }
}
interface State {
  readonly tokens: readonly Token[]
  readonly env: { readonly relativePath?: string }
}
interface Built {
  readonly outDir: string
  readonly pages: readonly string[]
}

export default {
  title: TITLE,
  description: DESCRIPTION,
  lang: 'en',
  cleanUrls: true,
  rewrites: REWRITES,
  srcExclude: ['node_modules/**'],
  markdown: { anchor: { slugify: anchorOf }, config: (markdown: Markdown) => markdown.core.ruler.push('site-links', linkWithin) },
  transformPageData: ({ relativePath }: { readonly relativePath: string }) => ({
    frontmatter: { head: [['link', { rel: 'alternate', type: 'text/markdown', href: `/${relativePath}` }]] },
  }),
  buildEnd: writeTwins,
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Quick start', link: '/quick-start' },
      { text: 'Settings', link: '/reference/settings' },
      { text: 'Error codes', link: '/reference/errors' },
    ],
    sidebar: CHAPTERS.map(({ text, pages }) => ({
      text,
      collapsed: false,
      items: pages.map(([file, title]) => ({ text: title, link: addressOf(file) })),
    })),
  },
}

/** `servers/several.md` is at /servers/several. */
function addressOf(file: string): string {
  return `/${REWRITES[file] ?? file}`.replace(/(?:index)?\.md$/, '')
}

/** Links of documents are written for the repository, and lead to the same place on the site. */
function linkWithin({ tokens, env }: State): void {
  const page = env.relativePath
  if (page === undefined) return
  const file = Object.entries(REWRITES).find(([, rewritten]) => rewritten === page)?.[0] ?? page
  let isDropped = false
  for (const token of tokens.flatMap(({ children }) => children ?? [])) {
    if (token.type === 'link_close' && isDropped) {
      token.tag = 'span'
      isDropped = false
    }
    const name = token.type === 'link_open' ? 'href' : token.type === 'image' ? 'src' : undefined
    const link = name === undefined ? null : token.attrGet(name)
    if (name === undefined || link === null) continue
    const inSite = siteLink(file, link)
    if (inSite !== undefined) token.attrSet(name, inSite)
    else {
      // VitePress looks at every link that has an address.
      token.tag = 'span'
      token.attrs = null
      isDropped = true
    }
  }
}

function ofRoot(name: string): string {
  return readFileSync(join(DOCS, '..', name), 'utf8')
}

/** Beside /servers/several stands /servers/several.md, the same for programs; llms.txt lists all of them. */
function writeTwins({ outDir, pages }: Built): void {
  for (const page of pages) {
    const target = join(outDir, REWRITES[page] ?? page)
    mkdirSync(dirname(target), { recursive: true })
    const text = withIncluded(readFileSync(join(DOCS, page), 'utf8'), ofRoot)
    writeFileSync(target, withSiteLinks(page, text))
  }
  const listed = CHAPTERS.map(({ text, pages: files }) => {
    const lines = files.map(([file, title]) => `- [${title}](/${REWRITES[file] ?? file})`)
    return `## ${text}\n\n${lines.join('\n')}\n`
  })
  writeFileSync(join(outDir, 'llms.txt'), `# ${TITLE}\n\n> ${DESCRIPTION}\n\n${listed.join('\n')}`)
  for (const picture of ['request-path.svg', 'portal.png']) copyFileSync(join(DOCS, picture), join(outDir, picture))
}
