// SCIM 2.0 at the Worker: what can be asked and found, and what is refused, as RFC 7644 has it.
import { beforeAll, describe, expect, test } from 'vitest'
import { BASE, createGroup, createUser, credential, idOf, newSubject, scim, USER, type ScimAnswer } from './company-directory.ts'

let token = ''
beforeAll(async () => {
  token = await credential(['scim'])
})

describe('what is asked', () => {
  test('is found by name, whatever its case, and by external id', async () => {
    const subject = newSubject()
    const user = idOf(
      await createUser(token, subject, {
        name: { givenName: 'Ann' },
        password: 'secret',
        emails: [{ value: 'a@b.c', type: 'work' }],
      }),
    )
    const find = (filter: string): Promise<ScimAnswer> => scim(token, 'GET', `/Users?filter=${encodeURIComponent(filter)}`)
    const found = { status: 200, body: { totalResults: 1, Resources: [{ id: user, userName: `${subject}@example.com` }] } }
    expect(await find(`userName eq "${subject.toUpperCase()}@EXAMPLE.com"`)).toMatchObject(found)
    expect(await find(`externalId eq "${subject}"`)).toMatchObject(found)
    expect(await find('userName eq "nobody"')).toMatchObject({ status: 200, body: { totalResults: 0, Resources: [] } })
    const { body } = await scim(token, 'GET', `/Users/${user}`)
    expect(body).toMatchObject({ name: { givenName: 'Ann' }, meta: { resourceType: 'User', location: `${BASE}/Users/${user}` } })
    expect(JSON.stringify(body)).not.toContain('secret')
  })

  test('comes in pages', async () => {
    await Promise.all([1, 2, 3].map(() => createUser(token, newSubject())))
    const { body } = await scim(token, 'GET', '/Users?startIndex=2&count=1')
    expect(body).toMatchObject({ startIndex: 2, itemsPerPage: 1, Resources: [expect.anything()] })
    expect(await scim(token, 'GET', '/Users?count=0')).toMatchObject({ body: { itemsPerPage: 0, Resources: [] } })
  })

  test.each([
    ['/ServiceProviderConfig', { patch: { supported: true }, bulk: { supported: false } }],
    ['/ResourceTypes', { totalResults: 2 }],
    ['/Schemas', { totalResults: 2 }],
    [`/Schemas/${USER}`, { id: USER }],
  ])('about the server: %s', async (path, expected) => {
    const answer = await scim(token, 'GET', path)
    expect(answer).toMatchObject({ status: 200, body: expected })
    expect(answer.headers.get('content-type')).toBe('application/scim+json')
  })
})

describe('what is refused', () => {
  test.each([
    ['a filter nobody understands', 'GET', '/Users?filter=userName%20co%20%22a%22', undefined, 400, 'invalidFilter'],
    [
      'a filter that injects',
      'GET',
      `/Users?filter=${encodeURIComponent(`userName eq "x" or 1 eq 1; DROP TABLE people --"`)}`,
      undefined,
      400,
      'invalidFilter',
    ],
    ['a filter by what is not looked for', 'GET', '/Users?filter=password%20eq%20%22a%22', undefined, 400, 'invalidFilter'],
    ['no JSON', 'POST', '/Users', '{', 400, 'invalidSyntax'],
    ['a list', 'POST', '/Users', '[]', 400, 'invalidSyntax'],
    ['no name', 'POST', '/Users', { externalId: 'a' }, 400, 'invalidValue'],
    ['neither yes nor no', 'POST', '/Users', { userName: 'u', active: 'perhaps' }, 400, 'invalidValue'],
    ['a name of two lines', 'POST', '/Groups', { displayName: 'a\nadmins' }, 400, 'invalidValue'],
    ['no member', 'POST', '/Groups', { displayName: 'a', members: [{ value: 7 }] }, 400, 'invalidValue'],
    ['somebody nobody knows', 'GET', '/Users/nobody', undefined, 404, undefined],
    ['another path', 'GET', '/Bulk', undefined, 404, undefined],
  ])('%s', async (_, method, path, body, status, scimType) => {
    const answer = await scim(token, method, path, body)
    expect(answer).toMatchObject({
      status,
      body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status), detail: expect.any(String) },
    })
    expect(answer.body['scimType']).toBe(scimType)
    expect(answer.body['request_id']).toBe(answer.headers.get('x-request-id'))
  })

  test('a second user of the same name', async () => {
    const subject = newSubject()
    await createUser(token, subject)
    expect(await createUser(token, subject)).toMatchObject({ status: 409, body: { scimType: 'uniqueness' } })
  })

  test.each([
    ['no credential', () => Promise.resolve('')],
    ['an invented one', () => Promise.resolve(`tok_${'A'.repeat(48)}`)],
    ['one of an administrator', () => credential(['admin'])],
    ['one for MCP servers', () => credential(['mcp'])],
  ])('%s', async (_, present) => {
    const answer = await scim(await present(), 'GET', '/Users')
    expect(answer).toMatchObject({ status: 401, body: { status: '401' } })
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
  })
})

test('a group of 50,000 members is taken, and one member more is one change', { timeout: 60_000 }, async () => {
  const members = Array.from({ length: 50_000 }, (_, n) => `member-${n}`)
  const group = idOf(await createGroup(token, 'everybody', members))
  const more = { op: 'add', path: 'members', value: [{ value: 'one more' }] }
  expect(await scim(token, 'PATCH', `/Groups/${group}`, { Operations: [more] })).toMatchObject({ status: 204 })
  const { body } = await scim(token, 'GET', `/Groups/${group}`)
  expect(body['members']).toHaveLength(50_001)
  expect(await scim(token, 'DELETE', `/Groups/${group}`)).toMatchObject({ status: 204 })
})

test('a body that is too large is refused', async () => {
  const answer = await scim(token, 'POST', '/Users', { userName: 'x'.repeat(70_000) })
  expect(answer).toMatchObject({ status: 413, body: { status: '413' } })
})
