// The consent page: its contract with the route behind it, and what it tells the person.
import { describe, expect, it } from 'vitest'
import { type Consent, consentPage } from '../../../src/pages/consent.tsx'
import { choosing, claude, cursor, hostile, terminal } from './examples.ts'
import { elementsOf, ESCAPED, PROBE, probed, tagsOf } from './hostile.ts'

/** What a person reads: the text, with no markup. */
function wordsOf(html: string): string {
  return html
    .slice(html.indexOf('<main'))
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ')
}

describe('the form of the consent page', () => {
  const form = /<form[\s\S]*<\/form>/.exec(consentPage(cursor))?.[0] ?? ''

  it('posts the ticket to /authorize', () => {
    expect(form).toContain('<form id="consent" method="post" action="/authorize"')
    expect(form).toContain('<input type="hidden" name="ticket" value="eyJhbGciOiJkaXIifQ.ticket"/>')
  })

  it('has two buttons and nothing else to press, Deny first', () => {
    const buttons = [...form.matchAll(/<button[^>]*>/g)].map(([tag]) => tag)
    expect(buttons).toEqual([
      '<button class="button" id="deny" type="submit" name="decision" value="deny">',
      expect.stringContaining('id="allow" type="submit" name="decision" value="allow"'),
    ])
  })

  it('gives the focus to neither button', () => {
    expect(consentPage(cursor)).not.toContain('autofocus')
  })
})

describe('the consent page says', () => {
  it.for<[string, Consent, string]>([
    ['who asks and for what', claude, 'Allow Claude to use Acme Documents?'],
    ['where the server is that goes by a name', claude, 'Gets access toAcme Documentsmcp.example.com/mcp'],
    ['who has published the name of a client', claude, 'Published by claude.ai'],
    ['that a name is only what the application says', cursor, 'Name not verified'],
    ['where an unverified client says it is from', cursor, 'says it is from cursor.com'],
    ['that nobody has checked an unverified name', cursor, 'nobody has checked it'],
    ['that a verified name can be used by any program on a computer', terminal, 'any program on this computer could use it'],
    ['which site the browser returns to', claude, 'Returns you toclaude.ai'],
    ['that the browser returns to a program on this computer', terminal, 'A program on this computerat localhost:3118'],
    ['that the browser returns to an app', cursor, 'An app on this devicethe one that opens cursor: links'],
    ['what each scope means', claude, 'Stay connected while you are away offline_access'],
    ['what the server will learn', claude, 'Your e-mail address'],
    ['where the person signs in', claude, 'Allow takes you to Acme Okta (acme.okta.example) to sign in.'],
    ['that the access can be ended at any time', claude, 'an administrator can end its access at any time'],
    ['the whole redirect URI, for those who look', cursor, 'cursor://anysphere.cursor-mcp/oauth/callback'],
  ])('%s', ([, consent, words]) => {
    expect(wordsOf(consentPage(consent))).toContain(words)
  })

  it('nothing alarming about a verified client that returns to its own site', () => {
    expect(consentPage(claude)).not.toContain('note-warn')
  })

  it.for<[string, string, boolean]>([
    ['the very site', 'claude.ai', false],
    ['a host of that site', 'app.claude.ai:8443', false],
    ['a site that only ends like it', 'notclaude.ai', true],
    ['a site that only starts like it', 'claude.ai.evil.example', true],
  ])('when the browser returns to another site than the client has: %s', ([, host, warned]) => {
    const words = wordsOf(consentPage({ ...claude, redirect: { ...claude.redirect, host } }))
    expect(words.includes('not the same site as claude.ai')).toBe(warned)
  })

  it('a button for each place to sign in at, where there are several, and none that chooses for the person', () => {
    const html = consentPage(choosing)
    expect(wordsOf(html)).toContain('DenyAllow with Acme OktaAllow with GitHub')
    expect(html).toContain('type="submit" name="provider" value="github"')
    expect(html).not.toContain('value="allow"')
  })

  it('that a client with an invisible name has none', () => {
    const nameless = { ...cursor, client: { ...cursor.client, name: '\u200B\u202E \u3164' } }
    expect(wordsOf(consentPage(nameless))).toContain('Allow An unnamed application to use')
  })
})

describe('whatever a stranger writes on the consent page', () => {
  const everyProp = [
    // Which provider it is stands only where there are several.
    ...probed(claude, ['redirect.kind', 'identityProviders.0.key']),
    ...probed(terminal, ['redirect.kind', 'identityProviders.0.key']),
    ...probed(choosing, ['redirect.kind']),
    // Of a private scheme the host is not shown.
    ...probed(cursor, ['redirect.kind', 'redirect.host', 'identityProviders.0.key']),
  ]

  it.for(everyProp)('stays text in %s', ([, consent]) => {
    const html = consentPage(consent)
    expect(html).not.toContain(PROBE.slice(0, 5))
    expect(html).not.toContain(`"'&`)
    expect(html).toContain(ESCAPED)
  })

  it('adds no element and no handler to the page', () => {
    // Long hosts of honest people may break at their dots too.
    const ours = new Set([...elementsOf(consentPage(cursor)), 'wbr'])
    expect([...elementsOf(consentPage(hostile))].filter((name) => !ours.has(name))).toEqual([])
    expect(tagsOf(consentPage(hostile))).not.toMatch(/\son\w+=/i)
  })

  it('can not turn text around or hide in it', () => {
    expect(consentPage(hostile)).not.toMatch(/[\p{Cf}\p{Co}\u3164]/u)
  })

  it('is cut to a length that leaves the rest of the page readable', () => {
    expect(consentPage(hostile)).not.toContain('W'.repeat(81).concat('</bdi>'))
    expect(/<h1>[\s\S]*<\/h1>/.exec(consentPage(hostile))?.[0].length).toBeLessThan(300)
  })
})
