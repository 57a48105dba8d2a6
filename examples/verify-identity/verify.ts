// Verifies the identity JWT a broker sends with every request to your MCP server. Needs: npm install jose
import { createInterface } from 'node:readline'
import { createRemoteJWKSet, jwtVerify } from 'jose'

export interface Identity {
  /** The person, together with `idp`: subject and the identity provider it is unique at. Never use the e-mail address for that. */
  readonly sub: string
  readonly idp: string
  readonly email?: string
  readonly name?: string
  readonly groups?: readonly string[]
}

/** `broker` is BASE_URL of the broker; `audience` is the URL it has for this server, exactly as in its settings. */
export function verifier(broker: string, audience: string): (jwt: string) => Promise<Identity> {
  // Keys are kept for ten minutes. A key id that is not among them has them fetched again, at most every five seconds.
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', broker), { cacheMaxAge: 600_000, cooldownDuration: 5_000 })
  return async (jwt) => {
    const { payload } = await jwtVerify<Identity>(jwt, keys, {
      issuer: broker,
      audience,
      algorithms: ['ES256', 'RS256'],
      requiredClaims: ['exp', 'iat', 'sub', 'idp'],
      // An identity JWT lives for a minute, and no two clocks agree.
      clockTolerance: 60,
    })
    return payload
  }
}

// BROKER_URL=… AUDIENCE=… node verify.ts: one JWT a line in, who it is, or why not, a line out.
if (process.argv[1] === import.meta.filename) {
  const verify = verifier(process.env['BROKER_URL'] ?? '', process.env['AUDIENCE'] ?? '')
  for await (const jwt of createInterface(process.stdin)) {
    try {
      console.log(JSON.stringify(await verify(jwt)))
    } catch (error) {
      console.log(`refused: ${String(error)}`)
    }
  }
}
