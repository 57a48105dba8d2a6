// A server for one group: who is let in, and what ends for who leaves it, whoever says so.
import { describe, expect, test } from 'vitest'
import { BrokerClient, statusWith, tokensOf } from '../world/broker-client.ts'
import { credentialsFor } from '../world/clients.ts'
import { CompanyDirectory } from '../world/company-directory.ts'
import { LegacyClient } from '../world/legacy-client.ts'
import { PEOPLE } from '../world/people.ts'
import { LEGACY, MODERN, threeEras, type Server } from '../world/three-eras.ts'

const eras = threeEras({ groups: ['engineering'] })
const at = (server: Server): string => eras.at(server)

describe('a server for one group', () => {
  test('says its title where a client is allowed to use it, refuses everybody else at the sign-in, and says why', async () => {
    const client = await BrokerClient.register(eras.world.brokerUrl)
    const consent = await (await fetch(client.authorizeUrl({ resource: at(LEGACY) }).url)).text()
    expect(consent).toContain('to use <bdi>Legacy tools</bdi>?')
    expect(consent).toContain(at(LEGACY).replace('http://', ''))
    const refused = client.code('bob', { changes: { resource: at(LEGACY) } })
    await expect(refused).rejects.toThrow(
      /error=access_denied&error_description=this\+server\+is\+for\+some\+people\+and\+groups\+only/,
    )
    expect(await statusWith(at(MODERN), (await client.signIn('bob', { changes: { resource: at(MODERN) } })).accessToken)).toBe(
      200,
    )
  })

  test('refuses who leaves the group once the identity provider has said so, ends what is open, and lets them back in', async () => {
    const client = await BrokerClient.register(eras.world.brokerUrl)
    const { accessToken, refreshToken } = await client.signIn('alice', { changes: { resource: at(LEGACY) } })
    const elsewhere = await credentialsFor('alice', at(MODERN))
    const session = await LegacyClient.open(at(LEGACY), accessToken)
    const open = await session.get()
    const counting = await session.stream('count', { to: 1_000, interval_ms: 50 })
    eras.world.idp.control.changeGroups('alice', ['sales'])
    const { accessToken: next } = tokensOf(await client.refresh(refreshToken))
    expect([await open.over, open.closeReason]).toEqual(['ended', 'policy_changed'])
    expect([await counting.over, counting.closeReason]).toEqual(['ended', 'policy_changed'])
    session.accessToken = next
    const denied = await session.call('echo', { message: 'x' })
    expect(denied.headers.has('www-authenticate')).toBe(false)
    expect([denied.status, await denied.json()]).toMatchObject([
      403,
      { error: { data: { code: 'access_denied' }, message: expect.stringContaining('for some people and groups only') } },
    ])
    expect(await statusWith(at(MODERN), elsewhere.accessToken)).toBe(200)
    eras.world.idp.control.changeGroups('alice', ['engineering'])
    // What the provider has just confirmed holds for ten seconds; whoever signs in anew is asked about at once.
    const back = await client.signIn('alice', { changes: { resource: at(LEGACY) } })
    expect((await LegacyClient.open(at(LEGACY), back.accessToken)).sessionId).not.toBe('')
  })

  test('ends for who leaves it in the company’s directory, and everything for who leaves the company, before SCIM is answered', async () => {
    const directory = await CompanyDirectory.open(eras.world.brokerUrl)
    const user = await directory.create('Users', { userName: 'alice', externalId: PEOPLE.alice.sub, active: true })
    const group = await directory.create('Groups', { displayName: 'engineering', members: [{ value: user }] })
    const { accessToken } = await credentialsFor('alice', at(LEGACY))
    const elsewhere = await credentialsFor('alice', at(MODERN))
    const session = await LegacyClient.open(at(LEGACY), accessToken)
    const open = await session.get()
    const counting = await session.stream('count', { to: 1_000, interval_ms: 50 })
    await directory.patch(`/Groups/${group}`, { op: 'remove', path: `members[value eq "${user}"]` })
    expect([await open.over, open.closeReason]).toEqual(['ended', 'policy_changed'])
    expect([await counting.over, counting.closeReason]).toEqual(['ended', 'policy_changed'])
    expect((await session.call('echo', { message: 'x' })).status).toBe(403)
    expect(await statusWith(at(MODERN), elsewhere.accessToken)).toBe(200)

    await directory.patch(`/Groups/${group}`, { op: 'Add', path: 'members', value: [{ value: user }] })
    const again = await LegacyClient.open(at(LEGACY), accessToken)
    const standing = await again.get()
    await directory.patch(`/Users/${user}`, { op: 'Replace', path: 'active', value: 'False' })
    expect([await standing.over, standing.closeReason]).toEqual(['ended', 'credential_revoked'])
    expect(await statusWith(at(MODERN), elsewhere.accessToken)).toBe(401)
    const client = await BrokerClient.register(eras.world.brokerUrl)
    await expect(client.code('alice', { changes: { resource: at(MODERN) } })).rejects.toThrow(/error=access_denied/)

    await directory.patch(`/Users/${user}`, { op: 'replace', value: { active: true } })
    await directory.ask('DELETE', `/Groups/${group}`)
    expect((await client.signIn('alice', { changes: { resource: at(MODERN) } })).accessToken).not.toBe('')
  })
})
