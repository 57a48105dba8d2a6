// Machine tokens prove themselves: what was not issued names no object, and what is stored does not lead back to the token.
import { describe, expect, test } from 'vitest'
import { keyRing } from '../../../../src/issuer/keys.ts'
import { MachineTokens } from '../../../../src/oauth/tokens/machine-tokens.ts'

const ISSUER = 'https://mcp.example.com'
const RESOURCE = `${ISSUER}/mcp`
const secret = (byte: number): Uint8Array<ArrayBuffer> => new Uint8Array(32).map((_, index) => byte + index)
const tokens = new MachineTokens(await keyRing({ secret: secret(0) }), ISSUER)
const random = new Uint8Array(24).map((_, index) => index * 7)

describe('a machine token', () => {
  test('is tok_ and 48 characters, of which eight are shown later', async () => {
    const { token, prefix, id } = await tokens.create(random)
    expect(token).toMatch(/^tok_[\w-]{48}$/)
    expect(prefix).toBe(token.slice(4, 12))
    expect(id).toMatch(/^mch_[\w-]{22}$/)
  })

  test('names the same session and grants whenever it is looked at', async () => {
    const created = await tokens.create(random)
    const seen = await tokens.identify(created.token)
    expect(seen).toMatchObject({ id: created.id, sub: created.sub, subject: `machine:${created.id}` })
    expect(await seen?.grantId(RESOURCE)).toBe(await created.grantId(RESOURCE))
    expect(await created.grantId(RESOURCE)).not.toBe(await created.grantId(`${ISSUER}/other`))
  })

  test('speaks for a caller whose grant decides, the second time without arithmetic', async () => {
    const { token, id, sub, grantId } = await tokens.create(random)
    const caller = await tokens.verify(token, RESOURCE)
    expect(caller).toMatchObject({ sub, clientId: id, grantId: await grantId(RESOURCE), resource: RESOURCE, generation: 1 })
    expect(await tokens.verify(token, RESOURCE)).toBe(caller)
  })

  test('has every scope of the server it is shown at: a machine can not be asked for more', async () => {
    const { token } = await tokens.create(random)
    const caller = await tokens.verify(token, `${ISSUER}/servers/tickets/mcp`, ['mcp', 'tickets:write'])
    expect(caller?.scopes).toEqual(['mcp', 'tickets:write'])
  })

  test('is still one after the key has changed, until the old key is dropped', async () => {
    const { token, sub, grantId } = await tokens.create(random)
    const rotated = new MachineTokens(await keyRing({ secret: secret(99), previousSecret: secret(0) }), ISSUER)
    expect(await rotated.verify(token, RESOURCE)).toMatchObject({ sub, grantId: await grantId(RESOURCE) })
    const dropped = new MachineTokens(await keyRing({ secret: secret(99) }), ISSUER)
    expect(await dropped.verify(token, RESOURCE)).toBeUndefined()
  })

  test('can not be read from what is stored of it', async () => {
    const { token, id, sub, grantId } = await tokens.create(random)
    const stored = [id, sub, await grantId(RESOURCE)].join(' ')
    for (let at = 4; at + 8 <= token.length; at += 1) expect(stored).not.toContain(token.slice(at, at + 8))
  })
})

describe('what is no machine token of ours', async () => {
  const { token } = await tokens.create(random)
  const other = (at: number): string => (token[at] === 'A' ? 'B' : 'A')

  test.for<[string, string]>([
    ['nothing', ''],
    ['the prefix alone', 'tok_'],
    ['another random part', `tok_${other(4)}${token.slice(5)}`],
    ['another MAC', `${token.slice(0, -1)}${other(51)}`],
    ['one character less', token.slice(0, -1)],
    ['one character more', `${token}A`],
    ['another alphabet', `${token.slice(0, -1)}+`],
    ['another beginning', `key_${token.slice(4)}`],
    ['two of them', `${token} ${token}`],
  ])('%s', async ([, presented]) => {
    expect(await tokens.identify(presented)).toBeUndefined()
    expect(await tokens.verify(presented, RESOURCE)).toBeUndefined()
  })
})
