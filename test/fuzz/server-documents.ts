// What identity providers and authorization servers answer: read, or refused with an error of ours, whatever it is.
import * as fc from 'fast-check'
import { discover } from '../../src/identity/discovery.ts'
import { IdentityError } from '../../src/identity/provider.ts'
import { readTokenAnswer } from '../../src/identity/token-answer.ts'
import { isAllowedAddress } from '../../src/linking/ask.ts'
import { authorizationServerOf } from '../../src/linking/authorization-server.ts'
import { LinkError } from '../../src/linking/link-error.ts'
import { readTokens } from '../../src/linking/token-endpoint.ts'
import { fuzzTarget, hostileJson, hostileText, type Growth } from './target.ts'

const ISSUER = 'https://as.example'
const DOWNSTREAM = 'https://mcp.example/mcp'
const METADATA = [
  'issuer',
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'registration_endpoint',
  'revocation_endpoint',
  'code_challenge_methods_supported',
  'scopes_supported',
  'token_endpoint_auth_methods_supported',
  'id_token_signing_alg_values_supported',
]
const ADDRESSES = [
  ISSUER,
  `${ISSUER}/token`,
  'http://127.0.0.1/',
  'https://10.0.0.1/',
  'javascript:alert(1)',
  'https://a@b/',
  'S256',
  '__proto__',
]
const TOKENS = [
  'access_token',
  'token_type',
  'expires_in',
  'refresh_token',
  'id_token',
  'scope',
  'error',
  'error_description',
  '__proto__',
]
const WORDS = ['bearer', 'Bearer', 'DPoP', 'invalid_grant', '3600', '', 'a.b.c', 'x'.repeat(3_000)]

const answers = (keys: readonly string[], texts: readonly string[], base: object): fc.Arbitrary<() => Response> =>
  fc
    .record({
      status: fc.constantFrom(200, 200, 200, 200, 201, 204, 301, 400, 401, 404, 429, 500, 503),
      type: fc.constantFrom('application/json', 'text/html', 'application/x-www-form-urlencoded', ''),
      body: fc.oneof(
        {
          weight: 4,
          arbitrary: fc
            .dictionary(fc.constantFrom(...keys), hostileJson(keys, texts), { maxKeys: 5 })
            .map((lie) => JSON.stringify({ ...base, ...lie })),
        },
        { weight: 1, arbitrary: hostileJson(keys, texts).map((value) => JSON.stringify(value)) },
        { weight: 1, arbitrary: hostileText(['{', '}', '"', '<html>', 'access_token=a', '\uFEFF', '[', ']']) },
      ),
    })
    // Made anew for each reader: half of a cloned body cannot be cancelled before the other half.
    .map(
      ({ status, type, body }) =>
        () =>
          new Response(status === 204 ? null : body, { status, headers: { 'content-type': type } }),
    )

const METADATA_OF_AN_HONEST_SERVER = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/authorize`,
  token_endpoint: `${ISSUER}/token`,
  code_challenge_methods_supported: ['S256'],
}

export const metadata = fuzzTarget(
  'authorization server metadata',
  answers(METADATA, ADDRESSES, METADATA_OF_AN_HONEST_SERVER),
  async (answer) => {
    await answering(answer, async () => {
      const found = await orError(discover(ISSUER, ['openid']), IdentityError)
      if (found && found.issuer.replace(/\/$/, '') !== ISSUER) throw new Error(`${found.issuer} was taken for ${ISSUER}`)
      const server = await orError(authorizationServerOf(DOWNSTREAM, ISSUER), LinkError)
      const endpoints = [
        server?.authorization_endpoint,
        server?.token_endpoint,
        server?.registration_endpoint,
        server?.revocation_endpoint,
      ]
      for (const endpoint of endpoints)
        if (endpoint !== undefined && !isAllowedAddress(endpoint, DOWNSTREAM)) throw new Error(`${endpoint} would be asked`)
    })
  },
  [
    documents('a list of scopes', (size) =>
      JSON.stringify({ ...METADATA_OF_AN_HONEST_SERVER, scopes_supported: Array.from({ length: size / 8 }, () => 'scope') }),
    ),
    documents('nesting', (size) => '['.repeat(size)),
  ],
)

export const tokenAnswer = fuzzTarget(
  'token answer',
  answers(TOKENS, WORDS, { access_token: 'a', token_type: 'Bearer' }),
  async (answer) => {
    const tokens = (await orError(readTokenAnswer(answer()), IdentityError))?.tokens
    const linked = await orError(readTokens(answer(), 1_800_000_000), LinkError)
    for (const read of [tokens, linked]) {
      if (read?.accessToken === '') throw new Error('an empty token was taken')
      if (read?.expiresAt !== undefined && !Number.isSafeInteger(read.expiresAt))
        throw new Error(`a token ends at ${read.expiresAt}`)
    }
  },
)

/** Every fetch answers the same: the network is the one thing that is not ours. */
async function answering(answer: () => Response, run: () => Promise<void>): Promise<void> {
  const real = globalThis.fetch
  globalThis.fetch = async () => answer()
  try {
    await run()
  } finally {
    globalThis.fetch = real
  }
}

async function orError<Value>(value: Promise<Value>, kind: new (...given: never[]) => Error): Promise<Value | undefined> {
  try {
    return await value
  } catch (error) {
    if (error instanceof kind) return undefined
    throw error
  }
}

function documents(name: string, text: (size: number) => string): Growth {
  return {
    name,
    prepare: (size) => {
      const body = text(size)
      return async () =>
        await answering(
          () => new Response(body, { headers: { 'content-type': 'application/json' } }),
          async () => {
            await orError(discover(ISSUER, ['openid']), IdentityError)
          },
        )
    },
    most: 60_000,
  }
}
