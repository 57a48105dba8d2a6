// Schemes of native applications that an operator adds: who may use them then, and which are refused at start.
import { describe, expect, test } from 'vitest'
import { readRegistration } from '../../../src/oauth/client-auth/client-metadata.ts'
import { acceptableRedirectUri } from '../../../src/clients/redirect-uri.ts'
import { readSettings } from '../../../src/settings/settings.ts'
import { GOOD, ONE_SERVER } from './good.ts'

const SINGLE = { ...GOOD, ...ONE_SERVER }
const schemes = (written: string) => readSettings({ ...SINGLE, REDIRECT_SCHEMES: written }).redirectSchemes

test('without the setting there are none; several are separated, in whatever way people write them', () => {
  expect(schemes('')).toEqual([])
  expect(schemes('acme-agent, Widget: gadget+ide:// dev.acme')).toEqual(['acme-agent', 'widget', 'gadget+ide', 'dev.acme'])
})

describe('a scheme that is named', () => {
  const named = ['acme-agent']

  test.for(['acme-agent://mcp/callback', 'acme-agent:/callback?x=1'])('may be registered: %s', (uri) => {
    expect(acceptableRedirectUri(uri)).toBeUndefined()
    expect(acceptableRedirectUri(uri, named)).toBe('private-scheme')
  })

  test.for([
    'acme-agent:',
    'acme-agent:callback',
    'acme-agent://user@host/cb',
    'acme-agent://cb#x',
    'acme-agent-nightly://cb',
    'acme://cb',
    'ACME-AGENT://cb',
    'javascript:alert(1)',
  ])('does not help %s', (uri) => {
    expect(acceptableRedirectUri(uri, named)).toBeUndefined()
  })

  test('is honoured when a client registers', () => {
    const document = { redirect_uris: ['acme-agent://cb'], token_endpoint_auth_method: 'none' }
    expect(readRegistration(document, undefined, named).metadata.redirectUris).toEqual(['acme-agent://cb'])
    expect(() => readRegistration(document)).toThrow(expect.objectContaining({ code: 'invalid_redirect_uri' }))
  })

  test('is honoured for a client of the settings', () => {
    const CLIENTS = JSON.stringify([{ id: 'agent', name: 'Agent', redirect_uris: ['acme-agent://cb'] }])
    expect(readSettings({ ...SINGLE, CLIENTS, REDIRECT_SCHEMES: 'acme-agent' }).clients).toHaveLength(1)
    expect(() => readSettings({ ...SINGLE, CLIENTS })).toThrow('REDIRECT_SCHEMES names more')
  })
})

describe('the broker does not start with', () => {
  test.for(
    `http HTTPS ws wss ftp sftp file data javascript JavaScript: vbscript blob about mailto tel sms smsto intent view-source chrome
     chrome-extension moz-extension safari-web-extension devtools edge microsoft-edge googlechrome firefox ms-msdt ms-settings
     search-ms filesystem jar web+acme ext+acme content resource cid urn itms-services android-app ssh smb ldap xmpp sip git+ssh
     x-apple.systempreferences shell`.split(/\s+/),
  )('%s', (name) => {
    const shown = name.toLowerCase().replace(':', '')
    const cure =
      'name schemes that native applications have for themselves, such as acme-agent; https and loopback need no setting'
    expect(() => schemes(`acme-agent, ${name}`)).toThrow(
      expect.objectContaining({
        problems: [{ variable: 'REDIRECT_SCHEMES', problem: `names “${shown}”, which can never be a client’s own`, cure }],
      }),
    )
  })

  test.for(['acme_agent', '1acme', '*', 'acme://cb', 'äcme', 'a'.repeat(64)])('what is no scheme: %s', (name) => {
    expect(() => schemes(name)).toThrow('which is no scheme')
  })
})
