// Where a link of a document leads on the site: documents of docs/ and of the root become pages, other files of the repository plain text.
import { posix } from 'node:path'

/** Pages that show a document of the root, which stays where readers of a repository look for it. */
export const SHOWN: Readonly<Record<string, string>> = {
  'SECURITY.md': 'security.md',
  'ARCHITECTURE.md': 'architecture.md',
  'CONTRIBUTING.md': 'contributing.md',
  'CHANGELOG.md': 'changelog.md',
}

/** Files of docs/ that are served under another name. */
export const REWRITES: Readonly<Record<string, string>> = { 'decisions/README.md': 'decisions/index.md' }

const INCLUDE = /^<!--@include: \.\.\/(\S+)-->\n/m

/** The document of the root that a page shows, from the text of the page. */
export function includedIn(text: string): string | undefined {
  return INCLUDE.exec(text)?.[1]
}

/** A text with the document it shows in place of the instruction to show it. */
export function withIncluded(text: string, read: (name: string) => string): string {
  const name = includedIn(text)
  return name === undefined ? text : text.replace(INCLUDE, () => read(name))
}

/** The link to write on a page, relative to it; nothing, where it leads to a file that is no page. */
export function siteLink(page: string, href: string): string | undefined {
  if (/^(?:[a-z]+:|#|\/)/i.test(href)) return href
  const [path = '', anchor] = href.split('#')
  // A shown document is of the root, and links from there.
  const from = Object.values(SHOWN).includes(page) ? '' : `docs/${posix.dirname(page)}`
  const target = posix.normalize(posix.join(from, path))
  const inSite = target.startsWith('docs/') ? target.slice('docs/'.length) : pageOf(target)
  if (inSite === undefined) return undefined
  const to = posix.relative(posix.dirname(REWRITES[page] ?? page), REWRITES[inSite] ?? inSite)
  return `./${to}${anchor === undefined ? '' : `#${anchor}`}`
}

/** A text of a page with its links as they are on the site; what leads to a file that is no page is left as text. */
export function withSiteLinks(page: string, text: string): string {
  return text.replaceAll(/(!?)\[([^\]]*)\]\(([^)\s]+)\)/g, (_whole, mark: string, words: string, href: string) => {
    const link = siteLink(page, href)
    return link === undefined ? words : `${mark}[${words}](${link})`
  })
}

/** README.md is the front page of the repository, as index.md is of the site. */
function pageOf(file: string): string | undefined {
  return file === 'README.md' ? 'index.md' : SHOWN[file]
}

/** As forges make them, so that one link is good in both places. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}
