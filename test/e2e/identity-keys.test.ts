// Identity keys change while servers go on verifying: derived ones, and RSA and EC keys of the operator's own; with jose, and with our examples.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createRemoteJWKSet, exportPKCS8, generateKeyPair, jwtVerify, SignJWT, type JWTPayload } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { keyRing, type IdentityKey } from '../../src/issuer/keys.ts'
import { fromHex } from '../../src/platform/crypto.ts'
import { BrokerClient, statusWith } from '../world/broker-client.ts'
import { ROOT } from '../world/bundle.ts'
import { fixture } from '../world/fixture.ts'
import { canRun, LineProgram } from '../world/line-program.ts'
import { startWorld } from '../world/world.ts'

type Variables = Readonly<Record<string, string | undefined>>
type Verifier = (jwt: string) => Promise<JWTPayload>

const seen = new Set<string>()

const world = fixture((closing) => closing(startWorld()))
afterEach(async () => {
  await world.restartRuntime()
})

/** What a server gets that is called now, by somebody who has just signed in. */
async function identityJwt(): Promise<string> {
  const client = await BrokerClient.register(world.brokerUrl)
  const { accessToken } = await client.signIn('alice')
  expect(await statusWith(world.mcpUrl, accessToken)).toBe(200)
  const { headers } = await world.downstream.requests.find(({ headers: { authorization = '' } }) => !seen.has(authorization))
  const { authorization = '' } = headers
  seen.add(authorization)
  return authorization.replace('Bearer ', '')
}

/** Keeps the keys it has fetched, and asks again for one it does not know. */
function remoteVerifier(): Verifier {
  const keys = createRemoteJWKSet(new URL(`${world.brokerUrl}/.well-known/jwks.json`), { cooldownDuration: 0 })
  const terms = { issuer: world.brokerUrl, audience: world.downstream.url, algorithms: ['ES256', 'RS256'] }
  return async (jwt) => (await jwtVerify(jwt, keys, terms)).payload
}

const newSecret = (): string => randomBytes(32).toString('hex')

/** In one line, as files of variables hold it. */
async function newPem(alg: 'ES256' | 'RS256'): Promise<string> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return (await exportPKCS8(privateKey)).trim().replaceAll('\n', '\\n')
}

describe('a rotation with overlap is noticed by nobody who verifies:', () => {
  const [secretA, secretB] = [newSecret(), newSecret()]
  test.for<[string, () => Promise<readonly [before: Variables, during: Variables, after: Variables]>]>([
    [
      'derived keys',
      async () => [
        { ENCRYPTION_KEY: secretA },
        { ENCRYPTION_KEY: secretB, ENCRYPTION_KEY_PREVIOUS: secretA },
        { ENCRYPTION_KEY: secretB },
      ],
    ],
    [
      'an RSA key of one’s own, and an EC key after it',
      async () => {
        const [rsa, ec] = [await newPem('RS256'), await newPem('ES256')]
        return [{ OIDC_PROVIDER_KEY: rsa }, { OIDC_PROVIDER_KEY: ec, OIDC_PROVIDER_KEY_PREVIOUS: rsa }, { OIDC_PROVIDER_KEY: ec }]
      },
    ],
    [
      'an EC key of one’s own, published before it is used',
      async () => {
        const [old, next] = [await newPem('ES256'), await newPem('ES256')]
        return [
          { OIDC_PROVIDER_KEY: old, OIDC_PROVIDER_KEY_PREVIOUS: next },
          { OIDC_PROVIDER_KEY: next, OIDC_PROVIDER_KEY_PREVIOUS: old },
          { OIDC_PROVIDER_KEY: next },
        ]
      },
    ],
  ])('%s', async ([, phases]) => {
    const [before, during, after] = await phases()
    await world.restartRuntime(before)
    const remembering = remoteVerifier()
    const old = await identityJwt()
    const { sub } = await remembering(old)

    await world.restartRuntime(during)
    const fresh = await identityJwt()
    for (const verify of [remembering, remoteVerifier()])
      for (const jwt of [old, fresh]) expect(await verify(jwt)).toMatchObject({ sub })

    await world.restartRuntime(after)
    const last = await identityJwt()
    for (const verify of [remembering, remoteVerifier()])
      for (const jwt of [fresh, last]) expect(await verify(jwt)).toMatchObject({ sub })
    await expect(remoteVerifier()(old)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
  })
})

const EXAMPLES = join(ROOT, 'examples/verify-identity')
const PROGRAMS: readonly (readonly [name: string, command: readonly string[], probe: readonly string[]])[] = [
  ['TypeScript', [process.execPath, join(EXAMPLES, 'verify.ts')], [process.execPath, '--version']],
  ['Python', ['python3', join(EXAMPLES, 'verify.py')], ['python3', '-c', 'import cryptography']],
  ['Go', ['go', 'run', join(EXAMPLES, 'verify.go')], ['go', 'version']],
]

// The programs go through it together: what they wait for, they wait for once.
describe('the examples of a server that verifies', () => {
  const runnable = PROGRAMS.filter(([, , probe]) => canRun(probe))
  const missing = PROGRAMS.filter((program) => !runnable.includes(program))
  for (const [name, , probe] of missing)
    console.warn(`skipped: the example in ${name}; this machine can not run ${probe.join(' ')}`)

  test(`in ${runnable.map(([name]) => name).join(', ')} believe the broker, through a change of its keys, and nobody else`, async () => {
    const [secret, next] = [newSecret(), newSecret()]
    await world.restartRuntime({ ENCRYPTION_KEY: secret })
    const environment = { BROKER_URL: world.brokerUrl, AUDIENCE: world.downstream.url }
    const programs = runnable.map(([name, command]) => [name, new LineProgram(command, environment)] as const)
    const askAll = async (jwt: string): Promise<Readonly<Record<string, string>>> =>
      Object.fromEntries(await Promise.all(programs.map(async ([name, program]) => [name, await program.ask(jwt)] as const)))
    const everyone = (answer: unknown): unknown => Object.fromEntries(runnable.map(([name]) => [name, answer]))
    const alice = everyone(expect.stringMatching(/"alice@example\.com"/))
    try {
      const genuine = await identityJwt()
      expect(await askAll(genuine)).toEqual(alice)

      const { identity } = await keyRing({ secret: fromHex(secret) })
      const refused = everyone(expect.stringMatching(/^refused: /))
      const { honest, forged } = await forgeries(identity.active, genuine)
      for (const [what, jwt] of forged) expect({ what, ...(await askAll(jwt)) }).toEqual({ what, ...Object(refused) })
      const believed = everyone(expect.stringMatching(/^\{/))
      for (const [what, jwt] of honest) expect({ what, ...(await askAll(jwt)) }).toEqual({ what, ...Object(believed) })

      await world.restartRuntime({ ENCRYPTION_KEY: next, ENCRYPTION_KEY_PREVIOUS: secret })
      const after = await identityJwt()
      // The keys are not asked for more often than every five seconds.
      await expect.poll(() => askAll(after), { timeout: 10_000, interval: 500 }).toEqual(alice)
      expect(await askAll(genuine)).toEqual(alice)
    } finally {
      for (const [, program] of programs) await program.close()
    }
  })
})

interface Forgeries {
  /** Signed by the broker's own key, and as good as what it signs. */
  readonly honest: readonly (readonly [what: string, jwt: string])[]
  readonly forged: readonly (readonly [what: string, jwt: string])[]
}

/** What the broker's own key could sign, had somebody made it, and what others can. */
async function forgeries({ privateKey, kid }: IdentityKey, genuine: string): Promise<Forgeries> {
  const now = Math.floor(Date.now() / 1000)
  const usual = { iss: world.brokerUrl, aud: world.downstream.url, sub: 'x', idp: world.idp.issuer, iat: now, exp: now + 60 }
  const signed = async (claims: object, header: object = {}, key = privateKey): Promise<string> =>
    await new SignJWT({ ...usual, ...claims }).setProtectedHeader({ alg: 'ES256', kid, ...header }).sign(key)
  const stranger = await generateKeyPair('ES256')
  const rsa = await generateKeyPair('RS256')
  const [head = '', body = '', signature = ''] = genuine.split('.')
  const hmac = new SignJWT(usual).setProtectedHeader({ alg: 'HS256', kid })
  return {
    honest: [
      ['over for 30 seconds', await signed({ iat: now - 90, exp: now - 30 })],
      ['from a clock that is 30 seconds ahead', await signed({ nbf: now + 30, iat: now + 30 })],
      ['for several servers', await signed({ aud: ['https://elsewhere.example/mcp', world.downstream.url] })],
    ],
    forged: [
      ['over for 70 seconds', await signed({ iat: now - 130, exp: now - 70 })],
      ['without an end', await signed({ exp: undefined })],
      ['not valid before ten minutes', await signed({ nbf: now + 600 })],
      ['of another issuer', await signed({ iss: 'https://elsewhere.example' })],
      ['for another server', await signed({ aud: 'https://elsewhere.example/mcp' })],
      ['about nobody', await signed({ sub: undefined })],
      ['signed by somebody else', await signed({}, {}, stranger.privateKey)],
      ['signed in another way than the key signs', await signed({}, { alg: 'RS256' }, rsa.privateKey)],
      ['with a key nobody knows', await signed({}, { kid: 'unknown' })],
      ['without the name of its key, and by somebody else', await signed({}, { kid: undefined }, stranger.privateKey)],
      ['with a secret that is public', await hmac.sign(new TextEncoder().encode(kid))],
      ['without a signature', `${inBase64({ alg: 'none', kid })}.${body}.`],
      ['with other claims under the same signature', `${head}.${inBase64({ ...usual, sub: 'admin' })}.${signature}`],
      ['with half of its signature', `${head}.${body}.${signature.slice(0, 43)}`],
      ['that is no JWT', 'not a token'],
      ['that is empty', ''],
    ],
  }
}

function inBase64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
