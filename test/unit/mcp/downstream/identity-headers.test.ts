// What the downstream is told about a person, and in which spelling.
import { expect, test } from 'vitest'
import type { Vouched } from '../../../../src/session/contract/admission.ts'
import { identityHeaders } from '../../../../src/mcp/downstream/identity-headers.ts'

const ada: Vouched = {
  identity: {
    issuer: 'https://idp.example',
    subject: 'u-1',
    email: 'ada@example.com',
    name: 'Ada Lovelace',
    groups: ['staff', 'math'],
  },
}

test('a person is named under the names of both families of proxies', () => {
  expect(identityHeaders(ada)).toEqual({
    'x-user-issuer': 'https://idp.example',
    'x-user-sub': 'u-1',
    'x-user-email': 'ada@example.com',
    'x-user-name': 'Ada Lovelace',
    'x-user-groups': 'staff,math',
    'x-forwarded-user': 'u-1',
    'x-forwarded-email': 'ada@example.com',
    'x-forwarded-name': 'Ada Lovelace',
  })
})

test('what the provider did not say is not said', () => {
  const headers = identityHeaders({ identity: { issuer: 'i', subject: 's', groups: [] } })
  expect(headers).toEqual({ 'x-user-issuer': 'i', 'x-user-sub': 's', 'x-forwarded-user': 's' })
})

test('two people of two providers are two people to the server, however alike they are', () => {
  const issuers = ['https://idp.example', 'https://partners.example']
  const [one, other] = issuers.map((issuer) => identityHeaders({ ...ada, identity: { ...ada.identity, issuer } }))
  expect([one?.['x-user-issuer'], other?.['x-user-issuer']]).toEqual(issuers)
})

test.for<[string, string, string]>([
  ['letters beyond ASCII', 'Zoë Ångström', 'Zo%C3%AB %C3%85ngstr%C3%B6m'],
  ['a character beyond the first plane', '🦉', '%F0%9F%A6%89'],
  ['line breaks that would start a header', 'a\r\nX-User-Email: root@example.com', 'a%0D%0AX-User-Email: root@example.com'],
  ['a percent sign', '100%41', '100%2541'],
  ['spaces at the ends', ' a ', '%20a%20'],
  ['half a surrogate pair', 'a\ud800', 'a%EF%BF%BD'],
])('a name is spelled so that it can be read back: %s', ([, name, header]) => {
  const headers = identityHeaders({ ...ada, identity: { ...ada.identity, name } })
  expect(headers['x-user-name']).toBe(header)
  expect(decodeURIComponent(header)).toBe(name.toWellFormed())
})

test('a comma inside a group does not make two of it', () => {
  const headers = identityHeaders({ ...ada, identity: { ...ada.identity, groups: ['a,admin', 'größe'] } })
  expect(headers['x-user-groups']).toBe('a%2Cadmin,gr%C3%B6%C3%9Fe')
})

test('credentials come from the admission alone', () => {
  const headers = identityHeaders({ ...ada, authorization: 'Bearer idp-token', idpAccessToken: 'idp-token' })
  expect(headers['authorization']).toBe('Bearer idp-token')
  expect(headers['x-forwarded-access-token']).toBe('idp-token')
  expect(identityHeaders(ada)).not.toHaveProperty('authorization')
})
