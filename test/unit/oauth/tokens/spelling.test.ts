// Tokens and cookies are good as they were written: base64url decoders forgive white space, and a text that differs is another text.
import { describe, expect, test } from 'vitest'
import { keyRing } from '../../../../src/issuer/keys.ts'
import { sealed, unsealed } from '../../../../src/oauth/tokens/browser-state.ts'
import { SignedTokens } from '../../../../src/oauth/tokens/signed-tokens.ts'

const NOW = 1_800_000_000
const ISSUER = 'https://mcp.example.com'
const ring = await keyRing({ secret: new Uint8Array(32) })
const signedTokens = new SignedTokens(ring, ISSUER, () => NOW)
const grant = { sub: 's', grantId: 'g', clientId: 'c' }
const pair = { ...grant, resource: `${ISSUER}/mcp`, scopes: ['mcp'], generation: 1, issuedAt: NOW, endsAt: NOW + 3_600 }

const spellings = (token: string): readonly string[] =>
  ['\t', ' ', '\n', '\r', '\f', '='].flatMap((more) => [
    `${token}${more}`,
    `${more}${token}`,
    token.replace(/\.([^.]*)$/, `.${more}$1`),
  ])

describe('white space or padding makes another text of', () => {
  test('an access token', async () => {
    const token = await signedTokens.accessToken(pair, 3_600)
    expect(await signedTokens.verifyAccessToken(token, pair.resource)).toBeDefined()
    for (const other of spellings(token)) expect(await signedTokens.verifyAccessToken(other, pair.resource)).toBeUndefined()
  })

  test('a refresh token', async () => {
    const token = await signedTokens.refreshToken(pair, 3_600)
    expect(await signedTokens.verifyRefreshToken(token)).toBeDefined()
    for (const other of spellings(token)) expect(await signedTokens.verifyRefreshToken(other)).toBeUndefined()
  })

  test('a code', async () => {
    const code = await signedTokens.code({ ...grant, jti: 'j', expiresAt: NOW + 300 })
    expect(await signedTokens.verifyCode(code)).toBeDefined()
    for (const other of spellings(code)) expect(await signedTokens.verifyCode(other)).toBeUndefined()
  })

  test('a sealed cookie', async () => {
    const cookie = await sealed(ring, 'login+jwe', { state: 'x' }, NOW, 600)
    expect(await unsealed(ring, 'login+jwe', cookie, NOW)).toBeDefined()
    for (const other of spellings(cookie)) expect(await unsealed(ring, 'login+jwe', other, NOW)).toBeUndefined()
  })
})
