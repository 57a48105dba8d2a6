// The pages of administrators and the account page: what they say, what their buttons lead to, and that strangers' names stay names.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  COPY_SCRIPT_PATH,
  LIVE_SCRIPT_PATH,
  MARK_PATH,
  SEALING_SCRIPT_PATH,
  STYLESHEET_PATH,
} from '../../../../src/pages/assets.ts'
import { accountPage } from '../../../../src/pages/account.tsx'
import { pageHeaders } from '../../../../src/pages/headers.ts'
import { clientsPage } from '../../../../src/pages/portal/clients.tsx'
import { confirmPage } from '../../../../src/pages/portal/confirm.tsx'
import { eventsPage } from '../../../../src/pages/portal/events.tsx'
import { machinesPage, newTokenPage } from '../../../../src/pages/portal/machines.tsx'
import { overviewPage } from '../../../../src/pages/portal/overview.tsx'
import { peoplePage } from '../../../../src/pages/portal/people.tsx'
import { personNow, personPage } from '../../../../src/pages/portal/person.tsx'
import { receiptNow, receiptPage } from '../../../../src/pages/portal/receipt.tsx'
import { receiptsPage } from '../../../../src/pages/portal/receipts.tsx'
import { durationOf } from '../../../../src/pages/when.tsx'
import { ASSET_FOLDER } from '../../../world/asset-folder.ts'
import { PROBE, probed, tagsOf } from '../hostile.ts'
import {
  clients,
  confirm,
  events,
  machines,
  names,
  newToken,
  overview,
  people,
  person,
  receipt,
  receipts,
  running,
} from './examples.ts'
import { account, OWN_EXAMPLES, PORTAL_EXAMPLES } from './pages.ts'

const LIVE_SCRIPT = readFileSync(join(ASSET_FOLDER, 'live.js'), 'utf8')
const STYLESHEET = readFileSync(join(ASSET_FOLDER, 'pages.css'), 'utf8')

function wordsOf(html: string): string {
  return html
    .slice(Math.max(0, html.indexOf('<main')))
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ')
}

/** What the broker itself puts into a receipt, never a stranger. */
function stateOf(...receiptsAt: readonly string[]): readonly string[] {
  return receiptsAt.flatMap((at) => [`${at}.state`, `${at}.action`, `${at}.target.what`])
}

describe.for(Object.entries({ ...PORTAL_EXAMPLES, ...OWN_EXAMPLES }))('the page %s', ([name, html]) => {
  it('is a whole document with one heading', () => {
    expect(html).toMatch(/^<!doctype html><html lang="en"><head><meta charset="utf-8"\/><title>[^<]+<\/title>/)
    expect(html.match(/<h1/g)).toHaveLength(1)
  })

  it('has no style and no script in its markup', () => {
    expect(html).not.toMatch(
      /<(style|iframe|object|embed|base)[\s>]|<script(?! type="module" src="\/assets\/[a-z]+\.js"><\/script>)/i,
    )
    expect(tagsOf(html)).not.toMatch(/\s(style|on\w+)=/i)
  })

  it('loads only files that are served', () => {
    const loaded = [...html.matchAll(/<(?:link|img|script)[^>]*(?:href|src)="([^"]*)"/g)].map(([, path]) => path)
    const live = Object.hasOwn(PORTAL_EXAMPLES, name) ? [LIVE_SCRIPT_PATH] : []
    const copying = name.startsWith('connect') ? [COPY_SCRIPT_PATH] : []
    const sealing = /^(?:recording|sealing-key|first-time)/.test(name) ? [SEALING_SCRIPT_PATH] : []
    expect(loaded).toEqual([...sealing, ...copying, ...live, MARK_PATH, STYLESHEET_PATH])
  })

  it('uses no class without a style, and no id twice', () => {
    const classes = [...html.matchAll(/ class="([^"]*)"/g)].flatMap(([, classNames = '']) => classNames.split(' '))
    expect(classes.filter((each) => !STYLESHEET.includes(`.${each}`))).toEqual([])
    const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id = '']) => id)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  })

  it('has an id on every form, every button and every field', () => {
    expect(
      [...html.matchAll(/<(?:form|button|select|input(?! type="hidden"))\b[^>]*>/g)].filter(([tag]) => !tag.includes(' id="')),
    ).toEqual([])
  })

  it('posts no form without the token of the session', () => {
    for (const [form] of html.matchAll(/<form[^>]*method="post"[\s\S]*?<\/form>/g))
      expect(form).toContain('<input type="hidden" name="csrf" value="a-csrf-token"/>')
  })
})

describe('whatever a stranger writes, or an identity provider says, stays text', () => {
  const PAGES: readonly (readonly [name: string, pages: readonly (readonly [path: string, html: string])[]])[] = [
    ['overview', probed(overview).map(([path, view]) => [path, overviewPage({ ...view, names: overview.names })])],
    ['people', probed(people).map(([path, view]) => [path, peoplePage(view)])],
    ['person', probed(person, ['kind']).map(([path, view]) => [path, personPage(view)])],
    ['clients', probed(clients).map(([path, view]) => [path, clientsPage(view)])],
    ['events', probed(events).map(([path, view]) => [path, eventsPage({ ...view, names: events.names })])],
    [
      'receipts',
      probed(receipts, stateOf('receipts.0', 'receipts.1', 'receipts.2')).map(([path, view]) => [
        path,
        receiptsPage({ ...view, names }),
      ]),
    ],
    ['receipt', probed(receipt, stateOf('receipt')).map(([path, view]) => [path, receiptPage(view)])],
    ['running receipt', probed(running, stateOf('receipt')).map(([path, view]) => [path, receiptPage(view)])],
    ['confirm', probed(confirm).map(([path, view]) => [path, confirmPage(view)])],
    ['machines', probed(machines, ['machines.0.state']).map(([path, view]) => [path, machinesPage(view)])],
    ['new token', probed(newToken).map(([path, view]) => [path, newTokenPage(view)])],
    ['account', probed(account).map(([path, view]) => [path, accountPage(view)])],
  ]

  it.for(PAGES.flatMap(([name, pages]) => pages.map(([path, html]) => [name, path, html] as const)))('%s: %s', ([, , html]) => {
    expect(html).not.toContain(PROBE.slice(0, 5))
    expect(html).not.toContain(`"'&`)
    expect(tagsOf(html)).not.toMatch(/\son\w+=/i)
  })
})

describe('the page of a person says', () => {
  it.for([
    '3 open streams',
    'tools/call count',
    'request in progress, replayable',
    'Cursor',
    '12 s',
    'cursor-vscode 1.4.2',
    '42 events12 KB',
    '3 s ago5.2 KB buffered',
    'none yetnothing buffered',
    'not known',
    'mcp.example.com/mcp',
    '2 connected clients',
    'Connected with 2 clients',
    'an old refresh token came back, as if it had been stolen',
  ])('%s', (words) => {
    expect(wordsOf(personPage(person))).toContain(words)
  })

  it('which stream and which grant a row is about', () => {
    expect(personNow(person)).toContain('<tr data-stream-id="s1" data-grant-id="g1">')
    expect(personNow(person)).toContain('<tr data-grant-id="g2" data-client-id=')
  })

  it('that somebody is blocked, and how to let them in again', () => {
    const html = personPage({ ...person, blocked: true })
    expect(wordsOf(html)).toContain('Blocked: cannot sign in')
    expect(html).toContain('id="unblock-person"')
    expect(html).not.toContain('id="block-person"')
  })

  it('nothing that could be revoked where there is nothing', () => {
    expect(personPage({ ...person, grants: [], streams: [] })).not.toContain('id="revoke-person"')
  })

  it('a machine can be revoked, and not blocked', () => {
    const html = personPage({ ...person, kind: 'machine' })
    expect(html).toContain('id="revoke-person"')
    expect(html).not.toContain('id="block-person"')
  })
})

describe('a receipt', () => {
  it('that is done asks for nothing more', () => {
    expect(receiptPage(receipt)).not.toMatch(/http-equiv|data-live=/)
    expect(receiptPage(receipt)).not.toContain('<progress')
  })

  it('that runs shows how far it has come, and looks again with and without a script', () => {
    const html = receiptPage(running)
    expect(html).toContain('<progress class="progress" id="progress" value="1340" max="2000">')
    expect(html).toContain('<noscript><meta http-equiv="refresh" content="2"/></noscript>')
    expect(html).toContain('data-live="/admin/receipts/LsXdH4x0Js0_B-mc/now"')
  })

  it('names who does not answer', () => {
    expect(wordsOf(receiptNow(running))).toContain('1 person does not answer.')
    expect(receiptNow(running)).toContain('no answer in time')
  })
})

it('the Connect page has, for each server, the way to take it away from everybody', () => {
  const links = [...(PORTAL_EXAMPLES['connect'] ?? '').matchAll(/href="\/admin\/confirm\?([^"]+)"/g)]
  const asked = links.map(([, query = '']) => new URLSearchParams(query.replaceAll('&amp;', '&')).get('id'))
  expect(asked).toEqual(['https://mcp.example.com/mcp', 'https://mcp.example.com/servers/documents/mcp'])
})

describe('the account page', () => {
  it('says before the button what the button does', () => {
    const words = wordsOf(accountPage(account))
    expect(words).toContain('This ends Cursor’s access at once and closes 2 open streams.')
    expect(words).toContain('This ends the access of 2 applications at once and closes 3 open streams.')
  })

  it('says which server an application uses, by the name people know and by its address', () => {
    expect(wordsOf(accountPage(account))).toContain('uses Acme Documents at mcp.example.com/mcp, connected for')
    expect(wordsOf(accountPage({ ...account, servers: [] }))).toContain('uses mcp.example.com/mcp, connected for')
  })

  it('says while an administrator records', () => {
    expect(wordsOf(accountPage(account))).toContain('carol@example.com is recording what your applications do here')
    expect(accountPage({ ...account, recording: undefined })).not.toContain('id="recording"')
  })

  it('leads to the administration only whom it is for', () => {
    expect(accountPage(account)).toContain('href="/admin"')
    expect(accountPage({ ...account, isAdministrator: false })).not.toContain('href="/admin"')
  })
})

it.for<[number, string]>([
  [-3, '0 s'],
  [59, '59 s'],
  [60, '1 min'],
  [7_199, '1 h'],
  [172_800, '2 d'],
])('%d seconds are said as %s', ([seconds, words]) => {
  expect(durationOf(seconds)).toBe(words)
})

describe('the script of the portal', () => {
  it('is allowed on its pages and nowhere else, and may ask only us', () => {
    expect(pageHeaders('portal')['Content-Security-Policy']).toMatch(/; script-src 'self'; connect-src 'self'$/)
    expect(pageHeaders('own')['Content-Security-Policy']).not.toContain('script-src')
    expect(pageHeaders('front')['Content-Security-Policy']).toMatch(/; script-src 'self'$/)
    expect(pageHeaders('portal')['Cross-Origin-Opener-Policy']).toBe('same-origin')
  })

  it('puts no text into markup, and evaluates none', () => {
    expect(LIVE_SCRIPT).not.toMatch(/innerHTML\s*=[^=]|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(/)
  })
})
