// What all pages have in common: the document, its headers, the two files it loads.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  COPY_SCRIPT_PATH,
  LIVE_SCRIPT_PATH,
  MARK_PATH,
  pageAsset,
  SEALING_SCRIPT_PATH,
  STYLESHEET_PATH,
} from '../../../src/pages/assets.ts'
import { pageHeaders } from '../../../src/pages/headers.ts'
import { ASSET_FOLDER, assetFolder } from '../../world/asset-folder.ts'
import { EXAMPLES } from './examples.ts'
import { tagsOf } from './hostile.ts'

const STYLESHEET = readFileSync(join(ASSET_FOLDER, 'pages.css'), 'utf8')
const served = async (path: string): Promise<Response | undefined> =>
  await pageAsset(assetFolder, new Request(`https://mcp.example.com${path}`))

describe.for(Object.entries(EXAMPLES))('%s', ([example, html]) => {
  it('is a whole document in standards mode, with a language, a title and one heading', () => {
    expect(html).toMatch(/^<!doctype html><html lang="en"><head><meta charset="utf-8"\/><title>[^<]+<\/title>/)
    expect(html).toMatch(/<\/html>$/)
    expect(html.match(/<h1/g)).toHaveLength(1)
    expect(html).toContain('<main id="main">')
  })

  it('has nothing the content security policy would refuse', () => {
    // The front page copies; its policy has our own scripts, and nothing written in a page.
    const copying = example.startsWith('home') ? [`<script type="module" src="${COPY_SCRIPT_PATH}"`] : []
    expect(html.match(/<script[^>]*?(?=>)/gi) ?? []).toEqual(copying.map((tag) => expect.stringContaining(tag)))
    expect(html).not.toMatch(/<(style|iframe|object|embed|base)[\s>]/i)
    expect(tagsOf(html)).not.toMatch(/\s(style|on\w+)=/i)
  })

  it('loads only files that are served', () => {
    const loaded = [...html.matchAll(/<(?:link|img)[^>]*(?:href|src)="([^"]*)"/g)].map(([, path]) => path)
    expect(loaded).toEqual([MARK_PATH, STYLESHEET_PATH])
  })

  it('uses no class without a style', () => {
    const classes = [...html.matchAll(/ class="([^"]*)"/g)].flatMap(([, names = '']) => names.split(' '))
    expect(classes.filter((name) => !STYLESHEET.includes(`.${name}`))).toEqual([])
  })
})

describe('the headers of a page', () => {
  it.for<[string, string]>([
    [
      'Content-Security-Policy',
      "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'",
    ],
    ['X-Frame-Options', 'DENY'],
    ['X-Content-Type-Options', 'nosniff'],
    ['Referrer-Policy', 'same-origin'],
    ['Cache-Control', 'no-store'],
    ['Content-Type', 'text/html; charset=UTF-8'],
  ])('%s: %s', ([name, value]) => {
    expect(pageHeaders()[name]).toBe(value)
  })

  it('cut a page of our own from who opened it, and never a step of the sign-in', () => {
    expect(pageHeaders('own')['Cross-Origin-Opener-Policy']).toBe('same-origin')
    expect(pageHeaders()['Cross-Origin-Opener-Policy']).toBe('unsafe-none')
  })
})

describe('the stylesheet', () => {
  it('loads nothing from anywhere', () => {
    expect(STYLESHEET).not.toMatch(/url\(|@import|@font-face/)
  })

  it('opens and closes every brace', () => {
    expect(STYLESHEET.split('{').length).toBe(STYLESHEET.split('}').length)
  })

  it('defines every custom property it uses', () => {
    const used = [...STYLESHEET.matchAll(/var\((--[\w-]+)/g)].map(([, name = '']) => name)
    expect(used.filter((name) => !STYLESHEET.includes(`${name}:`))).toEqual([])
  })
})

describe('the files of pages', () => {
  it.for([
    [STYLESHEET_PATH, 'text/css; charset=UTF-8'],
    [LIVE_SCRIPT_PATH, 'text/javascript; charset=UTF-8'],
    [COPY_SCRIPT_PATH, 'text/javascript; charset=UTF-8'],
    [SEALING_SCRIPT_PATH, 'text/javascript; charset=UTF-8'],
    [MARK_PATH, 'image/svg+xml'],
  ] as const)('%s is served as %s, and asked for again after a deployment', async ([path, type]) => {
    const answer = await served(path)
    expect(answer?.status).toBe(200)
    expect(Object.fromEntries(answer?.headers ?? [])).toMatchObject({
      'content-type': type,
      'cache-control': 'public, no-cache',
      'content-security-policy': "default-src 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    })
  })

  it.for([
    '/assets/',
    '/assets/none.css',
    '/assets/pages.css/',
    '/assets/..%2fpages.css',
    '/assets/a/pages.css',
    '/assets/pages.html',
  ])('%s is none of them', async (path) => {
    expect(await served(path)).toBeUndefined()
  })

  it('the mark is an image that runs nothing', async () => {
    const mark = await (await served(MARK_PATH))?.text()
    expect(mark).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/)
    expect(mark).not.toMatch(/script|href|\son\w+=/i)
  })
})
