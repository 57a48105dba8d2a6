// Redirect URIs: one that is accepted leads where its text says, in every URL parser, and never into a script or another host.
import * as fc from 'fast-check'
import { acceptableRedirectUri, redirectUriIsRegistered } from '../../src/clients/redirect-uri.ts'
import { fuzzTarget, hostileText, mutated } from './target.ts'

const GOOD = [
  'https://a.example/cb',
  'https://a.example:8443/cb?x=1',
  'http://127.0.0.1:33418/cb',
  'http://[::1]/cb',
  'http://localhost/cb',
  'vscode://x/cb',
  'com.example.app:/cb',
]
const WORDS = [
  'https:',
  'http:',
  '//',
  '/',
  '\\',
  '@',
  ':',
  '#',
  '?',
  '%2e',
  '%00',
  '%0a',
  '..',
  'localhost',
  '127.0.0.1',
  '[::1]',
  'javascript:',
  'data:',
  'vscode:',
  'a.example',
  '\t',
  '*',
  '①',
  'xn--',
  '0x7f.1',
]
const SCRIPTS = new Set([
  'javascript:',
  'data:',
  'vbscript:',
  'file:',
  'blob:',
  'about:',
  'ftp:',
  'ws:',
  'wss:',
  'view-source:',
  'intent:',
  'mailto:',
])

const uris = fc.oneof(
  { weight: 3, arbitrary: mutated(fc.constantFrom(...GOOD)) },
  { weight: 2, arbitrary: hostileText(WORDS) },
  { weight: 1, arbitrary: fc.webUrl() },
)

export const redirectUris = fuzzTarget(
  'redirect URI',
  fc.tuple(uris, fc.constantFrom(...GOOD)),
  ([uri, registered]) => {
    const kind = acceptableRedirectUri(uri)
    if (kind !== undefined) leadsWhereItSays(uri, kind)
    if (!redirectUriIsRegistered(uri, [registered]) || uri === registered) return
    const [asked, known] = [URL.parse(uri), URL.parse(registered)]
    if (
      asked?.protocol !== 'http:' ||
      asked.hostname !== known?.hostname ||
      `${asked.pathname}${asked.search}${asked.hash}` !== `${known.pathname}${known.search}`
    )
      throw new Error(`${uri} passes for ${registered}`)
  },
  [
    { name: 'a long path', prepare: (size) => judging(`https://a.example/${'a'.repeat(size)}`) },
    { name: 'dots', prepare: (size) => judging(`https://${'a.'.repeat(size / 2)}`) },
    { name: 'escapes', prepare: (size) => judging(`https://a/${'%41'.repeat(size / 3)}!`) },
    { name: 'a long scheme', prepare: (size) => judging(`${'a.'.repeat(size / 2)}:/`) },
  ],
)

function leadsWhereItSays(uri: string, kind: string): void {
  const url = URL.parse(uri)
  if (!url) throw new Error(`${kind}: no URL parser reads ${uri}`)
  if (url.username !== '' || url.password !== '' || uri.includes('#')) throw new Error(`${kind}: ${uri} hides something`)
  if (SCRIPTS.has(url.protocol)) throw new Error(`${kind}: ${uri} is no client's`)
  if (kind === 'https' && url.protocol !== 'https:') throw new Error(`${uri} is not https`)
  if (kind === 'loopback' && !['localhost', '127.0.0.1', '[::1]'].includes(url.hostname))
    throw new Error(`${uri} is not on this computer`)
  const authority = /^https?:\/\/([^/?]*)/.exec(uri)?.[1]?.toLowerCase() ?? ''
  if (kind !== 'private-scheme' && ![url.host, `${url.host}:443`, `${url.host}:80`].includes(authority.replace(/:0+(?=\d)/, ':')))
    throw new Error(`${uri} leads to ${url.host}`)
}

function judging(uri: string): () => unknown {
  return () => [acceptableRedirectUri(uri), redirectUriIsRegistered(uri, GOOD)]
}
