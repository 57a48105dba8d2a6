// The files pages load, by the names pages give them. They lie in `assets/` as browsers read them, and no byte of them is code here.
import { MARK_SVG } from './mark.tsx'

export const STYLESHEET_PATH = '/assets/pages.css'
export const LIVE_SCRIPT_PATH = '/assets/live.js'
export const COPY_SCRIPT_PATH = '/assets/copy.js'
export const SEALING_SCRIPT_PATH = '/assets/sealing.js'
export const MARK_PATH = '/assets/mark.svg'

const TYPES: Readonly<Record<string, string>> = { css: 'text/css; charset=UTF-8', js: 'text/javascript; charset=UTF-8' }

// An SVG opened by itself is a document that could run scripts; ours has none and may load nothing. A page and its files have to be of
// one deployment: a browser asks each time, and is told in one line when it has the file already.
const ALWAYS = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'public, no-cache',
}

/** Where the files are: the assets of the deployment, or of the self-hosted runtime. Its answers are 200 with an ETag, 304 or 404. */
export type AssetStore = Pick<Fetcher, 'fetch'>

/** The file at a path, or nothing when there is none. */
export async function pageAsset(store: AssetStore, request: Request): Promise<Response | undefined> {
  const pathname = URL.parse(request.url)?.pathname ?? ''
  if (pathname === MARK_PATH) return new Response(MARK_SVG, { headers: { ...ALWAYS, 'Content-Type': 'image/svg+xml' } })
  const [, name = '', type = ''] = /^\/assets\/([a-z-]+\.(css|js))$/.exec(pathname) ?? []
  const contentType = TYPES[type]
  if (contentType === undefined) return undefined
  const known = request.headers.get('If-None-Match')
  const answer = await store.fetch(
    `https://assets.invalid/${name}`,
    known === null ? {} : { headers: { 'If-None-Match': known } },
  )
  if (answer.status !== 200 && answer.status !== 304) return undefined
  const headers = new Headers({ ...ALWAYS, 'Content-Type': contentType })
  const tag = answer.headers.get('ETag')
  if (tag !== null) headers.set('ETag', tag)
  return new Response(answer.status === 304 ? null : answer.body, { status: answer.status, headers })
}
