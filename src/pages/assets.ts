// The files pages load, ready to be mounted: the stylesheet and the scripts under their content hashes, and the mark.
import { COPY_SCRIPT } from './copy-script.ts'
import { LIVE_SCRIPT } from './live-script.ts'
import { MARK_SVG } from './mark.tsx'
import { SEALING_SCRIPT } from './sealing-script.ts'
import { STYLESHEET } from './stylesheet.ts'

export interface Asset {
  readonly path: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

// FNV-1a: the name must change when the content does; nobody's safety depends on it, and it needs no async digest.
function shortHash(text: string): string {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

export const STYLESHEET_PATH = `/assets/${shortHash(STYLESHEET)}.css`
export const LIVE_SCRIPT_PATH = `/assets/${shortHash(LIVE_SCRIPT)}.js`
export const COPY_SCRIPT_PATH = `/assets/${shortHash(COPY_SCRIPT)}.js`
export const SEALING_SCRIPT_PATH = `/assets/${shortHash(SEALING_SCRIPT)}.js`
export const MARK_PATH = '/assets/mark.svg'

// An SVG opened by itself is a document that could run scripts; ours has none and may load nothing.
const ALWAYS = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
}

export const PAGE_ASSETS: readonly Asset[] = [
  {
    path: STYLESHEET_PATH,
    body: STYLESHEET,
    headers: { ...ALWAYS, 'Content-Type': 'text/css; charset=UTF-8', 'Cache-Control': 'public, max-age=31536000, immutable' },
  },
  script(LIVE_SCRIPT_PATH, LIVE_SCRIPT),
  script(COPY_SCRIPT_PATH, COPY_SCRIPT),
  script(SEALING_SCRIPT_PATH, SEALING_SCRIPT),
  {
    path: MARK_PATH,
    body: MARK_SVG,
    headers: { ...ALWAYS, 'Content-Type': 'image/svg+xml', 'Cache-Control': 'public, max-age=86400' },
  },
]

function script(path: string, body: string): Asset {
  const headers = { 'Content-Type': 'text/javascript; charset=UTF-8', 'Cache-Control': 'public, max-age=31536000, immutable' }
  return { path, body, headers: { ...ALWAYS, ...headers } }
}
