// Cookies and tokens of our own making: only what was made by us, for this purpose, opens anything; no text makes them fail otherwise.
import * as fc from 'fast-check'
import { keyRing } from '../../src/issuer/keys.ts'
import { SignedTokens } from '../../src/oauth/tokens/signed-tokens.ts'
import { sealed, unsealed } from '../../src/oauth/tokens/browser-state.ts'
import { fuzzTarget, hostileText, mutated } from './target.ts'

const NOW = 1_800_000_000
const ring = await keyRing({ secret: new Uint8Array(32).map((_, at) => at) })
const others = await keyRing({ secret: new Uint8Array(32).map((_, at) => at + 1) })
const ISSUER = 'https://mcp.example.com'
const signedTokens = new SignedTokens(ring, ISSUER, () => NOW)
const foreign = new SignedTokens(others, ISSUER, () => NOW)

const PAIR = {
  sub: 's',
  grantId: 'g',
  clientId: 'c',
  resource: `${ISSUER}/mcp`,
  scopes: ['mcp'],
  generation: 1,
  issuedAt: NOW,
  endsAt: NOW + 3600,
}
const CODE = { sub: 's', grantId: 'g', clientId: 'c', jti: 'j', expiresAt: NOW + 300 }
const OURS = {
  access: await signedTokens.accessToken(PAIR, 3600),
  refresh: await signedTokens.refreshToken(PAIR, 3600),
  code: await signedTokens.code(CODE),
  login: await sealed(ring, 'login+jwe', { state: 'x' }, NOW, 600),
}
const THEIRS = [await foreign.accessToken(PAIR, 3600), await foreign.code(CODE), await sealed(others, 'login+jwe', {}, NOW, 600)]

const [header = '', payload = '', signature = ''] = OURS.access.split('.')
const text = fc.oneof(
  { weight: 4, arbitrary: mutated(fc.constantFrom(...Object.values(OURS), ...THEIRS)) },
  {
    weight: 1,
    arbitrary: hostileText([header, payload, signature, '.', '..', 'eyJhbGciOiJub25lIn0', 'e30', '=', '+', '/', '\0']),
  },
  { weight: 1, arbitrary: fc.constantFrom(...Object.values(OURS)) },
)

export const sealedValues = fuzzTarget(
  'cookies and tokens',
  text,
  async (token) => {
    expect(await signedTokens.verifyAccessToken(token, PAIR.resource), token, OURS.access)
    expect(await signedTokens.verifyRefreshToken(token), token, OURS.refresh)
    expect(await signedTokens.verifyCode(token), token, OURS.code)
    expect(await unsealed(ring, 'login+jwe', token, NOW), token, OURS.login)
    expect(await unsealed(ring, 'consent+jwe', token, NOW), token, '')
  },
  [
    { name: 'dots', prepare: (size) => opening('.'.repeat(size)) },
    { name: 'one long part', prepare: (size) => opening(`eyJ${'e'.repeat(size)}`) },
    { name: 'a long payload', prepare: (size) => opening(`${header}.${'A'.repeat(size)}.${signature}`) },
  ],
)

/** Base64url of some lengths has bits that no byte uses: another spelling of the same bytes is the same signature. */
function expect(opened: unknown, token: string, ours: string): void {
  if ((opened !== undefined) === isSpelling(token, ours)) return
  throw new Error(opened === undefined ? 'a token of ours was refused' : 'a token that is not ours was accepted')
}

function isSpelling(token: string, ours: string): boolean {
  if (token === ours || ours === '') return token === ours && ours !== ''
  const [a, b] = [token.split('.'), ours.split('.')]
  return (
    /^[\w.-]+$/.test(token) &&
    a.length === b.length &&
    a.slice(0, -1).join('.') === b.slice(0, -1).join('.') &&
    decoded(a.at(-1)) === decoded(b.at(-1))
  )
}

function opening(token: string): () => Promise<unknown> {
  return async () => [await signedTokens.verifyAccessToken(token, undefined), await unsealed(ring, 'login+jwe', token, NOW)]
}

function decoded(part: string | undefined): string {
  return Buffer.from(part ?? '', 'base64url').toString('hex')
}
