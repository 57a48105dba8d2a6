// The page that hands the answer to an app with a scheme of its own.
import { describe, expect, it } from 'vitest'
import { type Continue, continuePage } from '../../../src/pages/continue.tsx'
import { ESCAPED, PROBE } from './hostile.ts'

const back: Continue = {
  client: 'Cursor',
  redirectUri: 'cursor://anysphere.cursor-mcp/oauth/callback?code=a&state=b',
  outcome: 'allowed',
}

describe('the page that returns to an app', () => {
  it('goes there by itself and by a link, with the answer unchanged', () => {
    const html = continuePage(back)
    expect(html).toContain(
      '<meta http-equiv="refresh" content="0;url=cursor://anysphere.cursor-mcp/oauth/callback?code=a&amp;state=b"/>',
    )
    expect(html).toContain('id="continue" href="cursor://anysphere.cursor-mcp/oauth/callback?code=a&amp;state=b"')
  })

  it('says which it was, allowed or refused', () => {
    expect(continuePage(back)).toContain('You are signed in')
    expect(continuePage({ ...back, outcome: 'refused' })).toContain('Nothing was allowed')
  })

  it('shows the name as text', () => {
    expect(continuePage({ ...back, client: PROBE })).toContain(ESCAPED)
  })

  it('keeps quotes in the address from ending the link', () => {
    const html = continuePage({ ...back, redirectUri: `cursor:x"><img src=x onerror=alert(1)>` })
    expect(html).not.toContain('<img')
  })

  it.for([
    'javascript:alert(1)//',
    'JavaScript:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    'https://evil.example/',
    'intent://x#Intent;end',
    'not an address',
  ])('is never made for %s', (redirectUri) => {
    expect(() => continuePage({ ...back, redirectUri })).toThrow('not an app of this device')
  })
})
