// SCIM 2.0 at the Worker: what Okta and Entra send, and what it does to people who are connected, who are not, and who are nobody yet.
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  connected,
  createGroup,
  createUser,
  credential,
  idOf,
  MCP,
  newSubject,
  patch,
  scim,
  signInTo,
  somebody,
  TICKETS,
  USER,
} from './company-directory.ts'

let token = ''
beforeAll(async () => {
  token = await credential(['scim'])
})

const directory = () => env.DIRECTORY.getByName('directory')
const lastReceipt = async () => (await directory().receipts(undefined)).receipts[0]

describe('a user that is made not active', () => {
  test.each([
    ['Okta, without a path', patch({ op: 'replace', value: { active: false } })],
    ['Entra, with the word', patch({ op: 'Replace', path: 'active', value: 'False' })],
    ['Entra, with the schema', patch({ op: 'Add', path: `${USER}:active`, value: 'False' })],
    ['a list of one', patch({ op: 'replace', path: 'active', value: [{ value: 'False' }] })],
  ])('has nothing any more when the answer is there: %s', async (_, body) => {
    const person = await somebody()
    const user = idOf(await createUser(token, person.subject))
    const caller = await connected(person, MCP)
    expect(await person.session.admit(caller)).toMatchObject({ admitted: true })
    const answer = await scim(token, 'PATCH', `/Users/${user}`, body)
    expect(answer).toMatchObject({ status: 200, body: { active: false } })
    expect(await person.session.admit(caller)).toMatchObject({ admitted: false, reason: 'credential_revoked' })
    expect(await signInTo(person, MCP)).toBe('blocked')
    expect(await person.session.describe()).toMatchObject({ blocked: true, grants: [] })
  })

  test('by PUT, too; and comes back when active', async () => {
    const person = await somebody()
    const user = idOf(await createUser(token, person.subject))
    await connected(person, MCP)
    const whole = { userName: `${person.subject}@example.com`, externalId: person.subject }
    await scim(token, 'PUT', `/Users/${user}`, { ...whole, active: false })
    expect(await signInTo(person, MCP)).toBe('blocked')
    // Whoever leaves it out lets nobody in again.
    expect(await scim(token, 'PUT', `/Users/${user}`, whole)).toMatchObject({ status: 200, body: { active: false } })
    expect(await signInTo(person, MCP)).toBe('blocked')
    await scim(token, 'PUT', `/Users/${user}`, { ...whole, active: true })
    expect(await connected(person, MCP)).toMatchObject({ resource: MCP })
  })

  test('leaves a receipt that names the credential and counts what ended', async () => {
    const person = await somebody()
    const user = idOf(await createUser(token, person.subject))
    await connected(person, MCP)
    await scim(token, 'PATCH', `/Users/${user}`, patch({ op: 'replace', value: { active: false } }))
    expect(await lastReceipt()).toMatchObject({
      byName: expect.stringMatching(/^machine Okta \(mch_/),
      action: 'block',
      target: { what: 'person', sub: person.sub },
      people: { total: 1, done: 1, failing: 0 },
      grants: 1,
      state: 'done',
      signal: { door: 'scim', issuer: 'https://idp.example', event: 'user not active', silentAt: expect.any(Number) },
    })
  })

  test('is what the page of signals shows as the last that came by this door', async () => {
    const { subject } = await somebody()
    await createUser(token, subject, { active: false })
    expect(await directory().lastSignals()).toContainEqual(expect.objectContaining({ door: 'scim', event: 'user not active' }))
  })

  test('and has never signed in is refused at their first sign-in', async () => {
    const person = await somebody()
    expect(await createUser(token, person.subject, { active: false })).toMatchObject({ status: 201, body: { active: false } })
    expect(await signInTo(person, MCP)).toBe('blocked')
  })

  test('is not let in by an administrator, nor is one whom an administrator blocked let in by the directory', async () => {
    const person = await somebody()
    const user = idOf(await createUser(token, person.subject))
    await connected(person, MCP)
    const order = { at: 1, by: 'carol', why: 'a test', target: { what: 'person', sub: person.sub } } as const
    await scim(token, 'PATCH', `/Users/${user}`, patch({ op: 'replace', value: { active: false } }))
    await person.session.carryOut({ ...order, id: `unblock ${person.sub}`, action: 'unblock' })
    expect(await signInTo(person, MCP)).toBe('blocked')
    await person.session.carryOut({ ...order, id: `block ${person.sub}`, action: 'block' })
    await scim(token, 'PATCH', `/Users/${user}`, patch({ op: 'replace', value: { active: true } }))
    expect(await signInTo(person, MCP)).toBe('blocked')
  })

  test('who is deleted stays shut out, and has a new start when they are hired again', async () => {
    const person = await somebody()
    const user = idOf(await createUser(token, person.subject))
    const caller = await connected(person, MCP)
    expect(await scim(token, 'DELETE', `/Users/${user}`)).toMatchObject({ status: 204 })
    expect(await person.session.admit(caller)).toMatchObject({ admitted: false })
    expect(await scim(token, 'GET', `/Users/${user}`)).toMatchObject({ status: 404 })
    expect(await scim(token, 'DELETE', `/Users/${user}`)).toMatchObject({ status: 404 })
    expect(await signInTo(person, MCP)).toBe('blocked')
    expect(await createUser(token, person.subject)).toMatchObject({ status: 201, body: { active: true } })
    expect(await connected(person, MCP)).toMatchObject({ resource: MCP })
  })

  test('loses no change to another that is made at the same time', async () => {
    const person = await somebody()
    const user = idOf(await createUser(token, person.subject))
    await connected(person, MCP)
    const answers = await Promise.all([
      scim(token, 'PATCH', `/Users/${user}`, patch({ op: 'replace', path: 'title', value: 'Boss' })),
      scim(token, 'PATCH', `/Users/${user}`, patch({ op: 'replace', path: 'active', value: false })),
      scim(token, 'PATCH', `/Users/${user}`, patch({ op: 'replace', path: 'nickName', value: 'B' })),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect((await scim(token, 'GET', `/Users/${user}`)).body).toMatchObject({ title: 'Boss', nickName: 'B', active: false })
    expect(await signInTo(person, MCP)).toBe('blocked')
  })

  test('is joined by externalId alone: another who has the same address keeps everything', async () => {
    const person = await somebody()
    const caller = await connected(person, MCP)
    const answer = await scim(token, 'POST', '/Users', { userName: `${person.subject}@example.com`, active: false })
    expect(answer.status).toBe(201)
    expect(await person.session.admit(caller)).toMatchObject({ admitted: true })
    // Joined later, it counts from then on.
    await scim(token, 'PATCH', `/Users/${idOf(answer)}`, patch({ op: 'add', path: 'externalId', value: person.subject }))
    expect(await person.session.admit(caller)).toMatchObject({ admitted: false })
  })
})

describe('a group', () => {
  test('gives, and takes away again while the person is connected', async () => {
    const person = await somebody()
    const user = idOf(await createUser(token, person.subject))
    expect(await signInTo(person, TICKETS)).toBe('not_allowed')
    const group = idOf(await createGroup(token, 'support', []))
    await scim(token, 'PATCH', `/Groups/${group}`, patch({ op: 'add', path: 'members', value: [{ value: user }] }))
    const caller = await connected(person, TICKETS)
    expect(await person.session.admit(caller)).toMatchObject({ admitted: true, identity: { groups: ['support'] } })
    // As Okta spells it.
    const gone = patch({ op: 'remove', path: `members[value eq "${user}"]` })
    expect(await scim(token, 'PATCH', `/Groups/${group}`, gone)).toMatchObject({ status: 204 })
    expect(await person.session.admit(caller)).toMatchObject({ admitted: false, reason: 'access_denied' })
    expect(await lastReceipt()).toMatchObject({ action: 'apply', target: { what: 'group', id: 'support' }, state: 'done' })
    await scim(token, 'DELETE', `/Groups/${group}`)
  })

  test('that the directory knows is its own to give: a token that claims it gives nothing', async () => {
    const person = await somebody()
    const user = idOf(await createUser(token, person.subject))
    const caller = await connected(person, TICKETS, ['support', 'chess'])
    expect(await person.session.admit(caller)).toMatchObject({ admitted: true })
    const group = idOf(await createGroup(token, 'support', []))
    expect(await person.session.admit(caller)).toMatchObject({ admitted: false, reason: 'access_denied' })
    expect(await person.session.describe()).toMatchObject({ identity: { groups: ['chess'] } })
    expect(await signInTo(person, TICKETS, ['support'])).toBe('not_allowed')
    // As Entra spells it.
    await scim(token, 'PATCH', `/Groups/${group}`, patch({ op: 'Add', path: 'members', value: [{ value: user }] }))
    expect(await person.session.admit(caller)).toMatchObject({ admitted: true })
    await scim(token, 'PATCH', `/Groups/${group}`, patch({ op: 'Remove', path: 'members', value: [{ value: user }] }))
    expect(await person.session.admit(caller)).toMatchObject({ admitted: false })
    await scim(token, 'DELETE', `/Groups/${group}`)
  })

  test('that is renamed, replaced or deleted counts as what it is now', async () => {
    const person = await somebody()
    const user = idOf(await createUser(token, person.subject))
    const group = idOf(await createGroup(token, 'support', [user]))
    const caller = await connected(person, TICKETS)
    // Okta sends the id along.
    await scim(token, 'PATCH', `/Groups/${group}`, patch({ op: 'replace', value: { id: group, displayName: 'helpdesk' } }))
    expect(await person.session.admit(caller)).toMatchObject({ admitted: false })
    await scim(token, 'PUT', `/Groups/${group}`, { displayName: 'support', members: [{ value: user }] })
    expect(await person.session.admit(caller)).toMatchObject({ admitted: true })
    await scim(token, 'PATCH', `/Groups/${group}`, patch({ op: 'replace', path: 'members', value: [] }))
    expect(await person.session.admit(caller)).toMatchObject({ admitted: false })
    await scim(token, 'PUT', `/Groups/${group}`, { displayName: 'support', members: [{ value: user }] })
    expect(await person.session.admit(caller)).toMatchObject({ admitted: true })
    expect(await scim(token, 'DELETE', `/Groups/${group}`)).toMatchObject({ status: 204 })
    expect(await person.session.admit(caller)).toMatchObject({ admitted: false })
  })

  test('may name members who are told of later', async () => {
    const first = idOf(await createUser(token, newSubject()))
    const group = idOf(await createGroup(token, 'later', [first, 'not-known-yet']))
    const { body } = await scim(token, 'GET', `/Groups/${group}`)
    expect(body['members']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ value: first, display: expect.stringContaining('@') }),
        expect.objectContaining({ value: 'not-known-yet' }),
      ]),
    )
    expect((await scim(token, 'GET', `/Groups/${group}?excludedAttributes=members`)).body).not.toHaveProperty('members')
    expect(
      (await scim(token, 'GET', `/Groups?filter=${encodeURIComponent(`id eq "${group}" and members eq "${first}"`)}`)).body,
    ).toMatchObject({ totalResults: 1 })
  })
})
